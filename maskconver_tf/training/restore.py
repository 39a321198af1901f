"""From a run's folder back to something that segments pictures."""

from __future__ import annotations

from collections.abc import Callable

import tf_keras

from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.input.pipeline import check_input_size
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.models.build_network import build_network
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training.machines.precision import set_precision
from maskconver_tf.training.run_files.run_folder import RunFolder


def restore_segmenter(
    model_dir: str,
    model: Callable[..., tf_keras.Model],
    fusion: PanopticFusion,
    input_size: tuple[int, int],
    precision: str = "float32",
    jit_compile: bool = False,
) -> PanopticSegmenter:
    """Builds a run's model and fills it with its best weights.

    Args:
      model_dir: the run's folder.
      model: makes the model from `num_classes`.
      fusion: thresholds.
      input_size: (height, width), multiples of 32.
      precision: "float32" or "mixed_bfloat16".
      jit_compile: compile the network with XLA, in an export too.

    Raises:
      UserError: the folder holds no run, no weights, or those of another model.
    """
    check_input_size("restore_segmenter", input_size)
    set_precision("restore_segmenter", precision)
    folder = RunFolder(local_or_remote_path(model_dir))
    categories = folder.categories()
    with random_weights():
        network = build_network(model(num_classes=len(categories)), input_size)
    folder.restore(network)
    return PanopticSegmenter(network, fusion, categories, input_size, jit_compile)
