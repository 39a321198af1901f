"""Counts one picture: matches by class and size of segment, pixels by class, boundaries, scores."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.mending import MatchingInput
from maskconver_tf.evaluation.lost_quality.picture_losses import PictureLosses, picture_losses
from maskconver_tf.evaluation.lost_quality.segment_table import ListedSegments
from maskconver_tf.evaluation.matching import Matches, exact_parts, match_segments
from maskconver_tf.evaluation.scoring.counting.boundaries import boundary_ious
from maskconver_tf.evaluation.scoring.counting.detections import Detections, detections_of
from maskconver_tf.evaluation.scoring.counting.joint_runs import (
    PairRuns,
    find_pairs,
    joint_runs,
    unlisted,
)
from maskconver_tf.evaluation.scoring.reading.sides import Side
from maskconver_tf.types import VOID_SEGMENT_ID

MEASURES = ("panoptic", "small", "medium", "large", "boundary")
"""What is counted by class. The three sizes are those of COCO, see `SIZE_BOUNDS`."""
SIZE_BOUNDS = (32**2, 96**2)
"""Fewest pixels of a medium and of a large segment."""
COLUMNS = ("iou_sum", "iou_rest", "tp", "fp", "fn")
"""Of a row of counts. The first two add up to the sum of IoU, see `exact_parts`."""
PIXEL_COLUMNS = ("right", "truth", "predicted")
"""Of a row of pixel counts: pixels of the class in both, in the truth, in the prediction."""


@dataclasses.dataclass(frozen=True)
class ScoringRules:
    """What to count and how.

    Attributes:
      is_thing: bool `[C]`.
      strict: match as COCO's program, with the areas that the truth's file lists.
      boundary: also match by boundary IoU.
    """

    is_thing: np.ndarray
    strict: bool = False
    boundary: bool = False


class PictureCounts(NamedTuple):
    """The counts of one picture and one prediction.

    Attributes:
      keys: int32 `[k]`, measure x C + class of each row.
      counts: float64 `[k, 5]`, the `COLUMNS` of each row.
      classes: int32 `[c]`, class of each row of pixel counts.
      pixels: int64 `[c, 3]`, the `PIXEL_COLUMNS` of each row. Pixels on void truth are left out.
      ious: float64 `[m]` and
      iou_classes: int32 `[m]`, the matches in the order in which COCO's program adds them.
      listed: keys and counts of the rows of "panoptic" with the areas that the truth's file lists;
        None if they are those of the pixels.
      wrong_area: the id of the first true segment whose listed area is not its pixels; None.
      detections: the predicted things with scores, None if the prediction has no scores.
      losses: where the quality of this picture is lost.
    """

    keys: np.ndarray
    counts: np.ndarray
    classes: np.ndarray
    pixels: np.ndarray
    ious: np.ndarray
    iou_classes: np.ndarray
    listed: tuple[np.ndarray, np.ndarray] | None
    wrong_area: int | None
    detections: Detections | None
    losses: PictureLosses


class _Overlap(NamedTuple):
    """The overlaps of a picture `[T + 1 or more, P + 1]`, and what they belong to."""

    counts: np.ndarray
    pairs: PairRuns
    truth_classes: np.ndarray
    is_crowd: np.ndarray
    predicted_classes: np.ndarray

    def match(self, truth_areas: np.ndarray | None = None) -> Matches:
        classes = self.truth_classes, self.is_crowd, self.predicted_classes
        return match_segments(self.counts, *classes, truth_areas)


def count_picture(
    truth: Side, predicted: Side | None, rules: ScoringRules, image: str
) -> PictureCounts:
    """Counts one picture.

    Args:
      predicted: None for a missing prediction, which counts as empty.
      image: name of the picture in messages: "image 7".

    Raises:
      UserError: sizes differ, a map has an id that its list lacks, or a listed prediction has no
        pixel. The message names picture and file.
    """
    overlap = _overlap(truth, predicted, rules, image)
    num_classes = len(rules.is_thing)
    areas = overlap.counts[1 : len(truth) + 1].sum(axis=1)
    listed_areas = np.where(np.isnan(truth.listed_areas), areas, truth.listed_areas)
    # COCO's program does not use the area of a crowd, so it counts as right.
    wrong = np.flatnonzero((listed_areas != areas) & ~overlap.is_crowd)
    listed_matches = overlap.match(listed_areas) if wrong.size or rules.strict else None
    matches = listed_matches if rules.strict else overlap.match()
    keys = [_keys(overlap, matches, num_classes), *_size_keys(overlap, matches, num_classes)]
    parts = [matches.ious] * 2
    if rules.boundary:
        ious = boundary_ious(overlap.pairs, truth.pixels.shape[:2], len(truth))
        near = _matches_near_boundaries(overlap, matches, ious)
        keys.append(_keys(overlap, near, num_classes, MEASURES.index("boundary")))
        parts.append(near.ious)
    rows = _rows(keys, np.concatenate(parts), rules.strict)
    predicted_ids = predicted.ids if predicted else np.zeros(0, np.int64)
    order = np.lexsort((predicted_ids[matches.predicted], truth.ids[matches.truth]))
    return PictureCounts(
        *rows,
        *_pixel_rows(overlap, num_classes),
        matches.ious[order],
        overlap.truth_classes[matches.truth][order].astype(np.int32),
        _rows([_keys(overlap, listed_matches, num_classes)], listed_matches.ious, True)
        if wrong.size
        else None,
        int(truth.ids[wrong[0]]) if wrong.size else None,
        detections_of(truth, predicted, overlap.counts, rules.is_thing),
        _losses(overlap, matches, truth, predicted, rules, listed_areas),
    )


def _overlap(truth: Side, predicted: Side | None, rules: ScoringRules, image: str) -> _Overlap:
    if predicted is not None and truth.pixels.shape[:2] != predicted.pixels.shape[:2]:
        raise UserError(
            f"{image}: {predicted.file} has height and width {predicted.pixels.shape[:2]}, the "
            f"truth {truth.file} {truth.pixels.shape[:2]}; expected the same size. Resize the "
            "prediction to the size of the truth"
        )
    runs = joint_runs(truth.pixels, truth.pixels if predicted is None else predicted.pixels)
    if predicted is None:
        runs = runs._replace(predicted_ids=np.zeros_like(runs.predicted_ids))
    truth_ids = np.append(VOID_SEGMENT_ID, truth.ids)
    listed = predicted.ids if predicted else np.zeros(0, np.int64)
    predicted_ids = np.append(VOID_SEGMENT_ID, listed)
    others = unlisted(runs.truth_ids, truth_ids)
    if others.size and not rules.strict:
        raise _unlisted_id(image, truth.file, others[0])
    strange = unlisted(runs.predicted_ids, predicted_ids)
    if strange.size:
        raise _unlisted_id(image, predicted.file, strange[0])
    pairs = find_pairs(runs, np.concatenate([truth_ids, others]), predicted_ids)
    counts = pairs.overlaps()
    empty = np.flatnonzero(counts[:, 1:].sum(axis=0) == 0)
    if empty.size:
        raise UserError(
            f"{image}: {predicted.file} has no pixel of segment {listed[empty[0]]}, which is "
            "listed; expected a pixel of each listed segment. Remove it from the list"
        )
    classes = predicted.class_ids if predicted else np.zeros(0, np.int64)
    return _Overlap(counts, pairs, truth.class_ids, truth.is_crowd, classes)


def _losses(
    overlap: _Overlap,
    matches: Matches,
    truth: Side,
    predicted: Side | None,
    rules: ScoringRules,
    listed_areas: np.ndarray,
) -> PictureLosses:
    none = np.zeros(0)
    given = MatchingInput(
        overlap.counts,
        overlap.truth_classes,
        overlap.is_crowd,
        overlap.predicted_classes,
        listed_areas if rules.strict else None,
    )
    return picture_losses(
        given,
        matches,
        ListedSegments(truth.ids, truth.class_ids, truth.scores),
        ListedSegments(predicted.ids, predicted.class_ids, predicted.scores)
        if predicted
        else ListedSegments(none.astype(np.int64), none.astype(np.int64), none),
        rules.is_thing,
    )


def _unlisted_id(image: str, file: str, segment_id: int) -> UserError:
    return UserError(
        f"{image}: {file} has pixels of segment {segment_id}, which is not listed; list every "
        f"segment of the map and paint the rest {VOID_SEGMENT_ID} (void)"
    )


def _matches_near_boundaries(overlap: _Overlap, matches: Matches, ious: np.ndarray) -> Matches:
    """Matches by the smaller of IoU and boundary IoU; `ious`, `[T, P]`, has the boundary IoUs.

    A pair with an IoU of at most one half cannot match, so only matches can be lost.
    """
    least = np.minimum(matches.ious, ious[matches.truth, matches.predicted])
    kept = least > 0.5
    truth, predicted = matches.truth[kept], matches.predicted[kept]
    is_missed, is_invented = matches.is_missed.copy(), matches.is_invented.copy()
    is_missed[matches.truth[~kept]] = True
    lost = matches.predicted[~kept]
    is_invented[lost] = ~matches.is_forgiven[lost]
    return Matches(truth, predicted, least[kept], is_missed, is_invented, matches.is_forgiven)


class _Keys(NamedTuple):
    """Row of each matched pair, of each invented and of each missed segment."""

    matched: np.ndarray
    invented: np.ndarray
    missed: np.ndarray


def _keys(overlap: _Overlap, matches: Matches, num_classes: int, measure: int = 0) -> _Keys:
    first = measure * num_classes
    return _Keys(
        overlap.truth_classes[matches.truth] + first,
        overlap.predicted_classes[matches.is_invented] + first,
        overlap.truth_classes[matches.is_missed] + first,
    )


def _size_keys(overlap: _Overlap, matches: Matches, num_classes: int) -> list[_Keys]:
    """The size of a segment is that of the truth; that of an invented one is its own."""
    count = len(overlap.truth_classes)
    of_truth = np.digitize(overlap.counts[1 : count + 1].sum(axis=1), SIZE_BOUNDS) + 1
    of_predicted = np.digitize(overlap.counts[:, 1:].sum(axis=0), SIZE_BOUNDS) + 1
    keys = _keys(overlap, matches, num_classes)
    return [
        _Keys(
            keys.matched + num_classes * of_truth[matches.truth],
            keys.invented + num_classes * of_predicted[matches.is_invented],
            keys.missed + num_classes * of_truth[matches.is_missed],
        )
    ]


def _rows(keys: list[_Keys], ious: np.ndarray, is_strict: bool) -> tuple[np.ndarray, np.ndarray]:
    """Adds up by key; returns the keys that occur and their counts."""
    matched, invented, missed = (np.concatenate(column) for column in zip(*keys, strict=True))
    every = np.unique(np.concatenate([matched, invented, missed]))
    at, size = np.searchsorted(every, matched), len(every)
    # With listed areas an IoU may be any number.
    parts = (ious, np.zeros_like(ious)) if is_strict else exact_parts(ious)
    columns = [np.bincount(at, weights=part, minlength=size) for part in parts]
    columns += [
        np.bincount(np.searchsorted(every, found), minlength=size)
        for found in (matched, invented, missed)
    ]
    return every.astype(np.int32), np.stack(columns, axis=1).astype(np.float64)


def _pixel_rows(overlap: _Overlap, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    count = len(overlap.truth_classes)
    labelled = overlap.counts[1 : count + 1]  # [T, P + 1]
    by_truth = np.bincount(
        overlap.truth_classes, weights=labelled.sum(axis=1), minlength=num_classes
    )
    by_prediction = np.bincount(
        overlap.predicted_classes, weights=labelled[:, 1:].sum(axis=0), minlength=num_classes
    )
    same = overlap.truth_classes[:, np.newaxis] == overlap.predicted_classes
    right = np.bincount(
        overlap.truth_classes,
        weights=np.sum(labelled[:, 1:], axis=1, where=same),
        minlength=num_classes,
    )
    pixels = np.stack([right, by_truth, by_prediction], axis=1).astype(np.int64)
    classes = np.flatnonzero(pixels.any(axis=1))
    return classes.astype(np.int32), pixels[classes]
