"""Panoptic copy-paste: segments of one picture, things and stuff, over another.

Source: Simple Copy-Paste (arXiv 2012.07177), for panoptic maps as MaskConver's recipe has it.
"""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.input.augment.scene import Scene, without_absent_segments

CHOSEN_SHARE = 0.5
"""Chance of each segment of the second picture to be pasted."""


def choose_segments(is_crowd: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws which segments to paste, each for itself; bool `[n]`. A crowd never is."""
    return (tf.random.stateless_uniform(tf.shape(is_crowd), seed) < CHOSEN_SHARE) & ~is_crowd


def random_corner(size: tf.Tensor, canvas_size: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws where a picture of `size` goes inside one of `canvas_size`; int32 `[2]` all."""
    free = tf.cast(canvas_size - size + 1, tf.float32)
    return tf.cast(tf.floor(tf.random.stateless_uniform([2], seed) * free), tf.int32)


def paste(
    scene: Scene, other: Scene, chosen: tf.Tensor, corner: tf.Tensor, is_thing: tf.Tensor
) -> Scene:
    """Puts the chosen segments of another picture over this one.

    A pasted thing becomes a segment of its own. Pasted stuff joins the segment of its class if
    there is one: a picture has one segment for each class of stuff. What ends up without a pixel
    leaves the list.

    Args:
      scene: the picture below; its map is int32.
      other: the picture above, no larger.
      chosen: bool, one for each segment of `other`.
      corner: int32 `[2]`, row and column of `other`'s top left in `scene`; `other` fits there.
      is_thing: bool `[C]`, of the classes.

    Returns:
      A scene of the first one's size in which every listed segment has pixels.
    """
    numbers = _numbers_of_pasted(scene, other, chosen, is_thing)
    table = tf.concat([[0], numbers], axis=0)  # 0: see through.
    patch = tf.gather(table, tf.cast(other.segment_map, tf.int32))
    margins = _margins(tf.shape(scene.segment_map), tf.shape(patch), corner)
    patch = tf.pad(patch, margins)
    image = tf.pad(other.image, tf.concat([margins, [[0, 0]]], axis=0))
    return without_absent_segments(
        Scene(
            tf.where(patch[..., tf.newaxis] > 0, image, scene.image),
            tf.where(patch > 0, patch, scene.segment_map),
            tf.concat([scene.class_ids, other.class_ids], axis=0),
            tf.concat([scene.is_crowd, other.is_crowd], axis=0),
        )
    )


def _numbers_of_pasted(
    scene: Scene, other: Scene, chosen: tf.Tensor, is_thing: tf.Tensor
) -> tf.Tensor:
    """Number of each segment of `other` in the joint list, 0 where not chosen; int32 `[m]`."""
    same_stuff = (other.class_ids[:, tf.newaxis] == scene.class_ids) & ~scene.is_crowd
    same_stuff &= ~tf.gather(is_thing, other.class_ids)[:, tf.newaxis]  # [m, n]
    last = tf.size(scene.class_ids)
    own = last + 1 + tf.range(tf.size(other.class_ids))
    listed = tf.where(same_stuff, tf.range(1, last + 1), own[:, tf.newaxis])
    # The smallest is that of the scene's own stuff, or `own`, also where the scene has no segment.
    joined = tf.minimum(own, tf.reduce_min(listed, axis=1))
    return tf.where(chosen, joined, 0)


def _margins(size: tf.Tensor, patch_size: tf.Tensor, corner: tf.Tensor) -> tf.Tensor:
    """Rows and columns around a patch, as `tf.pad` takes them; int32 `[2, 2]`."""
    return tf.stack([corner, size - patch_size - corner], axis=1)
