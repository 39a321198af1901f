"""Measures how deep inside its segment each pixel lies."""

from __future__ import annotations

import numpy as np


def border_distance(index: np.ndarray) -> np.ndarray:
    """Returns the city-block distance of each pixel to the nearest pixel of another segment.

    The result is exact, and takes a few passes over the picture for all segments together. This
    works because the nearest other pixel lies either in the same row, or directly above or below
    some pixel of that row.

    Args:
      index: integers `[h, w]`; each segment has its own.

    Returns:
      int32 `[h, w]`, 1 at a border. It is at least h + w if the picture has only one segment. The
      edge of the picture does not count as a border.
    """
    vertical = _distance_along_rows(index.T).T
    columns = np.arange(index.shape[1], dtype=np.int32)
    from_left = columns + np.minimum.accumulate(vertical - columns, axis=1)
    flipped = np.minimum.accumulate((vertical + columns)[:, ::-1], axis=1)[:, ::-1]
    from_right = flipped - columns
    return np.minimum(np.minimum(from_left, from_right), _distance_along_rows(index))


def _distance_along_rows(index: np.ndarray) -> np.ndarray:
    """Distance to the nearest other segment in the row, at least h + w if none; int32 `[h, w]`."""
    height, width = index.shape
    far = np.int32(height + width)
    columns = np.arange(width, dtype=np.int32)
    changes = index[:, 1:] != index[:, :-1]
    start = np.full(index.shape, -far, np.int32)  # Column just left of the pixel's run.
    start[:, 1:] = np.where(changes, columns[:-1], -far)
    end = np.full(index.shape, width + far, np.int32)  # Column just right of it.
    end[:, :-1] = np.where(changes, columns[1:], width + far)
    to_left = columns - np.maximum.accumulate(start, axis=1)
    to_right = np.minimum.accumulate(end[:, ::-1], axis=1)[:, ::-1] - columns
    return np.minimum(to_left, to_right)
