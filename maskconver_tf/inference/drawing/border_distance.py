"""How deep inside its segment each pixel lies."""

from __future__ import annotations

import numpy as np


def border_distance(index: np.ndarray) -> np.ndarray:
    """City-block distance of each pixel to the nearest pixel of another segment.

    Exact, for all segments at once, in a few passes over the picture: the nearest other pixel lies
    either in the pixel's own row, or straight above or below some pixel of the same row.

    Args:
      index: integers `[h, w]`, one for each segment.

    Returns:
      int32 `[h, w]`, 1 at a border; at least h + w where the picture holds one segment only. The
      edge of the picture is no border.
    """
    vertical = _distance_along_rows(index.T).T
    columns = np.arange(index.shape[1], dtype=np.int32)
    from_left = columns + np.minimum.accumulate(vertical - columns, axis=1)
    flipped = np.minimum.accumulate((vertical + columns)[:, ::-1], axis=1)[:, ::-1]
    from_right = flipped - columns
    return np.minimum(np.minimum(from_left, from_right), _distance_along_rows(index))


def _distance_along_rows(index: np.ndarray) -> np.ndarray:
    """int32 `[h, w]`: distance to the nearest other pixel of the row, at least h + w if none."""
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
