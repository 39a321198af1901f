"""Fits curves that recalibrate the scores of a run, and tells whether those that it keeps fit."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from maskconver_tf.config.thresholds.chosen_thresholds import fusion_settings, predicting_weights
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.evaluation.lost_quality.calibration import PictureScores, ScoredSegments
from maskconver_tf.evaluation.lost_quality.recalibration import Recalibration, fit_and_test, fits
from maskconver_tf.training.evaluators.panoptic_evaluator import PanopticEvaluator
from maskconver_tf.training.run_files.kept_recalibration import (
    FILE_NAME,
    KeptRecalibration,
    read_kept_recalibration,
    write_kept_recalibration,
)
from maskconver_tf.training.run_files.run_folder import RunFolder


def kept_curves(folder: RunFolder, categories: Categories, fusion: Any) -> Recalibration | None:
    """Returns the curves that a run keeps, and prints on stderr that its scores are recalibrated.

    Args:
      fusion: that of the predictions. A second line tells if the curves are for other settings or
        other weights.

    Raises:
      UserError: see `read_kept_recalibration`.
    """
    kept = read_kept_recalibration(folder.path, categories)
    if kept is None:
        return None
    file = folder.path / FILE_NAME
    print(f"scores: recalibrated ({file})", file=sys.stderr)
    if differences := _differences(kept, predicting_weights(folder), _plain(fusion)):
        print(
            f"{file}: fitted for {differences} now; fit the curves again with `maskconver "
            "evaluate --recalibrate`",
            file=sys.stderr,
        )
    return kept.recalibration


def keep_curves(folder: RunFolder, fusion: Any, evaluator: PanopticEvaluator) -> None:
    """Fits curves to half of the pictures, and keeps them if they are better on the other half.

    It prints what it found and did.

    Args:
      fusion: that of the predictions.
      evaluator: has scored all pictures with the scores of the network.
    """
    print(_keep(folder, fusion, evaluator.scored_segments, evaluator.data.folder))


def _keep(
    folder: RunFolder, fusion: Any, pictures: Sequence[PictureScores], data: DatasetFolder
) -> str:
    found, tested = _fitted(pictures, data.categories)
    if found is None or tested["ece_before"] is None:
        return (
            "recalibration: too few predictions that count; expected some in both halves of the "
            "pictures. The run keeps its scores as they are"
        )
    before, after = tested["ece_before"], tested["ece_after"]
    outcome = (
        f"recalibration: {tested['fitted_segments']} segments fitted {tested['classes']} classes "
        f"and the rest; expected calibration error on the other {tested['tested_segments']}: "
        f"{before:.1f} % before, {after:.1f} % after"
    )
    if after >= before:
        return f"{outcome}. This is no gain, so the run keeps its scores as they are"
    origin = {"fitted_by": "maskconver evaluate --recalibrate", "data": str(data.path), **tested}
    kept = KeptRecalibration(found, predicting_weights(folder) or "", _plain(fusion), origin)
    return f"{outcome}\n{write_kept_recalibration(folder.path, kept)}: curves kept"


def _fitted(
    pictures: Sequence[PictureScores], categories: Categories
) -> tuple[Recalibration | None, dict[str, Any] | None]:
    if not pictures:
        return None, None
    columns = zip(*(picture.segments for picture in pictures), strict=True)
    segments = ScoredSegments(*map(np.concatenate, columns))
    sizes = [len(picture.segments.scores) for picture in pictures]
    is_fitting = np.repeat([fits(picture.image_id) for picture in pictures], sizes)
    return fit_and_test(segments, is_fitting, categories)


def _plain(fusion: Any) -> dict[str, Any]:
    """The settings of a fusion as JSON gives them back."""
    settings = {"fusion": type(fusion).__name__} | fusion_settings(fusion)
    return json.loads(json.dumps(settings))


def _differences(kept: KeptRecalibration, weights: str | None, settings: Mapping[str, Any]) -> str:
    """Says how the run of now differs from that of the fit; empty if it does not."""
    if kept.weights and kept.weights != weights:
        return f"{kept.weights}, but the run predicts with {weights}"
    for name, value in kept.settings.items():
        if settings.get(name) != value:
            return f"{name} {value}, but the run predicts with {name} {settings.get(name)}"
    return ""
