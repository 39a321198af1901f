"""Panoptic quality (Kirillov et al., CVPR 2019), counted as COCO's evaluation counts it.

A predicted segment matches a truth segment of its class when their intersection over union is more
than one half; at most one can. Per class, with TP matched pairs, FP predictions and FN truths left
over:

    SQ = mean IoU of the matched pairs        (how well are the found ones drawn)
    RQ = TP / (TP + FP / 2 + FN / 2)          (how many are found, how many are invented)
    PQ = SQ * RQ

Truth void and crowd ask for nothing: void pixels of a prediction are left out of its union, a
crowd segment is neither matched nor missed, and an unmatched prediction is forgiven when more than
half of it lies on void and on crowd of its own class. Where a picture has several crowd segments of
that class, only the one listed last forgives: COCO's program does so, and figures must compare.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.segment_index import check_every_segment_has_pixels, segment_index
from maskconver_tf.types import Segment


@dataclasses.dataclass(frozen=True)
class GroupQuality:
    """Means over the classes of a group that occur in truth or prediction.

    Attributes:
      pq: 0..1, NaN where no class of the group occurs; so are `sq` and `rq`.
      num_classes: how many occur.
    """

    pq: float
    sq: float
    rq: float
    num_classes: int


@dataclasses.dataclass(frozen=True)
class PanopticQualityResult:
    """Quality of each class and of groups of classes.

    Attributes:
      pq: float64 `[C]`, 0..1, NaN for a class that occurs neither in truth nor in a prediction; so
        are `sq` and `rq`. `sq` is 0 for a class that occurs but is never matched.
      tp: int64 `[C]`, matched pairs.
      fp: int64 `[C]`, predictions left over.
      fn: int64 `[C]`, truths left over.
      all: means over all classes; `things` and `stuff` over those.
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
    """Counts picture by picture; `result` may be asked for at any time.

    Attributes:
      iou_sum: float64 `[C]`, IoU summed over the matched pairs of each class.
      tp: int64 `[C]`; so are `fp` and `fn`.
    """

    def __init__(self, num_classes: int, is_thing: np.ndarray):
        """`is_thing`, bool `[num_classes]`, tells things from stuff."""
        self._is_thing = np.asarray(is_thing, np.bool_)
        if self._is_thing.shape != (num_classes,):
            raise UserError(
                f"is_thing has shape {self._is_thing.shape}; expected one value for each of the "
                f"{num_classes} classes."
            )
        self.iou_sum = np.zeros(num_classes, np.float64)
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
    ) -> None:
        """Adds one picture; of a segment only `id`, `class_id` and a truth's `is_crowd` are read.

        Args:
          truth_map: integers `[h, w]`, `VOID_SEGMENT_ID` for void.
          predicted_map: integers `[h, w]`.
          image: the picture, for messages: "image 7".

        Raises:
          UserError: the maps differ in size, a map holds an id that its list lacks, a predicted
            segment has no pixel, an id comes twice or a class is out of range.
        """
        if truth_map.shape != predicted_map.shape:
            raise UserError(
                f"{image}: the predicted map has shape {predicted_map.shape}, the truth "
                f"{truth_map.shape}; resize the prediction to the truth's size."
            )
        overlaps = _overlaps(truth_map, truth_segments, predicted_map, predicted_segments, image)
        truth_class_ids = self._class_ids(truth_segments, f"{image}: truth")
        predicted_class_ids = self._class_ids(predicted_segments, f"{image}: predicted")
        is_crowd = np.array([segment.is_crowd for segment in truth_segments], np.bool_)
        self._count(overlaps, truth_class_ids, is_crowd, predicted_class_ids)

    def merge(self, other: PanopticQuality) -> None:
        """Adds what `other` counted, on other pictures of the same classes."""
        if not np.array_equal(self._is_thing, other._is_thing):
            raise UserError(
                "Panoptic quality of two class lists cannot be merged: they have "
                f"{len(self._is_thing)} and {len(other._is_thing)} classes, and things and stuff "
                "must agree. Count both with one class list."
            )
        self.iou_sum += other.iou_sum
        self.tp += other.tp
        self.fp += other.fp
        self.fn += other.fn

    def result(self) -> PanopticQualityResult:
        """The quality of all pictures so far."""
        occurs = self.tp + self.fp + self.fn > 0
        weight = np.where(occurs, self.tp + 0.5 * self.fp + 0.5 * self.fn, np.nan)
        pq, rq = self.iou_sum / weight, self.tp / weight
        sq = np.where(occurs, self.iou_sum / np.maximum(self.tp, 1), np.nan)
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
        overlaps: np.ndarray,
        truth_class_ids: np.ndarray,
        is_crowd: np.ndarray,
        predicted_class_ids: np.ndarray,
    ) -> None:
        """Adds a picture of which only the pixel counts, `[T + 1, P + 1]`, are left."""
        truth_areas, predicted_areas = overlaps[1:].sum(axis=1), overlaps[:, 1:].sum(axis=0)
        on_void = overlaps[0, 1:]
        intersections = overlaps[1:, 1:]  # [T, P]
        unions = truth_areas[:, np.newaxis] + predicted_areas - intersections - on_void
        same_class = truth_class_ids[:, np.newaxis] == predicted_class_ids
        is_match = same_class & ~is_crowd[:, np.newaxis] & (2 * intersections > unions)
        truth, predicted = np.nonzero(is_match)
        self.tp += self._per_class(truth_class_ids[truth])
        self.iou_sum += np.bincount(
            truth_class_ids[truth],
            weights=intersections[truth, predicted] / unions[truth, predicted],
            minlength=len(self.tp),
        )

        is_missed = ~is_match.any(axis=1) & ~is_crowd
        self.fn += self._per_class(truth_class_ids[is_missed])

        forgives = _last_crowd_of_each_class(truth_class_ids, is_crowd)[:, np.newaxis]
        on_crowd = np.sum(intersections, axis=0, where=same_class & forgives)
        is_forgiven = 2 * (on_void + on_crowd) > predicted_areas
        is_invented = ~is_match.any(axis=0) & ~is_forgiven
        self.fp += self._per_class(predicted_class_ids[is_invented])

    def _per_class(self, class_ids: np.ndarray) -> np.ndarray:
        return np.bincount(class_ids, minlength=len(self.tp))

    def _class_ids(self, segments: Sequence[Segment], where: str) -> np.ndarray:
        """int64 `[n]`, each in range."""
        for segment in segments:
            if not 0 <= segment.class_id < len(self.tp):
                raise UserError(
                    f"{where} segment {segment.id} is of class {segment.class_id}; expected "
                    f"0..{len(self.tp) - 1}, a position in the class list."
                )
        return np.array([segment.class_id for segment in segments], np.int64)


