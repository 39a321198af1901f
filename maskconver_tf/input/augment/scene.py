"""A picture with its truth while it is augmented."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from maskconver_tf.ops.segments import segment_areas


class Scene(NamedTuple):
    """A picture, the map of its n segments and what is known of each.

    Attributes:
      image: uint8 `[h, w, 3]`.
      segment_map: integers `[h, w]`, 0 void, i for the i-th listed segment counted from 1.
      class_ids: int32 `[n]`.
      is_crowd: bool `[n]`.
    """

    image: tf.Tensor
    segment_map: tf.Tensor
    class_ids: tf.Tensor
    is_crowd: tf.Tensor


def without_absent_segments(scene: Scene) -> Scene:
    """Takes segments without a pixel off the list and numbers the others anew."""
    present = segment_areas(scene.segment_map, tf.size(scene.class_ids)) > 0
    numbers = tf.where(present, tf.cumsum(tf.cast(present, tf.int32)), 0)
    return Scene(
        scene.image,
        tf.gather(tf.concat([[0], numbers], axis=0), scene.segment_map),
        tf.boolean_mask(scene.class_ids, present),
        tf.boolean_mask(scene.is_crowd, present),
    )
