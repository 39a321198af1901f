"""Measures the slots of slot maps on the device: fixed shapes, no loop over slots."""

from __future__ import annotations

import tensorflow as tf


def slot_areas_and_centers(slot_map: tf.Tensor, num_slots: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Counts the cells of each slot and finds their mean position.

    Args:
      slot_map: integers `[B, H, W]`: slots counted from 1, 0 for void.
      num_slots: K.

    Returns:
      Areas float32 `[B, K]` in cells, and centers float32 `[B, K, 2]`: the mean (y, x) of the
      middles of a slot's cells, in cells. A slot without cells has the middle of the map.
    """
    batch, (height, width) = tf.shape(slot_map)[0], slot_map.shape[1:]
    slots = tf.cast(slot_map, tf.int32) - 1
    first = num_slots * tf.range(batch)[:, tf.newaxis, tf.newaxis]
    segments = tf.reshape(tf.where(slots >= 0, slots + first, -1), [-1])
    # Positions count from the middle of the map. This keeps float32 sums small, so that they are
    # exact to parts of a cell.
    rows = (tf.range(height, dtype=tf.float32) + 0.5 - height / 2)[:, tf.newaxis]
    columns = (tf.range(width, dtype=tf.float32) + 0.5 - width / 2)[tf.newaxis, :]

    def sums(values: tf.Tensor) -> tf.Tensor:
        values = tf.reshape(tf.broadcast_to(values, [batch, height, width]), [-1])
        total = tf.math.unsorted_segment_sum(values, segments, batch * num_slots)
        return tf.reshape(total, [batch, num_slots])

    areas = sums(tf.ones([1, 1, 1]))
    means = [tf.math.divide_no_nan(sums(x), areas) for x in (rows, columns)]
    return areas, tf.stack([means[0] + height / 2, means[1] + width / 2], axis=-1)
