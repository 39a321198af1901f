"""What became of each segment that counts, as columns: a row for each match, each true segment
without a match and each wrong prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maskconver_tf.evaluation.lost_quality.kinds import NO_PARTNER, SegmentKinds
from maskconver_tf.evaluation.matching import Matches

OUTCOMES = ("tp", "fn", "fp")
TP, FN, FP = range(3)
NO_ID = 0
"""In a column of segment ids: there is no such segment. 0 is the id of void in a map."""


class SegmentTable(NamedTuple):
    """Rows in the order of outcome, true id, predicted id.

    Attributes:
      outcomes: int8 `[n]`, position in `OUTCOMES`.
      kinds: int8 `[n]`, kind number; see `kinds.py`. A match has that of `inexact_mask`.
      class_ids: int32 `[n]`, the class that gains or loses.
      other_class_ids: int32 `[n]`, class of the partner in the error; `class_ids` without one.
      truth_ids, predicted_ids: int64 `[n]`, or `NO_ID`.
      ious: float64 `[n]`, with the partner, 0 without one.
      areas: int64 `[n]`, pixels of the true segment; of a wrong prediction its pixels outside void.
      scores: float64 `[n]`, of the prediction in `predicted_ids`; NaN without one.
    """

    outcomes: np.ndarray
    kinds: np.ndarray
    class_ids: np.ndarray
    other_class_ids: np.ndarray
    truth_ids: np.ndarray
    predicted_ids: np.ndarray
    ious: np.ndarray
    areas: np.ndarray
    scores: np.ndarray

    def losses(self) -> np.ndarray:
        """Returns what each row costs, in segments: 1 - IoU or 1/2; float64 `[n]`."""
        return np.where(self.outcomes == TP, 1 - self.ious, 0.5)

    def rows(self, chosen: np.ndarray) -> SegmentTable:
        return SegmentTable(*(column[chosen] for column in self))


class ListedSegments(NamedTuple):
    """The segments of one side of a picture: ids, classes, and scores (NaN without), `[n]` each."""

    ids: np.ndarray
    class_ids: np.ndarray
    scores: np.ndarray


def segment_table(
    overlaps: np.ndarray,
    matches: Matches,
    kinds: SegmentKinds,
    truth: ListedSegments,
    predicted: ListedSegments,
) -> SegmentTable:
    """Makes the rows of one picture; `overlaps` is that of `match_segments`."""
    missed, invented = np.flatnonzero(matches.is_missed), np.flatnonzero(matches.is_invented)
    sizes = [len(matches.truth), len(missed), len(invented)]
    outcomes = np.repeat(np.arange(3, dtype=np.int8), sizes)
    t = np.concatenate([matches.truth, missed, kinds.predicted_partners[invented]])
    p = np.concatenate([matches.predicted, kinds.truth_partners[missed], invented])
    of_truth, of_predicted = _Picked(t), _Picked(p)
    own = outcomes == FP
    truth_classes, classes = (
        of_truth.take(truth.class_ids, -1),
        of_predicted.take(predicted.class_ids, -1),
    )
    class_ids = np.where(own, classes, truth_classes)
    other = np.where(own, truth_classes, classes)
    ious = np.zeros(len(t))
    both = of_truth.known & of_predicted.known
    ious[both] = kinds.ious[t[both], p[both]]
    ious[: sizes[0]] = matches.ious
    areas = np.where(
        own,
        of_predicted.take(overlaps[1:, 1:].sum(axis=0), 0),
        of_truth.take(overlaps[1:].sum(axis=1), 0),
    )
    truth_ids = of_truth.take(truth.ids, NO_ID)
    predicted_ids = of_predicted.take(predicted.ids, NO_ID)
    table = SegmentTable(
        outcomes,
        np.concatenate(
            [kinds.truth[matches.truth], kinds.truth[missed], kinds.predicted[invented]]
        ),
        class_ids.astype(np.int32),
        np.where(other < 0, class_ids, other).astype(np.int32),
        truth_ids,
        predicted_ids,
        ious,
        areas,
        of_predicted.take(predicted.scores, np.nan),
    )
    return table.rows(np.lexsort((predicted_ids, truth_ids, outcomes)))


def joined(tables: Sequence[SegmentTable]) -> SegmentTable:
    """Returns the rows of several pictures, one after the other."""
    return SegmentTable(*(np.concatenate(column) for column in zip(*tables, strict=True)))


class _Picked:
    """Looks positions up that may be `NO_PARTNER`."""

    def __init__(self, positions: np.ndarray):
        self._positions = positions
        self.known = positions != NO_PARTNER

    def take(self, values: np.ndarray, otherwise: float) -> np.ndarray:
        found = np.full(len(self._positions), otherwise, values.dtype)
        found[self.known] = values[self._positions[self.known]]
        return found
