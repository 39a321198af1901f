"""One row of numbers for each segment that counts in PQ, so that the page can find and count them.

The page gets one table of all pictures for each model. A matched pair is one row, a true segment
without a match is one, and so is a wrong prediction. So the rows of an outcome are as many as the
TP, FP and FN of `maskconver score`.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.kinds import SegmentKinds, kinds_of_segments
from maskconver_tf.evaluation.matching import Matches, match_segments
from maskconver_tf.evaluation.scoring.counting.joint_runs import (
    find_pairs,
    joint_runs,
    unlisted,
)
from maskconver_tf.evaluation.scoring.counting.scoring_rules import SIZE_BOUNDS
from maskconver_tf.evaluation.scoring.reading.sides import Side
from maskconver_tf.types import VOID_SEGMENT_ID

ROW_COLUMNS = (
    "outcome",
    "kind",
    "class",
    "other",
    "size",
    "iou",
    "score",
    "truth",
    "predicted",
)
"""Columns of a row.

outcome, kind: positions in `OUTCOMES` and `KINDS`. class: class id of the segment. other: class id
of the partner in the error, or -1. size: 0 small, 1 medium, 2 large. iou, score: IoU with the
partner and score of the prediction in 1/10000; the score is -1 if there is none. truth, predicted:
numbers of the segments in their lists from 1, or 0.
"""
OUTCOMES = ("tp", "fn", "fp")
PAIR_COLUMNS = ("truth", "predicted", "pixels")
"""Of a row of confusion: class ids, C for void; number of pixels."""
SCALE = 10_000


@dataclasses.dataclass(frozen=True)
class ComparedPicture:
    """A picture whose prediction was compared with its truth.

    Attributes:
      rows: int64 `[n, 9]`, the `ROW_COLUMNS` of each segment.
      pairs: int64 `[m, 3]`, the `PAIR_COLUMNS` of each pair of classes that share pixels.
    """

    rows: np.ndarray
    pairs: np.ndarray


def compare_picture(truth: Side, predicted: Side | None, is_thing: np.ndarray) -> ComparedPicture:
    """Compares a prediction with the truth; None counts as empty.

    Both sides were scored before, so their ids are listed and their sizes equal.
    """
    nothing = np.zeros(0, np.int64)
    ids, classes = (predicted.ids, predicted.class_ids) if predicted else (nothing, nothing)
    runs = joint_runs(truth.pixels, truth.pixels if predicted is None else predicted.pixels)
    if predicted is None:
        runs = runs._replace(predicted_ids=np.zeros_like(runs.predicted_ids))
    listed = [np.append(VOID_SEGMENT_ID, side) for side in (truth.ids, ids)]
    overlaps = find_pairs(runs, *listed).overlaps()
    matches = match_segments(overlaps, truth.class_ids, truth.is_crowd, classes)
    kinds = kinds_of_segments(overlaps, matches, truth.class_ids, truth.is_crowd, classes, is_thing)
    scores = predicted.scores if predicted else np.zeros(0)
    rows = _rows(overlaps, matches, kinds, (truth.class_ids, classes), scores)
    return ComparedPicture(rows, _pairs(overlaps, truth.class_ids, classes, len(is_thing)))


def positions_map(side: Side) -> np.ndarray:
    """Returns the number of each pixel's segment in the list of `side`, from 1; 0 for void.

    Raises:
      UserError: the map has an id that the list lacks.
    """
    listed = np.append(VOID_SEGMENT_ID, side.ids)
    runs = joint_runs(side.pixels, side.pixels)
    if (others := unlisted(runs.truth_ids, listed)).size:
        raise UserError(
            f"{side.file} has pixels of segment {others[0]}, which is not listed; list every "
            f"segment of the map and paint the rest {VOID_SEGMENT_ID} (void)"
        )
    found = find_pairs(runs, listed, listed).truth
    return np.repeat(found, runs.lengths).reshape(side.pixels.shape[:2])


def _rows(
    overlaps: np.ndarray,
    matches: Matches,
    kinds: SegmentKinds,
    classes: tuple[np.ndarray, np.ndarray],
    scores: np.ndarray,
) -> np.ndarray:
    """Matched pairs, then missed segments, then invented ones."""
    of_truth, of_predicted = classes
    missed, invented = np.flatnonzero(matches.is_missed), np.flatnonzero(matches.is_invented)
    fields = {
        "outcome": [np.zeros_like(matches.truth), np.ones_like(missed), np.full_like(invented, 2)],
        "kind": [kinds.truth[matches.truth], kinds.truth[missed], kinds.predicted[invented]],
        "class": [of_truth[matches.truth], of_truth[missed], of_predicted[invented]],
        "truth": [matches.truth, missed, kinds.predicted_partners[invented]],
        "predicted": [matches.predicted, kinds.truth_partners[missed], invented],
    }
    table = {name: np.concatenate(parts).astype(np.int64) for name, parts in fields.items()}
    truth, predicted = table["truth"], table["predicted"]
    is_pair = (truth >= 0) & (predicted >= 0)
    padded_truth, padded_predicted = np.append(of_truth, -1), np.append(of_predicted, -1)
    others = np.where(table["outcome"] == 2, padded_truth[truth], padded_predicted[predicted])
    table["other"] = np.where(others == table["class"], -1, others)
    table["size"] = _sizes(overlaps, len(of_truth), table)
    table["iou"] = np.zeros(len(truth), np.int64)
    table["iou"][is_pair] = np.rint(SCALE * kinds.ious[truth[is_pair], predicted[is_pair]])
    table["score"] = np.append(_rounded(scores), -1)[predicted]
    table["truth"], table["predicted"] = truth + 1, predicted + 1
    return np.stack([table[name] for name in ROW_COLUMNS], axis=1)


def _rounded(scores: np.ndarray) -> np.ndarray:
    """Rounds scores to 1/10000, inside their tenth of 0..1 as calibration counts; -1 for none."""
    known = np.nan_to_num(scores)
    tenth = np.clip(np.floor(10 * known), 0, 9) * (SCALE // 10)
    rounded = np.clip(np.rint(SCALE * known), tenth, tenth + SCALE // 10 - (tenth < 0.9 * SCALE))
    return np.where(np.isnan(scores), -1, rounded).astype(np.int64)


def _sizes(overlaps: np.ndarray, num_truth: int, table: dict[str, np.ndarray]) -> np.ndarray:
    """The size of a segment is that of the truth; that of an invented one is its own."""
    of_truth = np.append(overlaps[1 : num_truth + 1].sum(axis=1), 0)[table["truth"]]
    of_predicted = np.append(overlaps[:, 1:].sum(axis=0), 0)[table["predicted"]]
    return np.digitize(np.where(table["outcome"] == 2, of_predicted, of_truth), SIZE_BOUNDS)


def _pairs(
    overlaps: np.ndarray, of_truth: np.ndarray, of_predicted: np.ndarray, count: int
) -> np.ndarray:
    """Adds up the pixels of each pair of classes."""
    truth, predicted = np.append(count, of_truth), np.append(count, of_predicted)
    keys = truth[:, np.newaxis] * (count + 1) + predicted
    pixels = np.bincount(keys.ravel(), overlaps.ravel(), (count + 1) ** 2).astype(np.int64)
    found = np.flatnonzero(pixels)
    return np.stack([found // (count + 1), found % (count + 1), pixels[found]], axis=1)
