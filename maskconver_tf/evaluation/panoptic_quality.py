"""Panoptic quality (Kirillov et al., CVPR 2019), computed like COCO's own evaluation.

A predicted segment matches a truth segment of its class if their intersection over union (IoU) is
more than one half. A segment has at most one match. Each class has TP matched pairs, FP predictions
without a match and FN truth segments without a match:

    SQ = mean IoU of the matched pairs        (how well found segments are drawn)
    RQ = TP / (TP + FP / 2 + FN / 2)          (how many segments are found, how many are invented)
    PQ = SQ * RQ

Void and crowds in the truth require no prediction:

- The union of a pair ignores the pixels of the prediction on void.
- A crowd segment is neither matched nor missed.
- An unmatched prediction is not counted as FP if more than half of it is on void and on crowd of
  its class. If a picture has several crowd segments of that class, only the last listed one counts
  here. COCO's program does the same, so the results are comparable.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.matching import Matches, exact_parts, match_segments
from maskconver_tf.evaluation.scoring.counting.joint_runs import find_pairs, joint_runs
from maskconver_tf.evaluation.segment_numbers import (
    check_every_segment_has_pixels,
    listed_ids,
    number_segments,
)
from maskconver_tf.types import Segment


@dataclasses.dataclass(frozen=True)
class GroupQuality:
    """Means over the classes of a group that occur in truth or prediction.

    Attributes:
      pq, sq, rq: 0..1, NaN if no class of the group occurs.
      num_classes: number of classes that occur.
    """

    pq: float
    sq: float
    rq: float
    num_classes: int


@dataclasses.dataclass(frozen=True)
class PanopticQualityResult:
    """Quality of each class and of groups of classes.

    Attributes:
      pq, sq, rq: float64 `[C]`, 0..1, NaN for a class that occurs neither in truth nor in a
        prediction. `sq` is 0 for a class that occurs but is never matched.
      tp: int64 `[C]`, number of matched pairs.
      fp: int64 `[C]`, number of predictions without a match.
      fn: int64 `[C]`, number of truth segments without a match.
      all: means over all classes.
      things: means over the things.
      stuff: means over the stuff classes.
    """

    pq: np.ndarray
    sq: np.ndarray
    rq: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    all: GroupQuality
    things: GroupQuality
    stuff: GroupQuality


class PanopticQuality:
    """Counts matches picture by picture. `result` can be called at any time.

    Attributes:
      iou_sum, iou_rest: float64 `[C]`; their sum is the sum of the IoU of the matched pairs of each
        class. Both are sums of `exact_parts`, so the order of the pictures changes no bit.
      tp, fp, fn: int64 `[C]`, see `PanopticQualityResult`.
    """

    def __init__(self, num_classes: int, is_thing: np.ndarray):
        """`is_thing`, bool `[num_classes]`, is True for things and False for stuff."""
        self._is_thing = np.asarray(is_thing, np.bool_)
        if self._is_thing.shape != (num_classes,):
            raise UserError(
                f"is_thing has shape {self._is_thing.shape}; expected one value for each of the "
                f"{num_classes} classes. Pass both from one class list"
            )
        self.iou_sum = np.zeros(num_classes, np.float64)
        self.iou_rest = np.zeros(num_classes, np.float64)
        self.tp = np.zeros(num_classes, np.int64)
        self.fp = np.zeros(num_classes, np.int64)
        self.fn = np.zeros(num_classes, np.int64)

    def update(
        self,
        truth_map: np.ndarray,
        truth_segments: Sequence[Segment],
        predicted_map: np.ndarray,
        predicted_segments: Sequence[Segment],
        image: str = "image",
    ) -> Matches:
        """Adds one picture. Reads only `id`, `class_id` and, for truth, `is_crowd` of a segment.

        Args:
          truth_map: integers `[h, w]`, `VOID_SEGMENT_ID` for void.
          predicted_map: integers `[h, w]`.
          image: name of the picture in messages: "image 7".

        Returns:
          The matches of the picture.

        Raises:
          UserError: the maps differ in size, a map has an id that its list lacks, a predicted
            segment has no pixel, an id occurs twice, or a class is out of range.
        """
        if truth_map.shape != predicted_map.shape:
            raise UserError(
                f"{image}: the predicted map has shape {predicted_map.shape}, the truth "
                f"{truth_map.shape}; resize the prediction to the truth's size"
            )
        overlaps = count_overlaps(
            truth_map, truth_segments, predicted_map, predicted_segments, image
        )
        truth_class_ids = class_ids_of(truth_segments, len(self.tp), f"{image}: truth")
        predicted_where = f"{image}: predicted"
        predicted_class_ids = class_ids_of(predicted_segments, len(self.tp), predicted_where)
        is_crowd = np.array([segment.is_crowd for segment in truth_segments], np.bool_)
        matches = match_segments(overlaps, truth_class_ids, is_crowd, predicted_class_ids)
        self._count(matches, truth_class_ids, predicted_class_ids)
        return matches

    def merge(self, other: PanopticQuality) -> None:
        """Adds the counts of `other`, from other pictures with the same classes."""
        if not np.array_equal(self._is_thing, other._is_thing):
            raise UserError(
                "Cannot merge the panoptic quality of two class lists: they have "
                f"{len(self._is_thing)} and {len(other._is_thing)} classes; expected the same "
                "things and stuff. Count both with one class list"
            )
        self.iou_sum += other.iou_sum
        self.iou_rest += other.iou_rest
        self.tp += other.tp
        self.fp += other.fp
        self.fn += other.fn

    def result(self) -> PanopticQualityResult:
        """Returns the quality over all pictures so far."""
        occurs = self.tp + self.fp + self.fn > 0
        weight = np.where(occurs, self.tp + 0.5 * self.fp + 0.5 * self.fn, np.nan)
        iou_sum = self.iou_sum + self.iou_rest
        pq, rq = iou_sum / weight, self.tp / weight
        sq = np.where(occurs, iou_sum / np.maximum(self.tp, 1), np.nan)
        groups = {
            "all": occurs,
            "things": occurs & self._is_thing,
            "stuff": occurs & ~self._is_thing,
        }
        return PanopticQualityResult(
            pq=pq,
            sq=sq,
            rq=rq,
            tp=self.tp.copy(),
            fp=self.fp.copy(),
            fn=self.fn.copy(),
            **{name: _group_quality(pq, sq, rq, members) for name, members in groups.items()},
        )

    def _count(
        self,
        matches: Matches,
        truth_class_ids: np.ndarray,
        predicted_class_ids: np.ndarray,
    ) -> None:
        """Adds the matches of a picture."""
        matched_class_ids = truth_class_ids[matches.truth]
        self.tp += self._per_class(matched_class_ids)
        for total, part in zip(
            (self.iou_sum, self.iou_rest), exact_parts(matches.ious), strict=True
        ):
            total += np.bincount(matched_class_ids, weights=part, minlength=len(self.tp))
        self.fn += self._per_class(truth_class_ids[matches.is_missed])
        self.fp += self._per_class(predicted_class_ids[matches.is_invented])

    def _per_class(self, class_ids: np.ndarray) -> np.ndarray:
        return np.bincount(class_ids, minlength=len(self.tp))


def class_ids_of(segments: Sequence[Segment], num_classes: int, where: str) -> np.ndarray:
    """Returns the class ids, int64 `[n]`; raises `UserError` if one is not in 0..num_classes-1."""
    for segment in segments:
        if not 0 <= segment.class_id < num_classes:
            raise UserError(
                f"{where} segment {segment.id} has class {segment.class_id}; expected "
                f"0..{num_classes - 1}, a position in the class list. Use contiguous class ids, "
                "not source ids"
            )
    return np.array([segment.class_id for segment in segments], np.int64)


def count_overlaps(
    truth_map: np.ndarray,
    truth_segments: Sequence[Segment],
    predicted_map: np.ndarray,
    predicted_segments: Sequence[Segment],
    image: str,
) -> np.ndarray:
    """Counts the common pixels of each truth and each prediction; int64 `[T + 1, P + 1]`.

    Row and column 0 are void.
    """
    predicted_where = f"{image}: the predicted map"
    truth_ids = listed_ids(truth_map, truth_segments, f"{image}: the truth map")
    predicted_ids = listed_ids(predicted_map, predicted_segments, predicted_where)
    runs = joint_runs(truth_map, predicted_map)
    pairs = find_pairs(runs, truth_ids, predicted_ids)
    if pairs is None:  # Says which map has an id that its list lacks.
        number_segments(truth_map, truth_segments, f"{image}: the truth map")
        number_segments(predicted_map, predicted_segments, predicted_where)
    overlaps = pairs.overlaps()
    check_every_segment_has_pixels(overlaps[:, 1:].sum(axis=0), predicted_segments, predicted_where)
    return overlaps


def _group_quality(
    pq: np.ndarray, sq: np.ndarray, rq: np.ndarray, members: np.ndarray
) -> GroupQuality:
    if not members.any():
        return GroupQuality(np.nan, np.nan, np.nan, 0)
    means = (float(np.mean(quality[members])) for quality in (pq, sq, rq))
    return GroupQuality(*means, num_classes=int(members.sum()))
