"""Panoptic copy-paste: pastes segments of one picture, things and stuff, over another picture.

Source: Simple Copy-Paste (arXiv 2012.07177), extended to panoptic maps as in MaskConver's recipe.
"""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.input.augment.annotated_picture import AnnotatedPicture, without_absent_segments

CHOSEN_SHARE = 0.5
"""Probability that a segment of the second picture is pasted."""


def choose_segments(is_excluded: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws for each segment whether to paste it; bool `[n]`.

    Args:
      is_excluded: bool `[n]`, segments that are never pasted: crowds and slivers.
      seed: int32 `[2]`.
    """
    drawn = tf.random.stateless_uniform(tf.shape(is_excluded), seed)
    return (drawn < CHOSEN_SHARE) & ~is_excluded


def random_corner(size: tf.Tensor, canvas_size: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws the top left corner of a picture of `size` inside `canvas_size`; all int32 `[2]`."""
    free = tf.cast(canvas_size - size + 1, tf.float32)
    return tf.cast(tf.floor(tf.random.stateless_uniform([2], seed) * free), tf.int32)


def paste_segments(
    below: AnnotatedPicture,
    above: AnnotatedPicture,
    chosen: tf.Tensor,
    corner: tf.Tensor,
    is_thing: tf.Tensor,
) -> AnnotatedPicture:
    """Pastes the chosen segments of one picture over another picture.

    A pasted thing becomes a new segment. Pasted stuff joins the stuff segment of its class if there
    is one, because a picture has one segment per stuff class. Segments that lose all their pixels
    are removed.

    Args:
      below: the picture that receives the segments; its map is int32.
      above: the picture with the segments to paste. It is not larger than `below`.
      chosen: bool, one for each segment of `above`.
      corner: int32 `[2]`, row and column in `below` of the top left of `above`. All of `above` is
        inside `below`.
      is_thing: bool `[C]`, one for each class.

    Returns:
      A picture of the size of `below`. Each of its segments has pixels.
    """
    numbers = _pasted_numbers(below, above, chosen, is_thing)
    num_below = tf.size(below.class_ids)
    joined = tf.math.unsorted_segment_max(
        tf.cast(chosen, tf.int32), numbers - 1, num_below + tf.size(numbers)
    )
    # What is pasted is no sliver, so the stuff that it joins is none.
    whole_below = tf.where(joined[:num_below] > 0, 0.0, below.whole_areas)
    table = tf.concat([[0], numbers], axis=0)  # 0 keeps the pixel below.
    patch = tf.gather(table, tf.cast(above.segment_map, tf.int32))
    margins = _margins(tf.shape(below.segment_map), tf.shape(patch), corner)
    patch = tf.pad(patch, margins)
    image = tf.pad(above.image, tf.concat([margins, [[0, 0]]], axis=0))
    return without_absent_segments(
        AnnotatedPicture(
            tf.where(patch[..., tf.newaxis] > 0, image, below.image),
            tf.where(patch > 0, patch, below.segment_map),
            tf.concat([below.class_ids, above.class_ids], axis=0),
            tf.concat([below.is_crowd, above.is_crowd], axis=0),
            tf.concat([whole_below, above.whole_areas], axis=0),
        )
    )


def _pasted_numbers(
    below: AnnotatedPicture, above: AnnotatedPicture, chosen: tf.Tensor, is_thing: tf.Tensor
) -> tf.Tensor:
    """Returns the new number of each segment of `above`, 0 if it is not pasted; int32 `[m]`."""
    same_stuff = (above.class_ids[:, tf.newaxis] == below.class_ids) & ~below.is_crowd
    same_stuff &= ~tf.gather(is_thing, above.class_ids)[:, tf.newaxis]  # [m, n]
    last = tf.size(below.class_ids)
    own = last + 1 + tf.range(tf.size(above.class_ids))
    listed = tf.where(same_stuff, tf.range(1, last + 1), own[:, tf.newaxis])
    # The minimum is the number of the same stuff below, or `own`, even if `below` has no segment.
    joined = tf.minimum(own, tf.reduce_min(listed, axis=1))
    return tf.where(chosen, joined, 0)


def _margins(size: tf.Tensor, patch_size: tf.Tensor, corner: tf.Tensor) -> tf.Tensor:
    """Returns the rows and columns around a patch for `tf.pad`; int32 `[2, 2]`."""
    return tf.stack([corner, size - patch_size - corner], axis=1)
