"""Chooses places for labels: deep inside their segments, and away from other labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskconver_tf.ops.segment_extents import segment_extents

_MAX_HIDDEN = 0.1
"""A label is left out if other labels cover more than this share of it at its best place."""
_NUM_PLACES = 64
"""Number of places to try for each label."""


def place_labels(
    index: np.ndarray,
    depth: np.ndarray,
    sizes: Sequence[tuple[int, int]],
    min_area: float | None = 0.5,
) -> dict[int, tuple[int, int]]:
    """Finds a place for the label of each segment that is large enough for it.

    Small segments choose first, because they have the fewest places.

    Args:
      index: integers `[h, w]`, i for the i-th segment counted from 1, 0 for void.
      depth: `[h, w]`, distance of each pixel to the border of its segment, from 1.
      sizes: (height, width) of each segment's label.
      min_area: a segment gets a label if its area is at least this share of the label's area. None
        gives a place also to labels that hide their segments or other labels.

    Returns:
      Top left corner (y, x) of each label that has a place. The keys are positions of segments in
      the list, counted from 0. Each label is inside the picture and covers a pixel of its segment.
    """
    areas, boxes = segment_extents(index, len(sizes))
    depth = np.minimum(depth, _edge_distance(*index.shape))
    corners: dict[int, tuple[int, int]] = {}
    taken = np.zeros((0, 4), np.int64)
    for segment in np.argsort(areas, kind="stable"):
        size = np.array(sizes[segment])
        if not areas[segment] or (size > index.shape).any():
            continue
        if min_area is not None and areas[segment] < min_area * size.prod():
            continue
        y0, x0, y1, x1 = boxes[segment]
        depth_inside = np.where(index[y0:y1, x0:x1] == segment + 1, depth[y0:y1, x0:x1], 0)
        centers = _deepest_pixels(depth_inside) + [y0, x0]
        candidates = _boxes_around(centers, size, index.shape)
        hidden = _overlaps(candidates, taken).sum(axis=1)
        best = np.argmin(hidden)
        if min_area is None or hidden[best] <= _MAX_HIDDEN * size.prod():
            taken = np.concatenate([taken, candidates[best : best + 1]])
            corners[int(segment)] = tuple(candidates[best, :2].tolist())
    return corners


def _edge_distance(height: int, width: int) -> np.ndarray:
    """Distance of each pixel to the outside of the picture, from 1; `[h, w]`."""
    rows, columns = np.arange(1, height + 1), np.arange(1, width + 1)
    return np.minimum.outer(np.minimum(rows, rows[::-1]), np.minimum(columns, columns[::-1]))


def _deepest_pixels(depth: np.ndarray) -> np.ndarray:
    """The deepest pixel, then some pixels at least half as deep; (y, x) `[m, 2]`."""
    flat = depth.ravel()
    deep = np.flatnonzero(2 * flat >= flat.max())
    spread = deep[:: max(1, len(deep) // _NUM_PLACES)]
    order = spread[np.argsort(-flat[spread], kind="stable")]
    pixels = np.concatenate([[flat.argmax()], order])
    return np.stack(np.divmod(pixels, depth.shape[1]), axis=1)


def _boxes_around(centers: np.ndarray, size: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Boxes `[m, 4]` of one size around points `[m, 2]`, moved into the picture if necessary."""
    corners = np.clip(centers - size // 2, 0, np.array(shape) - size)
    return np.concatenate([corners, corners + size], axis=1)


def _overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Area that each pair of boxes shares, `[m, 4]` and `[n, 4]` to `[m, n]`."""
    start = np.maximum(boxes[:, np.newaxis, :2], others[:, :2])
    end = np.minimum(boxes[:, np.newaxis, 2:], others[:, 2:])
    return np.maximum(end - start, 0).prod(axis=-1)
