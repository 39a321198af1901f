"""A picture with its truth, as the augmentation passes it on."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from maskconver_tf.ops.segments import segment_areas


class AnnotatedPicture(NamedTuple):
    """A picture with the map, the classes and the kinds of its n segments.

    Attributes:
      image: uint8 `[h, w, 3]`.
      segment_map: integers `[h, w]`, 0 for void, i for the i-th segment (counted from 1).
      class_ids: int32 `[n]`, contiguous class id of each segment.
      is_crowd: bool `[n]`.
      whole_areas: float32 `[n]`: the pixels that each segment would have at this scale if nothing
        of it were cropped or covered; 0 for a segment that never counts as a sliver.
    """

    image: tf.Tensor
    segment_map: tf.Tensor
    class_ids: tf.Tensor
    is_crowd: tf.Tensor
    whole_areas: tf.Tensor


def without_absent_segments(picture: AnnotatedPicture) -> AnnotatedPicture:
    """Removes the segments without a pixel and renumbers the others."""
    present = segment_areas(picture.segment_map, tf.size(picture.class_ids)) > 0
    numbers = tf.where(present, tf.cumsum(tf.cast(present, tf.int32)), 0)
    return AnnotatedPicture(
        picture.image,
        tf.gather(tf.concat([[0], numbers], axis=0), picture.segment_map),
        tf.boolean_mask(picture.class_ids, present),
        tf.boolean_mask(picture.is_crowd, present),
        tf.boolean_mask(picture.whole_areas, present),
    )
