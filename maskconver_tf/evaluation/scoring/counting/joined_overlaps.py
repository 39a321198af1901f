"""The overlaps of several pictures in one matrix, whose blocks lie on the diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maskconver_tf.evaluation.lost_quality.mending import MatchingInput
from maskconver_tf.evaluation.lost_quality.segment_table import ListedSegments
from maskconver_tf.evaluation.scoring.counting.detections import Detections
from maskconver_tf.evaluation.scoring.counting.picture_overlaps import PictureOverlaps


class JoinedOverlaps(NamedTuple):
    """Several pictures with T true and P predicted segments together.

    Attributes:
      given: their overlaps, and their classes as class + number of the picture x C.
      truth, predicted: the listed segments, with these classes.
      listed_areas: float64 `[T]`, as the truth's file lists them.
      boundary_ious: float64 `[T, P]`, None if boundaries do not count.
      both_void: int64 `[pictures]`, pixels that are void in both maps.
      detections: of each picture.
      num_classes: C.
      num_pictures: number of pictures.
    """

    given: MatchingInput
    truth: ListedSegments
    predicted: ListedSegments
    listed_areas: np.ndarray
    boundary_ious: np.ndarray | None
    both_void: np.ndarray
    detections: list[Detections | None]
    num_classes: int
    num_pictures: int

    def row_keys(self, num_measures: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns picture x measures x C + class of each true and of each predicted segment."""
        return tuple(
            classes // self.num_classes * (num_measures - 1) * self.num_classes + classes
            for classes in (self.given.truth_classes, self.given.predicted_classes)
        )

    def wrong_areas(self) -> np.ndarray:
        """Tells which true segments have other pixels than their file lists; bool `[T]`.

        COCO's program does not use the area of a crowd, so it counts as right.
        """
        count = len(self.given.truth_classes)
        areas = self.given.overlaps[1 : count + 1].sum(axis=1)
        return (self.listed_areas != areas) & ~self.given.is_crowd

    def first_ids(self, chosen: np.ndarray) -> list[int | None]:
        """Returns the id of the first chosen true segment of each picture; None without one."""
        found: list[int | None] = [None] * self.num_pictures
        if chosen.any():
            for t in np.flatnonzero(chosen)[::-1].tolist():
                found[self.given.truth_classes[t] // self.num_classes] = int(self.truth.ids[t])
        return found


def join_overlaps(pictures: Sequence[PictureOverlaps], num_classes: int) -> JoinedOverlaps:
    """Joins pictures; see `JoinedOverlaps`."""
    truth = _join([picture.truth for picture in pictures], num_classes)
    predicted = _join([picture.predicted for picture in pictures], num_classes)
    is_crowd = np.concatenate([picture.is_crowd for picture in pictures])
    classes = truth.class_ids, is_crowd, predicted.class_ids
    listed_areas = np.concatenate([picture.listed_areas for picture in pictures])
    has_boundaries = pictures[0].boundary_ious is not None
    return JoinedOverlaps(
        MatchingInput(_diagonal(pictures), *classes),
        truth,
        predicted,
        listed_areas,
        _boundaries(pictures, len(truth.ids), len(predicted.ids)) if has_boundaries else None,
        np.array([picture.counts[0, 0] for picture in pictures]),
        [picture.detections for picture in pictures],
        num_classes,
        len(pictures),
    )


def _join(sides: list[ListedSegments], num_classes: int) -> ListedSegments:
    ids, class_ids, scores = (np.concatenate(column) for column in zip(*sides, strict=True))
    numbers = np.repeat(np.arange(len(sides)) * num_classes, [len(side.ids) for side in sides])
    return ListedSegments(ids, class_ids + numbers, scores)


def _diagonal(pictures: Sequence[PictureOverlaps]) -> np.ndarray:
    """Rows: void, the true segments of all pictures, then their pixels of no listed segment."""
    num_truths = sum(len(picture.truth.ids) for picture in pictures)
    num_rows = 1 + sum(len(picture.counts) - 1 for picture in pictures)
    num_columns = 1 + sum(len(picture.predicted.ids) for picture in pictures)
    joined = np.zeros((num_rows, num_columns), np.int64)
    row, column, other = 1, 1, 1 + num_truths
    for picture in pictures:
        counts = picture.counts
        count, end = len(picture.truth.ids), column + counts.shape[1] - 1
        joined[0, column:end] = counts[0, 1:]
        joined[row : row + count, 0] = counts[1 : count + 1, 0]
        joined[row : row + count, column:end] = counts[1 : count + 1, 1:]
        if len(counts) > count + 1:
            rest = slice(other, other + len(counts) - count - 1)
            joined[rest, 0], joined[rest, column:end] = (
                counts[count + 1 :, 0],
                counts[count + 1 :, 1:],
            )
            other = rest.stop
        row, column = row + count, end
    return joined


def _boundaries(pictures: Sequence[PictureOverlaps], rows: int, columns: int) -> np.ndarray:
    joined = np.zeros((rows, columns))
    row = column = 0
    for picture in pictures:
        height, width = picture.boundary_ious.shape
        joined[row : row + height, column : column + width] = picture.boundary_ious
        row, column = row + height, column + width
    return joined
