"""MaskConver in TensorFlow: panoptic segmentation with convolutions only.

import maskconver_tf
predictor = maskconver_tf.load("runs/demo")
predictor("street.jpg").save("pictures", "street")
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from maskconver_tf.files.paths import RemotePath
    from maskconver_tf.inference.predictor import Predictor

__version__ = "0.1.0"


def load(
    model: str | os.PathLike,
    score_threshold: float | None = None,
    overlap_threshold: float | None = None,
    min_area: int | None = None,
    gin: Iterable[str] = (),
) -> Predictor:
    """Loads a predictor from a trained run or an export.

    A threshold that is None is the one that the run keeps in `thresholds.json`, else the one of its
    configuration. An export carries the thresholds that its run had.

    Args:
      model: a run's folder (`--model_dir`), an export's folder, or one numbered version of it. A
        folder of LiteRT files stands for the most precise file; one file `.tflite` works, too.
      score_threshold: least score of a segment, 0..1.
      overlap_threshold: least share of its mask that a segment must win, 0..1.
      min_area: least area of a segment, in pixels of the picture.
      gin: other settings of a run, such as `["PanopticFusion.runner_up=True"]`.

    Raises:
      UserError: the folder has neither a run nor an export, a threshold is out of range or unknown
        to the model, settings are given for an export, or thresholds for LiteRT files.
    """
    from maskconver_tf.files.paths import local_or_remote_path
    from maskconver_tf.inference.thresholds import check_thresholds
    from maskconver_tf.inference.tiles.chosen_tile import known_window

    thresholds = check_thresholds(
        score_threshold=score_threshold, overlap_threshold=overlap_threshold, min_area=min_area
    )
    predictor = _load(local_or_remote_path(model), thresholds, list(gin))
    predictor.window = known_window(os.fspath(model), predictor.input_size)
    return predictor


def _load(folder: Path | RemotePath, thresholds: dict[str, Any], gin: list[str]) -> Predictor:
    from maskconver_tf.errors import UserError
    from maskconver_tf.files.paths import RemotePath
    from maskconver_tf.inference.exported_model import is_export, load_export
    from maskconver_tf.inference.model_folder import check_is_folder, has_lite_files
    from maskconver_tf.inference.predictor import Predictor

    is_local = not isinstance(folder, RemotePath)
    if is_litert := is_local and has_lite_files(folder):
        from maskconver_tf.inference.litert.lite_predictor import load_lite_model as load_kind
    else:
        load_kind = load_export
        check_is_folder(folder, "a run's --model_dir or an export")
    if is_litert or (is_local and is_export(folder)):
        if gin:
            raise UserError(
                f"{folder}: found an export, whose settings are fixed, and the setting {gin[0]}; "
                "give it to `maskconver export`, or predict from the run's folder"
            )
        return load_kind(folder, thresholds)
    from maskconver_tf.config.roots import load_run

    segmenter = load_run(os.fspath(folder), gin, thresholds)
    return Predictor(segmenter.segment, segmenter.categories, segmenter.input_size)
