"""Areas, boxes and centers of the segments of a dense map, without a loop over segments."""

from __future__ import annotations

import tensorflow as tf


def segment_areas(segment_map: tf.Tensor, num_segments: tf.Tensor) -> tf.Tensor:
    """Counts the pixels of each segment.

    Args:
      segment_map: int32 `[H, W]` in 0..n; i for the i-th segment counted from 1, 0 for none.
      num_segments: integer scalar n.

    Returns:
      int32 `[n]`.
    """
    size = num_segments + 1
    return tf.math.bincount(tf.reshape(segment_map, [-1]), minlength=size, maxlength=size)[1:]


def segment_geometry(segment_map: tf.Tensor, num_segments: tf.Tensor) -> dict[str, tf.Tensor]:
    """Measures every segment of one map in one pass over its pixels.

    Pixels are counted per (segment, row) and per (segment, column); areas, mean positions and
    extents all follow from these two small tables.

    Args:
      segment_map: integers `[H, W]`; i for the i-th segment counted from 1, 0 or less for no
        segment.
      num_segments: integer scalar n, at least the largest value of the map.

    Returns:
      `areas` int32 `[n]`; `centers` float32 `[n, 2]`, the mean (y, x) of the segment's pixel
      centers in pixels; `boxes` int32 `[n, 4]`, (y0, x0, y1, x1) half-open. All zero for a segment
      without pixels.
    """
    num_segments = tf.cast(num_segments, tf.int32)
    slots = tf.maximum(tf.cast(segment_map, tf.int32), 0)  # [H, W]
    rows = _counts_along(slots, num_segments, axis=0)  # [n, H]
    columns = _counts_along(slots, num_segments, axis=1)  # [n, W]
    y0, y1, y = _extent_and_mean(rows)
    x0, x1, x = _extent_and_mean(columns)
    return {
        "areas": tf.reduce_sum(rows, axis=1),
        "centers": tf.stack([y, x], axis=1),
        "boxes": tf.stack([y0, x0, y1, x1], axis=1),
    }


def box_centers(boxes: tf.Tensor) -> tf.Tensor:
    """The middle (y, x) of int boxes `[n, 4]`, (y0, x0, y1, x1) half-open; float32 `[n, 2]`."""
    return tf.cast(boxes[:, :2] + boxes[:, 2:], tf.float32) / 2.0


def _counts_along(slots: tf.Tensor, num_segments: tf.Tensor, axis: int) -> tf.Tensor:
    """Counts pixels per segment and line of an axis; int32 `[n, lines]`."""
    num_lines = tf.shape(slots)[axis]
    keys = slots * num_lines + tf.expand_dims(tf.range(num_lines), 1 - axis)
    size = (num_segments + 1) * num_lines
    counts = tf.math.bincount(tf.reshape(keys, [-1]), minlength=size, maxlength=size)
    return tf.reshape(counts, [num_segments + 1, num_lines])[1:]


def _extent_and_mean(counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """First line, one past the last, and mean position of counts `[n, lines]`."""
    num_lines = tf.shape(counts)[1]
    lines = tf.range(num_lines)
    occupied = counts > 0
    first = tf.reduce_min(tf.where(occupied, lines, num_lines), axis=1)
    end = tf.reduce_max(tf.where(occupied, lines + 1, 0), axis=1)
    # Sums of positions of a large picture exceed what float32 holds exactly.
    weights = tf.cast(counts, tf.float64)
    positions = tf.cast(lines, tf.float64) + 0.5
    mean = tf.math.divide_no_nan(
        tf.linalg.matvec(weights, positions), tf.reduce_sum(weights, axis=1)
    )
    return tf.minimum(first, end), end, tf.cast(mean, tf.float32)


def first_pixels(segment_map: tf.Tensor, num_segments: tf.Tensor) -> tf.Tensor:
    """Finds one pixel of each segment: its first in reading order.

    Args:
      segment_map: integers `[H, W]` as in `segment_geometry`.
      num_segments: integer scalar n.

    Returns:
      int32 `[n, 2]`, (y, x); beyond the map for a segment without pixels.
    """
    size = tf.size(segment_map)
    flat = tf.reshape(tf.cast(segment_map, tf.int32), [-1]) - 1
    first = tf.math.unsorted_segment_min(tf.range(size), flat, num_segments)
    first = tf.minimum(first, size)
    width = tf.shape(segment_map)[1]
    return tf.stack([first // width, first % width], axis=1)
