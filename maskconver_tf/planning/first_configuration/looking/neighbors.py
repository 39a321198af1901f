"""How close the things of one class lie to each other in a picture, in NumPy."""

from __future__ import annotations

import numpy as np

_ROWS = 512
"""Centers that are compared with all others at once. This limits memory."""


def nearest_of_class(centers: np.ndarray, class_ids: np.ndarray) -> np.ndarray:
    """Returns the distance from each center to the nearest other center of its class.

    Args:
      centers: float `[n, 2]`, (y, x) in pixels.
      class_ids: int `[n]`; a segment with -1 has no class and no neighbor.

    Returns:
      float `[n]`, infinite where there is no other.
    """
    distances = np.full(len(centers), np.inf)
    for class_id in np.unique(class_ids[class_ids >= 0]):
        members = np.flatnonzero(class_ids == class_id)
        for start in range(0, len(members), _ROWS):
            part = members[start : start + _ROWS]
            apart = centers[part, np.newaxis] - centers[np.newaxis, members]  # [p, m, 2]
            squares = np.square(apart).sum(axis=2)
            squares[np.arange(len(part)), start + np.arange(len(part))] = np.inf
            distances[part] = np.sqrt(squares.min(axis=1))
    return distances


def touching_of_class(segment_map: np.ndarray, class_ids: np.ndarray) -> np.ndarray:
    """Finds the segments that touch another segment of their class, side by side.

    Args:
      segment_map: int `[h, w]`: i for the i-th segment counted from 1, 0 for void.
      class_ids: int `[n]`; a segment with -1 has no class and touches none.

    Returns:
      bool `[n]`.
    """
    classes = np.concatenate([[-1], class_ids])
    touches = np.zeros(len(classes), np.bool_)
    for a, b in (
        (segment_map[:, :-1], segment_map[:, 1:]),
        (segment_map[:-1], segment_map[1:]),
    ):
        border = a != b
        first, second = a[border], b[border]
        same = (classes[first] == classes[second]) & (classes[first] >= 0)
        touches[first[same]] = touches[second[same]] = True
    return touches[1:]
