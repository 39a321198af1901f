"""Finds the centers of things on a heatmap, and the nearest one of each pixel."""

from __future__ import annotations

import tensorflow as tf

PIXELS_AT_A_TIME = 2**15
"""Pixels whose distances to all centers are in memory at once: 26 MB for 200 centers."""


def find_centers(
    heatmap: tf.Tensor, window: int, threshold: float, max_centers: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the peaks of a heatmap, the highest first.

    A peak is the maximum of the window around it. Of equal peaks in one window, the first in
    reading order counts.

    Args:
      heatmap: float32 `[h, w]`.
      window: side of the window in cells, odd.
      threshold: least score of a peak; a peak also needs a score above 0.
      max_centers: the highest peaks count, at most this many.

    Returns:
      Cells int32 `[n, 2]`, (y, x), and scores float32 `[n]`.
    """
    width = tf.shape(heatmap)[1]
    maxima = tf.nn.max_pool2d(heatmap[tf.newaxis, :, :, tf.newaxis], window, 1, "SAME")[0, :, :, 0]
    is_peak = (heatmap >= maxima) & (heatmap >= threshold) & (heatmap > 0)
    places = tf.cast(tf.where(tf.reshape(is_peak, [-1]))[:, 0], tf.int32)
    scores, order = tf.math.top_k(
        tf.gather(tf.reshape(heatmap, [-1]), places), tf.minimum(max_centers, tf.size(places))
    )
    places = tf.gather(places, order)
    cells = tf.stack([places // width, places % width], axis=1)
    distances = tf.reduce_max(tf.abs(cells[:, tf.newaxis] - cells[tf.newaxis]), axis=-1)
    before = tf.range(tf.size(places)) < tf.range(tf.size(places))[:, tf.newaxis]
    is_repeated = tf.reduce_any(before & (distances <= window // 2), axis=1)
    return tf.boolean_mask(cells, ~is_repeated), tf.boolean_mask(scores, ~is_repeated)


def nearest_centers(positions: tf.Tensor, centers: tf.Tensor) -> tf.Tensor:
    """Returns the nearest center of each position, the first of equally near ones.

    Args:
      positions: float32 `[p, 2]`.
      centers: float32 `[n, 2]`, n at least 1.

    Returns:
      int32 `[p]`.
    """
    count = tf.shape(positions)[0]
    chunks = -(-count // PIXELS_AT_A_TIME)
    padded = tf.pad(positions, [[0, chunks * PIXELS_AT_A_TIME - count], [0, 0]])

    def nearest(chunk: tf.Tensor) -> tf.Tensor:
        squares = tf.square(chunk[:, tf.newaxis, 0] - centers[:, 0])
        squares += tf.square(chunk[:, tf.newaxis, 1] - centers[:, 1])
        return tf.argmin(squares, axis=1, output_type=tf.int32)

    found = tf.map_fn(
        nearest,
        tf.reshape(padded, [chunks, PIXELS_AT_A_TIME, 2]),
        fn_output_signature=tf.TensorSpec([PIXELS_AT_A_TIME], tf.int32),
        parallel_iterations=1,
    )
    return tf.reshape(found, [-1])[:count]
