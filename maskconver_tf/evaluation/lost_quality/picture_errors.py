"""The errors of one picture as a list: what went wrong with which segment, and what it costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.kinds import (
    KINDS,
    NO_KIND,
    NO_PARTNER,
    SegmentKinds,
    kinds_of_segments,
)
from maskconver_tf.evaluation.matching import Matches, match_segments
from maskconver_tf.evaluation.panoptic_quality import class_ids_of, count_overlaps
from maskconver_tf.types import Segment


@dataclasses.dataclass(frozen=True)
class SegmentError:
    """One segment, or matched pair, that costs panoptic quality.

    Attributes:
      kind: one of `KINDS`; `kinds.py` tells the rules and their priority.
      class_id: the class that loses, 0..C-1: that of the true segment without a match, of the
        predicted segment without a match, or of the matched pair.
      truth_id: id of the true segment. None for a prediction that has to do with no true segment.
      prediction_id: id of the predicted segment. None for a true segment that has to do with no
        prediction.
      is_truth: True for a true segment without a match (FN), False for a wrong prediction (FP),
        None for a matched pair. The other id is that of the partner in the error.
      other_class_id: class of the partner, if it is not `class_id`; None otherwise.
      iou: IoU with the partner, 0..1 (`--strict` may exceed 1); 0 without a partner.
      area: pixels of the true segment; for a wrong prediction, its own pixels on labelled truth.
      score: 0..1, the score of the prediction of `prediction_id`; None if there is none.
      lost: what the error costs, in segments: 1/2, or 1 - IoU for a matched pair. Divided by
        W = TP + FP / 2 + FN / 2 of the class over all pictures, it is the lost share of PQ.
    """

    kind: str
    class_id: int
    truth_id: int | None
    prediction_id: int | None
    is_truth: bool | None
    other_class_id: int | None
    iou: float
    area: int
    score: float | None
    lost: float


@dataclasses.dataclass(frozen=True)
class PictureErrors:
    """What one picture contributes to PQ.

    Attributes:
      errors: matched pairs whose IoU is below 1, in the order of the true segments; then true
        segments without a match; then wrong predictions.
      tp, fp, fn: int64 `[C]`, the counts of PQ.
    """

    errors: tuple[SegmentError, ...]
    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """W = TP + FP / 2 + FN / 2 of each class, float64 `[C]`. Add them up over pictures."""
        return self.tp + 0.5 * self.fp + 0.5 * self.fn


def picture_errors(
    truth_map: np.ndarray,
    truth_segments: Sequence[Segment],
    predicted_map: np.ndarray,
    predicted_segments: Sequence[Segment],
    categories: Categories,
    image: str = "image",
) -> PictureErrors:
    """Finds the errors of one picture. `kinds.py` tells the kinds and which one comes first.

    The losses of a class add up to its distance to PQ 1: over all pictures,
    sum(error.lost) / sum(weights) = 1 - PQ.

    Args:
      truth_map: integers `[h, w]`, `VOID_SEGMENT_ID` for void.
      truth_segments: its segments; reads `id`, `class_id` and `is_crowd`.
      predicted_map: integers `[h, w]`.
      predicted_segments: its segments; reads `id`, `class_id` and `score`.
      categories: the class list. It tells which classes are things.
      image: name of the picture in messages: "image 7".

    Raises:
      UserError: the maps differ in size, a map has an id that its list lacks, a predicted segment
        has no pixel, an id occurs twice, or a class is out of range.
    """
    if truth_map.shape != predicted_map.shape:
        raise UserError(
            f"{image}: the predicted map has shape {predicted_map.shape}, the truth "
            f"{truth_map.shape}; resize the prediction to the truth's size"
        )
    overlaps = count_overlaps(truth_map, truth_segments, predicted_map, predicted_segments, image)
    is_thing = np.asarray(categories.is_thing, np.bool_)
    classes = class_ids_of(truth_segments, len(is_thing), f"{image}: truth")
    predicted = class_ids_of(predicted_segments, len(is_thing), f"{image}: predicted")
    is_crowd = np.array([segment.is_crowd for segment in truth_segments], np.bool_)
    matches = match_segments(overlaps, classes, is_crowd, predicted)
    kinds = kinds_of_segments(overlaps, matches, classes, is_crowd, predicted, is_thing)
    found = _Pictured(overlaps, matches, kinds, truth_segments, predicted_segments)

    def per_class(class_ids: np.ndarray) -> np.ndarray:
        return np.bincount(class_ids, minlength=len(is_thing))

    return PictureErrors(
        (*found.matched_pairs(), *found.true_segments(), *found.predictions()),
        tp=per_class(classes[matches.truth]),
        fp=per_class(predicted[matches.is_invented]),
        fn=per_class(classes[matches.is_missed]),
    )


@dataclasses.dataclass(frozen=True)
class _Pictured:
    """A picture with the kinds of its segments."""

    overlaps: np.ndarray
    matches: Matches
    kinds: SegmentKinds
    truth: Sequence[Segment]
    predicted: Sequence[Segment]

    def matched_pairs(self) -> list[SegmentError]:
        pairs = zip(*(column.tolist() for column in self.matches[:3]), strict=True)
        return [
            self._error(0, self.truth[t].class_id, t, p, None, iou, 1 - iou)
            for t, p, iou in pairs
            if iou < 1
        ]

    def true_segments(self) -> list[SegmentError]:
        kinds, partners = self.kinds.truth.tolist(), self.kinds.truth_partners.tolist()
        return [
            self._error(
                kinds[t], self.truth[t].class_id, t, partners[t], True, self._iou(t, partners[t])
            )
            for t in np.flatnonzero(self.matches.is_missed).tolist()
        ]

    def predictions(self) -> list[SegmentError]:
        kinds, partners = self.kinds.predicted.tolist(), self.kinds.predicted_partners.tolist()
        return [
            self._error(
                kinds[p],
                self.predicted[p].class_id,
                partners[p],
                p,
                False,
                self._iou(partners[p], p),
            )
            for p in np.flatnonzero(self.matches.is_invented).tolist()
        ]

    def _iou(self, t: int, p: int) -> float:
        return 0.0 if NO_PARTNER in (t, p) else float(self.kinds.ious[t, p])

    def _error(
        self,
        kind: int,
        class_id: int,
        t: int,
        p: int,
        is_truth: bool | None,
        iou: float,
        lost: float = 0.5,
    ) -> SegmentError:
        assert kind != NO_KIND
        true = None if t == NO_PARTNER else self.truth[t]
        predicted = None if p == NO_PARTNER else self.predicted[p]
        others = {segment.class_id for segment in (true, predicted) if segment} - {class_id}
        area = self.overlaps[1:, p + 1] if is_truth is False else self.overlaps[t + 1]
        return SegmentError(
            KINDS[kind],
            class_id,
            true and true.id,
            predicted and predicted.id,
            is_truth,
            next(iter(others), None),
            iou,
            int(area.sum()),
            predicted and predicted.score,
            lost,
        )
