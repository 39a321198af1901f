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
    width, flat = segment_map.shape[1], segment_map.ravel()
    # Most neighbors belong to one segment, so only the runs of each row are looked at.
    is_start = np.ones(flat.size, np.bool_)
    np.not_equal(flat[1:], flat[:-1], out=is_start[1:])
    is_start[::width] = True
    starts = np.flatnonzero(is_start)
    lengths = np.diff(starts, append=flat.size)
    segments = np.take(flat, starts)
    y, x = np.divmod(starts, width)
    areas = np.bincount(segments, weights=lengths, minlength=num_segments + 1).astype(np.int64)
    boxes = np.zeros([num_segments + 1, 4], np.int64)
    boxes[:, 1] = width
    boxes[segments[::-1], 0] = y[::-1]  # Of equal indices the last one counts.
    boxes[segments, 2] = y + 1
    np.minimum.at(boxes[:, 1], segments, x)
    np.maximum.at(boxes[:, 3], segments, x + lengths)
    boxes[areas == 0] = 0
    return areas[1:], boxes[1:]
