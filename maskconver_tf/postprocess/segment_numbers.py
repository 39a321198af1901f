"""Numbers the segments of a map: each thing by itself, stuff of one class together."""

from __future__ import annotations

import tensorflow as tf


def assign_segment_ids(alive: tf.Tensor, class_ids: tf.Tensor, is_thing: tf.Tensor) -> tf.Tensor:
    """Gives the kept proposals the ids 1, 2, ... in order. Stuff of one class gets the same id.

    Args:
      alive: bool `[n]`.
      class_ids: int `[n]`.
      is_thing: bool `[C]`.

    Returns:
      int32 `[n]`, 0 for a dropped proposal.
    """
    order = tf.range(tf.size(class_ids))
    num_classes = tf.size(is_thing)
    thing = tf.gather(is_thing, class_ids)
    # Each thing has its own key. All stuff of one class has the same key.
    keys = tf.where(thing, num_classes + order, class_ids)
    keys = tf.where(alive, keys, -1)
    first = tf.math.unsorted_segment_min(order, keys, num_classes + tf.size(class_ids))
    leader = tf.gather(first, tf.maximum(keys, 0))
    leads = alive & (leader == order)
    numbers = tf.cumsum(tf.cast(leads, tf.int32))
    return tf.where(alive, tf.gather(numbers, tf.where(alive, leader, 0)), 0)
