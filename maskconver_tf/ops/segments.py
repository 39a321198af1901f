"""Measures areas, boxes and centers of the segments of a map, without a loop over segments."""

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
    """Measures every segment of one map.

    The function reads the pixels once, to find the runs of equal pixels in each row. It then
    measures the runs: there are about a hundred times fewer runs than pixels.

    Args:
      segment_map: integers `[H, W]`; i for the i-th segment counted from 1, 0 or less for no
        segment.
      num_segments: integer scalar n, at least the largest value of the map.

    Returns:
      `areas` int32 `[n]`; `centers` float32 `[n, 2]`, the mean (y, x) of the segment's pixel
      centers in pixels; `boxes` int32 `[n, 4]`, (y0, x0, y1, x1) half-open; `first_pixels` int32
      `[n, 2]`, the segment's first pixel (y, x) in reading order. A segment without pixels has
      zeros as center and box, and a first pixel outside the map.
    """
    rows, starts, ends, segments = _runs(segment_map)
    areas = tf.math.unsorted_segment_sum(ends - starts, segments, num_segments)

    def mean(twice_positions: tf.Tensor) -> tf.Tensor:
        # In a large picture sums of positions are too large for exact float32.
        weighted = tf.cast(ends - starts, tf.float64) * tf.cast(twice_positions, tf.float64)
        sums = tf.math.unsorted_segment_sum(weighted, segments, num_segments)
        return tf.cast(tf.math.divide_no_nan(sums, 2.0 * tf.cast(areas, tf.float64)), tf.float32)

    def extent(first: tf.Tensor, end: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        lowest = tf.math.unsorted_segment_min(first, segments, num_segments)
        highest = tf.math.unsorted_segment_max(end, segments, num_segments)
        return tf.where(areas > 0, lowest, 0), tf.where(areas > 0, highest, 0)

    (y0, y1), (x0, x1) = extent(rows, rows + 1), extent(starts, ends)
    height, width = tf.unstack(tf.shape(segment_map))
    first = tf.math.unsorted_segment_min(rows * width + starts, segments, num_segments)
    first = tf.minimum(first, height * width)
    return {
        "areas": areas,
        "centers": tf.stack([mean(2 * rows + 1), mean(starts + ends)], axis=1),
        "boxes": tf.stack([y0, x0, y1, x1], axis=1),
        "first_pixels": tf.stack([first // width, first % width], axis=1),
    }


def box_centers(boxes: tf.Tensor) -> tf.Tensor:
    """Returns the middle (y, x) of int boxes `[n, 4]`, (y0, x0, y1, x1); float32 `[n, 2]`."""
    return tf.cast(boxes[:, :2] + boxes[:, 2:], tf.float32) / 2.0


def _runs(segment_map: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Finds runs of equal pixels in the rows of integers `[H, W]`, in reading order.

    Returns:
      For each run: its row, its first column, the column after its last, and its segment counted
      from 0 (negative for none); int32 `[m]` each.
    """
    height, width = tf.unstack(tf.shape(segment_map))
    changes = segment_map[:, 1:] != segment_map[:, :-1]
    is_last = tf.concat([changes, tf.ones([height, 1], tf.bool)], axis=1)
    last = tf.cast(tf.where(tf.reshape(is_last, [-1]))[:, 0], tf.int32)
    segments = tf.cast(tf.gather(tf.reshape(segment_map, [-1]), last), tf.int32) - 1
    rows = last // width
    ends = last - rows * width + 1
    # A run starts at the end of the run before it, or at the start of its row.
    starts = tf.where(rows[1:] == rows[:-1], ends[:-1], 0)
    return rows, tf.concat([[0], starts], axis=0), ends, segments
