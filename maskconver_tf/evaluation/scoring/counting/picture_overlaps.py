"""Counts the common pixels of the segments of one picture, and checks both maps on the way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.segment_table import ListedSegments
from maskconver_tf.evaluation.scoring.counting.boundaries import boundary_ious
from maskconver_tf.evaluation.scoring.counting.detections import Detections, detections_of
from maskconver_tf.evaluation.scoring.counting.joint_runs import (
    PairRuns,
    find_pairs,
    joint_runs,
    unlisted,
)
from maskconver_tf.evaluation.scoring.counting.scoring_rules import ScoringRules
from maskconver_tf.evaluation.scoring.reading.sides import Side
from maskconver_tf.types import VOID_SEGMENT_ID


class PictureOverlaps(NamedTuple):
    """All that scores need of one picture with T true and P predicted segments.

    Attributes:
      counts: int64 `[T + 1 or more, P + 1]`, common pixels, see `match_segments`.
      truth, predicted: the listed segments.
      is_crowd: bool `[T]`.
      listed_areas: float64 `[T]`, areas as the truth's file lists them, else those of the pixels.
      boundary_ious: float64 `[T, P]`, None if boundaries do not count.
      detections: the predicted things with scores, None if the prediction has no scores.
    """

    counts: np.ndarray
    truth: ListedSegments
    predicted: ListedSegments
    is_crowd: np.ndarray
    listed_areas: np.ndarray
    boundary_ious: np.ndarray | None
    detections: Detections | None


def picture_overlaps(
    truth: Side, predicted: Side | None, rules: ScoringRules, image: str
) -> PictureOverlaps:
    """Counts the pixels of one picture.

    Args:
      predicted: None for a missing prediction, which counts as empty.
      image: name of the picture in messages: "image 7".

    Raises:
      UserError: sizes differ, a map has an id that its list lacks, a listed prediction has no
        pixel, or a strict score would divide by 0. The message names the picture.
    """
    pairs = _pairs(truth, predicted, rules, image)
    counts = pairs.overlaps()
    listed = _listed(predicted)
    _check_no_empty(counts, listed, predicted, image)
    areas = counts[1 : len(truth) + 1].sum(axis=1)
    size = truth.pixels.shape[:2]
    if rules.strict and (truth.listed_areas <= 0).any():
        _check_unions(counts, truth, listed, image)
    return PictureOverlaps(
        counts,
        _listed(truth),
        listed,
        truth.is_crowd,
        np.where(np.isnan(truth.listed_areas), areas, truth.listed_areas),
        boundary_ious(pairs, size, len(truth)) if rules.boundary else None,
        detections_of(truth, predicted, counts, rules.is_thing),
    )


def _pairs(truth: Side, predicted: Side | None, rules: ScoringRules, image: str) -> PairRuns:
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
    predicted_ids = np.append(VOID_SEGMENT_ID, _listed(predicted).ids)
    pairs = find_pairs(runs, truth_ids, predicted_ids)
    if pairs is not None:
        return pairs
    others = unlisted(runs.truth_ids, truth_ids)
    if others.size and not rules.strict:
        raise _unlisted_id(image, truth.file, others[0])
    strange = unlisted(runs.predicted_ids, predicted_ids)
    if strange.size:
        raise _unlisted_id(image, predicted.file, strange[0])
    return find_pairs(runs, np.concatenate([truth_ids, others]), predicted_ids)


def _listed(side: Side | None) -> ListedSegments:
    if side is not None:
        return ListedSegments(side.ids, side.class_ids, side.scores)
    return ListedSegments(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def _check_no_empty(
    counts: np.ndarray, listed: ListedSegments, predicted: Side | None, image: str
) -> None:
    empty = np.flatnonzero(counts[:, 1:].sum(axis=0) == 0)
    if empty.size:
        raise UserError(
            f"{image}: {predicted.file} has no pixel of segment {listed.ids[empty[0]]}, which is "
            "listed; expected a pixel of each listed segment. Remove it from the list"
        )


def _check_unions(counts: np.ndarray, truth: Side, predicted: ListedSegments, image: str) -> None:
    """Refuses listed areas that give two matching segments a union of 0 pixels."""
    overlaps = counts[1 : len(truth) + 1, 1:]
    rest = counts[:, 1:].sum(axis=0) - counts[0, 1:] - overlaps
    may_match = (truth.class_ids[:, np.newaxis] == predicted.class_ids) & (overlaps > 0)
    may_match &= ~truth.is_crowd[:, np.newaxis]
    wrong = np.flatnonzero((may_match & (rest == -truth.listed_areas[:, np.newaxis])).any(axis=1))
    if wrong.size:
        raise UserError(
            f"{image}: segment {truth.ids[wrong[0]]} of the truth has area "
            f"{truth.listed_areas[wrong[0]]:g} in the JSON file. COCO's program trusts this "
            "number, so it divides by a union of 0 pixels and gives an infinite PQ. Correct the "
            "area, or leave --strict out: then pixels count"
        )


def _unlisted_id(image: str, file: str, segment_id: int) -> UserError:
    return UserError(
        f"{image}: {file} has pixels of segment {segment_id}, which is not listed; list every "
        f"segment of the map and paint the rest {VOID_SEGMENT_ID} (void)"
    )
