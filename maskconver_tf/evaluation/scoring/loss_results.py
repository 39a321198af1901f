"""Builds what results.json says about lost quality: `lost`, `fixes`, `confusion`, `calibration`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.lost_quality.calibration import calibration_results, scored_segments
from maskconver_tf.evaluation.lost_quality.confusion import confused_segments
from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.lost_quality.lost_results import (
    class_weights,
    fixes_results,
    lost_results,
)
from maskconver_tf.evaluation.lost_quality.recalibration import (
    Recalibration,
    fit_and_test,
    fits,
)
from maskconver_tf.evaluation.lost_quality.segment_table import FN, NO_ID, OUTCOMES, TP
from maskconver_tf.evaluation.panoptic_quality import PanopticQualityResult
from maskconver_tf.evaluation.scoring.lost_intervals import lost_intervals
from maskconver_tf.evaluation.scoring.score_tables import ScoreTables

SEGMENT_COLUMNS = (
    "image_id",
    "outcome",
    "kind",
    "class",
    "other_class",
    "truth_id",
    "prediction_id",
    "iou",
    "area",
    "score",
    "lost",
)
"""Of per_segment.csv; docs/evaluation.md describes them."""


@dataclasses.dataclass(frozen=True)
class LossResults:
    """What one model loses.

    Attributes:
      results: the fields of results.json.
      segments: gives the rows of per_segment.csv; they take longer than all the rest.
      recalibration: the fitted curves, None without scores.
    """

    results: dict[str, Any]
    segments: Callable[[], list[tuple]]
    recalibration: Recalibration | None


def loss_results(
    tables: ScoreTables,
    panoptic: PanopticQualityResult,
    categories: Categories,
    weights: np.ndarray,
) -> LossResults:
    """Returns where one model loses quality.

    Args:
      panoptic: the quality of the results, to which the shares add up.
      weights: how often each resample draws each picture, for the intervals of the shares.
    """
    calibration, recalibration = _calibration(tables, categories)
    after = {kind: tables.mended_quality(i).result() for i, kind in enumerate(KINDS)}
    results = {
        "lost": lost_results(panoptic, tables.segments, categories)
        | {"interval": lost_intervals(tables, weights)},
        "fixes": fixes_results(tables.quality().result(), after, categories),
        "confusion": _confusion(tables, categories),
        "calibration": calibration,
    }
    rows = functools.partial(_segment_rows, tables, panoptic, categories)
    return LossResults(results, rows, recalibration)


def _confusion(tables: ScoreTables, categories: Categories) -> list[dict[str, Any]]:
    """Returns the pairs of classes that occur; None is void."""
    size = len(categories) + 1
    names = [*categories.names, None]
    pixels = tables.confused.totals(size * size)[:, 0].astype(np.int64).reshape(size, size)
    segments = confused_segments(tables.segments, len(categories))
    return [
        {
            "truth": names[row],
            "predicted": names[column],
            "pixels": int(pixels[row, column]),
            "segments": int(segments[row, column]),
        }
        for row, column in np.argwhere((pixels > 0) | (segments > 0)).tolist()
    ]


def _calibration(
    tables: ScoreTables, categories: Categories
) -> tuple[dict[str, Any] | None, Recalibration | None]:
    segments = scored_segments(tables.segments)
    if segments is None:
        return None, None
    fitting = np.array([fits(image_id) for image_id in tables.image_ids], np.bool_)
    pictures = tables.segment_pictures[tables.segments.outcomes != FN]
    recalibration, tested = fit_and_test(segments, fitting[pictures], categories)
    return calibration_results(segments, categories) | {"recalibration": tested}, recalibration


def _segment_rows(
    tables: ScoreTables, panoptic: PanopticQualityResult, categories: Categories
) -> list[tuple]:
    table, names = tables.segments, categories.names
    lost = 100 * table.losses() / class_weights(panoptic)[table.class_ids]
    is_exact = (table.outcomes == TP) & (table.ious == 1)
    columns = (
        [tables.image_ids[i] for i in tables.segment_pictures.tolist()],
        [OUTCOMES[outcome] for outcome in table.outcomes.tolist()],
        [
            "" if exact else KINDS[kind]
            for kind, exact in zip(table.kinds.tolist(), is_exact.tolist(), strict=True)
        ],
        [names[i] for i in table.class_ids.tolist()],
        [
            "" if own == other else names[other]
            for own, other in zip(
                table.class_ids.tolist(), table.other_class_ids.tolist(), strict=True
            )
        ],
        [i if i != NO_ID else "" for i in table.truth_ids.tolist()],
        [i if i != NO_ID else "" for i in table.predicted_ids.tolist()],
        table.ious.tolist(),
        table.areas.tolist(),
        ["" if score != score else score for score in table.scores.tolist()],
        lost.tolist(),
    )
    return list(zip(*columns, strict=True))
