"""Confusion of classes with void: what the truth says and what was predicted there."""

from __future__ import annotations

import numpy as np

from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.lost_quality.mending import MatchingInput
from maskconver_tf.evaluation.lost_quality.segment_table import FN, FP, TP, SegmentTable


def confused_pixels(given: MatchingInput, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts the pixels of one picture by true and predicted class; class C is void.

    Crowds count with their class. True pixels of no listed segment do not count.

    Returns:
      keys, int32 `[n]`: true class x (C + 1) + predicted class; and pixels, int64 `[n, 1]`.
    """
    count = len(given.truth_classes)
    truth = np.append(num_classes, given.truth_classes)
    predicted = np.append(num_classes, given.predicted_classes)
    rows, columns = np.nonzero(given.overlaps[: count + 1])
    keys, at = np.unique(truth[rows] * (num_classes + 1) + predicted[columns], return_inverse=True)
    pixels = np.bincount(at, given.overlaps[rows, columns], len(keys)).astype(np.int64)
    return keys.astype(np.int32), pixels[:, np.newaxis]


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
