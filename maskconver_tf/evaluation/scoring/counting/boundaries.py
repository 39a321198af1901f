"""Boundary IoU (Cheng et al., CVPR 2021): IoU of only the pixels near the borders of two segments.

The boundary of a segment is the pixels of it that are at most d pixels from a pixel outside, also
outside the picture; d is 2 % of the diagonal of the picture (section 4). Distances count rows and
columns apart: a pixel is inside if the square of 2 d + 1 pixels around it belongs to its segment.
"""

from __future__ import annotations

import math

import numpy as np

from maskconver_tf.evaluation.scoring.counting.joint_runs import PairRuns

DILATION_RATIO = 0.02


def boundary_ious(pairs: PairRuns, size: tuple[int, int], num_truths: int) -> np.ndarray:
    """Returns the boundary IoU of each true and predicted segment, float64 `[T, P]`.

    Pixels of the prediction on void do not count. A pair without boundary pixels has 0.

    Args:
      pairs: the runs of both maps; position 0 is void in both.
      size: height and width.
      num_truths: T; positions 1..T are the listed true segments.
    """
    distance = boundary_distance(size)
    num_predicted = pairs.shape[1]
    near_truth = _near_border(np.repeat(pairs.truth, pairs.lengths).reshape(size), distance)
    near_predicted = _near_border(np.repeat(pairs.predicted, pairs.lengths).reshape(size), distance)
    pair_map = np.repeat(pairs.truth * num_predicted + pairs.predicted, pairs.lengths)

    def counts(mask: np.ndarray) -> np.ndarray:
        found = np.bincount(pair_map[mask.ravel()], minlength=pairs.shape[0] * num_predicted)
        return found.reshape(pairs.shape)

    listed = slice(1, num_truths + 1)
    shared = counts(near_truth & near_predicted)[listed, 1:]
    of_truth = counts(near_truth)[listed].sum(axis=1)
    of_predicted = counts(near_predicted)[1:, 1:].sum(axis=0)
    unions = of_truth[:, np.newaxis] + of_predicted - shared
    return shared / np.maximum(unions, 1)


def boundary_distance(size: tuple[int, int]) -> int:
    """Returns d for a picture of height and width `size`, at least 1."""
    return max(1, round(DILATION_RATIO * math.hypot(*size)))


def _near_border(positions: np.ndarray, distance: int) -> np.ndarray:
    """Returns whether each pixel is in the boundary of its segment, bool `[h, w]`."""
    outside = int(positions.max()) + 1
    dtype = np.uint8 if outside < 256 else np.uint16 if outside < 65536 else np.int64
    padded = np.pad(positions.astype(dtype), distance, constant_values=outside)
    length = 2 * distance + 1
    lowest = _over_windows(_over_windows(padded, length, np.minimum).T, length, np.minimum).T
    highest = _over_windows(_over_windows(padded, length, np.maximum).T, length, np.maximum).T
    return lowest != highest


def _over_windows(values: np.ndarray, length: int, join: np.ufunc) -> np.ndarray:
    """Joins each `length` neighbors along the first axis; windows double until they are wide."""
    width = 1
    while 2 * width <= length:
        values = join(values[:-width], values[width:])
        width *= 2
    rest = length - width
    return join(values[: len(values) - rest], values[rest:]) if rest else values