def _last_crowd_of_each_class(class_ids: np.ndarray, is_crowd: np.ndarray) -> np.ndarray:
    """bool `[T]`: the crowd segments that forgive."""
    last = {class_ids[i]: i for i in np.flatnonzero(is_crowd)}
    return np.isin(np.arange(len(class_ids)), list(last.values()))


def _overlaps(
    truth_map: np.ndarray,
    truth_segments: Sequence[Segment],
    predicted_map: np.ndarray,
    predicted_segments: Sequence[Segment],
    image: str,
) -> np.ndarray:
    """int64 `[T + 1, P + 1]`: pixels in which each truth meets each prediction, void first."""
    predicted_where = f"{image}: the predicted map"
    truth = segment_index(truth_map, truth_segments, f"{image}: the truth map")
    predicted = segment_index(predicted_map, predicted_segments, predicted_where)
    shape = len(truth_segments) + 1, len(predicted_segments) + 1
    pairs = truth.ravel() * shape[1] + predicted.ravel()
    overlaps = np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)
    check_every_segment_has_pixels(overlaps[:, 1:].sum(axis=0), predicted_segments, predicted_where)
    return overlaps


def _group_quality(
    pq: np.ndarray, sq: np.ndarray, rq: np.ndarray, members: np.ndarray
) -> GroupQuality:
    if not members.any():
        return GroupQuality(np.nan, np.nan, np.nan, 0)
    means = (float(np.mean(quality[members])) for quality in (pq, sq, rq))
    return GroupQuality(*means, num_classes=int(members.sum()))
