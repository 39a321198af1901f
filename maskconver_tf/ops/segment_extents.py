"""Areas and boxes of the segments of one picture, in NumPy."""

from __future__ import annotations

import numpy as np


def segment_extents(segment_map: np.ndarray, num_segments: int) -> tuple[np.ndarray, np.ndarray]:
    """Measures segments 1..n of a map.

    Args:
      segment_map: integers `[h, w]`: i for the i-th segment counted from 1, 0 for void.
      num_segments: n.

    Returns:
      Areas in pixels, int64 `[n]`, and boxes (y0, x0, y1, x1), half-open, int64 `[n, 4]`. A segment
      without pixels has area 0 and a box of zeros.
    """
    height, width = segment_map.shape
    areas = np.bincount(segment_map.ravel(), minlength=num_segments + 1)[1:]
    in_row = np.zeros([num_segments + 1, height], np.bool_)
    in_column = np.zeros([num_segments + 1, width], np.bool_)
    in_row[segment_map, np.arange(height)[:, np.newaxis]] = True
    in_column[segment_map, np.arange(width)] = True
    (y0, y1), (x0, x1) = _first_and_end(in_row[1:]), _first_and_end(in_column[1:])
    boxes = np.stack([y0, x0, y1, x1], axis=1)
    boxes[areas == 0] = 0
    return areas, boxes


def _first_and_end(occupied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First True of each row of a bool `[n, size]`, and one past the last True."""
    return occupied.argmax(axis=1), occupied.shape[1] - occupied[:, ::-1].argmax(axis=1)
