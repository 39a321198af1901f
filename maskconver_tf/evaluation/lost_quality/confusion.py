"""Confusion of classes with void: what the truth says and what was predicted there."""

from __future__ import annotations

import numpy as np

from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.lost_quality.mending import MatchingInput
from maskconver_tf.evaluation.lost_quality.segment_table import FN, FP, TP, SegmentTable


def confused_pixels(
    given: MatchingInput, num_classes: int, both_void: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts the pixels of pictures by true and predicted class; class C is void.

    Crowds count with their class. True pixels of no listed segment do not count.

    Args:
      given: several pictures together. The classes of picture i are class + i x C, and no pair of
        segments of two pictures shares pixels.
      both_void: int64 `[pictures]`, pixels that are void in both maps.

    Returns:
      the picture of each row, int64 `[n]`, rising; keys, int32 `[n]`: true class x (C + 1) +
      predicted class; and pixels, int64 `[n, 1]`.
    """
    size = num_classes + 1
    overlaps = given.overlaps[: len(given.truth_classes) + 1].copy()
    overlaps[0, 0] = 0
    rows, columns = np.nonzero(overlaps)
    truth = np.append(-1, given.truth_classes)[rows]
    predicted = np.append(-1, given.predicted_classes)[columns]
    of_truth, of_prediction = (
        np.where(classes < 0, num_classes, classes % num_classes) for classes in (truth, predicted)
    )
    pictures = np.maximum(truth, predicted) // num_classes  # At most one of them is void.
    voids = np.flatnonzero(both_void)
    found = (pictures * size + of_truth) * size + of_prediction
    every, at = np.unique(np.append(found, (voids + 1) * size * size - 1), return_inverse=True)
    weights = np.append(overlaps[rows, columns], both_void[voids])
    pixels = np.bincount(at, weights, len(every)).astype(np.int64)
    pictures, keys = np.divmod(every, size * size)
    return pictures, keys.astype(np.int32), pixels[:, np.newaxis]


def confused_segments(table: SegmentTable, num_classes: int) -> np.ndarray:
    """Counts segments by true and predicted class; int64 `[C + 1, C + 1]`, class C is void.

    A true segment counts once: with its own class if it is matched, with another class if a
    prediction of that class has an IoU above 1/2 (`wrong_class`), with void otherwise. A wrong
    prediction that no true segment was counted with is in the row of void.
    """
    is_swap = table.kinds == KINDS.index("wrong_class")
    of_truth = (table.outcomes == TP) | (table.outcomes == FN)
    of_void = (table.outcomes == FP) & ~is_swap
    predicted = np.where((table.outcomes == FN) & ~is_swap, num_classes, table.other_class_ids)
    size = num_classes + 1
    keys = np.concatenate(
        [
            table.class_ids[of_truth].astype(np.int64) * size + predicted[of_truth],
            num_classes * size + table.class_ids[of_void].astype(np.int64),
        ]
    )
    return np.bincount(keys, minlength=size * size).reshape(size, size)
