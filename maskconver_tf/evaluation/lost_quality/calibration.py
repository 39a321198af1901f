"""Calibration: does a score of 0.8 mean that 80 % of such segments are right?

A predicted segment is right if it matches (TP) and wrong if it counts as FP. Predictions that PQ
forgives are neither. The expected calibration error (Guo et al., ICML 2017, equation 3) is the mean
distance of score and share that is right, over bins of the score, weighted by their segments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.lost_quality.segment_table import FN, TP, SegmentTable
from maskconver_tf.evaluation.matching import Matches
from maskconver_tf.types import Segment

NUM_BINS = 10


class ScoredSegments(NamedTuple):
    """The predicted segments that count.

    Attributes:
      scores: float64 `[n]`, 0..1.
      is_right: bool `[n]`.
      class_ids: int32 `[n]`, predicted class.
    """

    scores: np.ndarray
    is_right: np.ndarray
    class_ids: np.ndarray

    def chosen(self, rows: np.ndarray) -> ScoredSegments:
        return ScoredSegments(*(column[rows] for column in self))


class PictureScores(NamedTuple):
    """The predicted segments of one picture that count."""

    image_id: int | str
    segments: ScoredSegments

    @classmethod
    def of(
        cls, image_id: int | str, matches: Matches, predicted: Sequence[Segment]
    ) -> PictureScores:
        """Takes the segments that match or count as wrong; all have scores."""
        is_right = np.zeros(len(predicted), np.bool_)
        is_right[matches.predicted] = True
        counts = np.flatnonzero(is_right | matches.is_invented)
        scores = np.array([segment.score for segment in predicted], np.float64)
        class_ids = np.array([segment.class_id for segment in predicted], np.int32)
        return cls(image_id, ScoredSegments(scores, is_right, class_ids).chosen(counts))


def scored_segments(table: SegmentTable) -> ScoredSegments | None:
    """Returns the predictions of a table in its order; None if one has no score in 0..1."""
    own = table.outcomes != FN
    scores = table.scores[own]
    if not ((scores >= 0) & (scores <= 1)).all():  # NaN is a missing score.
        return None
    return ScoredSegments(scores, table.outcomes[own] == TP, table.class_ids[own])


def bins_of(segments: ScoredSegments) -> list[dict[str, Any]]:
    """Returns `NUM_BINS` bins of equal width, the last one with 1.

    Each has `low`, `high`, `segments`, `right`, and the means `score` and `share_right`, None in an
    empty bin. Sums are exact, so the order of the segments changes no bit.
    """
    numbers = np.minimum((segments.scores * NUM_BINS).astype(np.int64), NUM_BINS - 1)
    found = []
    for number in range(NUM_BINS):
        here = segments.chosen(numbers == number)
        bounds = {"low": number / NUM_BINS, "high": (number + 1) / NUM_BINS}
        found.append(bounds | _means(here))
    return found


def expected_calibration_error(segments: ScoredSegments) -> float | None:
    """Returns the expected calibration error, 0..1; None without segments."""
    if not len(segments.scores):
        return None
    distances = [
        entry["segments"] * abs(entry["score"] - entry["share_right"])
        for entry in bins_of(segments)
        if entry["segments"]
    ]
    return math.fsum(distances) / len(segments.scores)


def calibration_results(segments: ScoredSegments, categories: Categories) -> dict[str, Any]:
    """Returns `all`, `things`, `stuff` and `per_class` of `calibration` in results.json.

    Each has `ece` in percent, `segments`, `right`, `score` and `share_right`; the groups also have
    `bins`. Scores and shares are 0..1.
    """
    is_thing = np.asarray(categories.is_thing, np.bool_)[segments.class_ids]
    members = {"all": np.ones_like(is_thing), "things": is_thing, "stuff": ~is_thing}
    groups = {name: segments.chosen(rows) for name, rows in members.items()}
    return {
        **{name: _summary(group) | {"bins": bins_of(group)} for name, group in groups.items()},
        "per_class": {
            category.name: _summary(segments.chosen(segments.class_ids == class_id))
            for class_id, category in enumerate(categories)
        },
    }


def _summary(segments: ScoredSegments) -> dict[str, Any]:
    error = expected_calibration_error(segments)
    return {"ece": None if error is None else 100 * error} | _means(segments)


def _means(segments: ScoredSegments) -> dict[str, Any]:
    count, right = len(segments.scores), int(segments.is_right.sum())
    return {
        "segments": count,
        "right": right,
        "score": math.fsum(segments.scores.tolist()) / count if count else None,
        "share_right": right / count if count else None,
    }
