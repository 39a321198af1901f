"""MaskConver in TensorFlow: panoptic segmentation with convolutions only.

import maskconver_tf
predictor = maskconver_tf.load("runs/demo")
predictor("street.jpg").save("pictures", "street")
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskconver_tf.inference.predictor import Predictor

__version__ = "0.1.0"


def load(model: str | os.PathLike, score_threshold: float | None = None) -> Predictor:
    """Loads a predictor from a trained run or an export.

    Args:
      model: a run's folder (`--model_dir`), an export's folder, or one numbered version of it.
      score_threshold: least score of a segment, 0..1; None for the run's own. An export has a fixed
        threshold.

    Raises:
      UserError: the folder has neither a run nor an export, or a threshold is given for an export.
    """
    from maskconver_tf.errors import UserError, typed_repr
    from maskconver_tf.files.paths import RemotePath, local_or_remote_path
    from maskconver_tf.inference.exported_model import is_export, load_export
    from maskconver_tf.inference.model_folder import check_is_folder
    from maskconver_tf.inference.predictor import Predictor
    from maskconver_tf.setting_checks import is_number

    if score_threshold is not None and not is_number(score_threshold, 0, 1):
        shown = typed_repr(score_threshold)
        raise UserError(f"score_threshold = {shown}: expected a number from 0 to 1, such as 0.5")
    folder = local_or_remote_path(model)
    check_is_folder(folder, "a run's --model_dir or an export")
    if not isinstance(folder, RemotePath) and is_export(folder):
        if score_threshold is not None:
            raise UserError(
                f"{folder}: found an export, whose score threshold is fixed, and the threshold "
                f"{score_threshold}; export again with `maskconver export "
                f"--gin.PanopticFusion.score_threshold={score_threshold}`, or predict from the "
                "run's folder"
            )
        return load_export(folder)
    from maskconver_tf.config.roots import load_run

    segmenter = load_run(os.fspath(folder), score_threshold=score_threshold)
    return Predictor(segmenter.segment, segmenter.categories)
