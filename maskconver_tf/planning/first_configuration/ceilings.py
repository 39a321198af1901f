"""PQ of a perfect model at the input size of a plan."""

from __future__ import annotations

import numpy as np

from maskconver_tf.datasets.check_picture import CheckedPicture, check_picture
from maskconver_tf.planning.first_configuration.choosing.plan import Plan
from maskconver_tf.planning.first_configuration.parts.open_data import OpenedData

_MOST_PICTURES = 30


def measure_ceilings(plan: Plan, opened: OpenedData) -> dict[str, float]:
    """Scores what slots, labels and masks of the plan leave of the truth. It loads TensorFlow.

    Args:
      plan: the sizes.
      opened: the data; some pictures of the evaluation part are used.

    Returns:
      "all", "things" and "stuff" -> PQ, 0..100; only those that occur.
    """
    from maskconver_tf.planning.dataset_check.ceiling import Ceiling
    from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

    values = {setting.name: setting.value for setting in plan.settings}
    least = values.get("PanopticFusion.min_area", PanopticFusion.min_area)
    ceiling = Ceiling(
        opened.evaluation.categories,
        plan.size.input_size,
        PanopticFusion(min_area=least),
        values["TargetBuilder.num_slots"],
        values["TargetBuilder.label_stride"],
        2**plan.model.mask_level,
    )
    pictures = opened.evaluation.pictures
    count = min(len(pictures), _MOST_PICTURES)
    for picture in pictures.at(i * len(pictures) // count for i in range(count)):
        checked = check_picture(picture)
        if isinstance(checked, CheckedPicture):
            class_ids = np.array([segment.class_id for segment in checked.segments])
            is_crowd = np.array([segment.is_crowd for segment in checked.segments])
            ceiling.add(checked.segment_map, class_ids, is_crowd)
    quality = ceiling.result()
    groups = {"all": quality.all, "things": quality.things, "stuff": quality.stuff}
    return {name: 100.0 * g.pq for name, g in groups.items() if not np.isnan(g.pq)}
