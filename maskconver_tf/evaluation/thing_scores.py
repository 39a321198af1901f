"""AP of things at IoU 0.5 to 0.9, and errors of their counts, from the matches of PQ.

All counts are sums over pictures, so workers can add them, in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskconver_tf.evaluation.matching import Matches
from maskconver_tf.types import Segment

IOUS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)

_LEAST = np.linspace(0.5, 0.9, len(IOUS))
_NUM_BINS = 4096
"""Scores 0..1 are kept in so many steps. Detections of one step count as equally sure."""
_RECALLS = np.linspace(0, 1, 101)
_COUNTS = ("true", "predicted", "pictures", "absolute")


class ThingScores:
    """Adds up matches of true and predicted things.

    Segments of a panoptic map do not overlap. So a predicted thing has an IoU above 0.5 with at
    most one true thing, and the pairs of PQ are the pairs of AP at each IoU. COCO's program also
    pairs at an IoU of exactly 0.5; PQ does not.

    AP is COCO's: the mean precision at 101 recalls, over all detections, without a limit of 100 per
    picture. Predictions that PQ forgives (mostly on void, or on a crowd of their class) do not
    count.

    Args:
      is_thing: bool `[C]`.
    """

    def __init__(self, is_thing: np.ndarray):
        self._things = np.flatnonzero(is_thing)
        self._row = np.full(len(is_thing), -1)
        self._row[self._things] = np.arange(len(self._things))
        count = len(self._things)
        # First all detections, then the right ones at each IoU.
        self._detections = np.zeros((count, 1 + len(IOUS), _NUM_BINS), np.int64)
        self._counts = np.zeros((count, len(_COUNTS)), np.int64)
        self._unscored = np.zeros(1, np.int64)

    def update(
        self, matches: Matches, truth: Sequence[Segment], predicted: Sequence[Segment]
    ) -> None:
        """Adds one picture: its matches, and its segments in the order of the matches."""
        iou = np.full(len(predicted), -1.0)
        iou[matches.predicted] = matches.ious
        is_counted = matches.is_invented.copy()
        is_counted[matches.predicted] = True
        found = np.zeros(len(self._things), np.int64)
        for number, segment in enumerate(predicted):
            row = self._row[segment.class_id]
            if row < 0 or not is_counted[number]:
                continue
            found[row] += 1
            if segment.score is None:
                self._unscored += 1
                continue
            step = min(int(segment.score * _NUM_BINS), _NUM_BINS - 1)
            self._detections[row, 0, step] += 1
            self._detections[row, 1:, step] += iou[number] >= _LEAST
        classes = np.array([s.class_id for s in truth if not s.is_crowd], np.int64)
        rows = self._row[classes]
        there = np.bincount(rows[rows >= 0], minlength=len(self._things))
        either = (found + there > 0).astype(np.int64)
        self._counts += np.stack([there, found, either, abs(found - there)], axis=1)

    def merge(self, other: ThingScores) -> None:
        """Adds the counts of other pictures with the same classes."""
        for mine, theirs in zip(self.arrays(), other.arrays(), strict=True):
            mine += theirs

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the counts, int64; to add those of other workers, change them in place."""
        return self._detections, self._counts, self._unscored

    def results(self) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
        """Returns the scores of all things, and those of each thing class.

        Returns:
          `ap`, the mean of `ap_at`, in percent; `ap_at`: IoU as text -> percent, the mean over
          classes with a true thing, None without one or if a prediction has no score; and
          `num_true`, `num_predicted`, `count_error` (mean of |predicted - true| over pictures with
          such a thing), `count_bias` (predicted minus true, in percent of true).
        """
        ap = self._average_precision()
        known = ap[:, ~np.isnan(ap).any(axis=0)]
        total = _ap(known.mean(axis=1) if known.size else np.full(len(IOUS), np.nan))
        classes = {
            int(class_id): _ap(ap[:, row]) | _count_errors(self._counts[row])
            for row, class_id in enumerate(self._things)
        }
        return total | _count_errors(self._counts.sum(axis=0)), classes

    def _average_precision(self) -> np.ndarray:
        """AP 0..1 at each IoU of each thing class, `[9, n]`; NaN without a true thing or scores."""
        ap = np.full((len(IOUS), len(self._things)), np.nan)
        for row, (num_true, *_) in enumerate(self._counts):
            if num_true and not self._unscored:
                detected, *right = self._detections[row]
                ap[:, row] = [_precision_over_recalls(r, detected, num_true) for r in right]
        return ap


def _precision_over_recalls(right: np.ndarray, detected: np.ndarray, num_true: int) -> float:
    """Mean over 101 recalls of the best precision at that recall or above.

    Args:
      right, detected: right and all detections of each step of the score.
    """
    used = np.flatnonzero(detected)[::-1]
    if not len(used):
        return 0.0
    true_positives = np.cumsum(right[used])
    precision = true_positives / np.cumsum(detected[used])
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(true_positives / num_true, _RECALLS, side="left")
    return float(np.append(best, 0.0)[at].mean())


def _ap(values: np.ndarray) -> dict[str, Any]:
    percent = [None if np.isnan(value) else 100 * float(value) for value in values]
    mean = None if None in percent else sum(percent) / len(percent)
    return {"ap": mean, "ap_at": {f"{iou:.2f}": v for iou, v in zip(IOUS, percent, strict=True)}}


def _count_errors(counts: np.ndarray) -> dict[str, Any]:
    true, predicted, pictures, absolute = counts.tolist()
    return {
        "num_true": true,
        "num_predicted": predicted,
        "count_error": absolute / pictures if pictures else None,
        "count_bias": 100 * (predicted - true) / true if true else None,
    }
