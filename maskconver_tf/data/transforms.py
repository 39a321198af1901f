"""Geometry of training and inference inputs: one picture and its segment map, moved together.

Every function takes the pair and returns the pair, so that image and map cannot disagree. The input
is a canvas of fixed size with the picture at its top left and zeros (void) around it.
"""

from __future__ import annotations

import tensorflow as tf

CONTENT_MULTIPLE = 4
"""A fitted picture's sides are whole cells of the mask grid, which then maps to it exactly."""


def fitted_size(image_size: tf.Tensor, canvas_size: tuple[int, int]) -> tf.Tensor:
    """Size of a picture scaled to fit a canvas, rounded to multiples of `CONTENT_MULTIPLE`.

    Args:
      image_size: int `[2]`, (height, width).
      canvas_size: (height, width), multiples of `CONTENT_MULTIPLE`.

    Returns:
      int32 `[2]`, at least one multiple, at most the canvas.
    """
    size = tf.cast(image_size, tf.float32)
    scale = tf.reduce_min(tf.cast(canvas_size, tf.float32) / size)
    cells = tf.cast(tf.round(size * scale / CONTENT_MULTIPLE), tf.int32)
    return tf.clip_by_value(cells * CONTENT_MULTIPLE, CONTENT_MULTIPLE, tf.constant(canvas_size))


def resize_image(image: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Bilinear, with antialiasing where it shrinks; uint8 `[h, w, 3]` in and out."""
    resized = tf.image.resize(image, size, antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)


def resize_map(segment_map: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Nearest neighbour; int32 `[h, w]` in and out."""
    resized = tf.image.resize(segment_map[..., tf.newaxis], size, method="nearest")
    return resized[..., 0]


def fit_image(image: tf.Tensor, canvas_size: tuple[int, int]) -> tuple[tf.Tensor, tf.Tensor]:
    """Scales a whole picture onto the canvas, as inference sees it.

    Args:
      image: uint8 `[h, w, 3]`.
      canvas_size: (height, width).

    Returns:
      uint8 `[*canvas_size, 3]` and the content size int32 `[2]`.
    """
    size = fitted_size(tf.shape(image)[:2], canvas_size)
    return _pad(resize_image(image, size), canvas_size), size


def fit(
    image: tf.Tensor, segment_map: tf.Tensor, canvas_size: tuple[int, int]
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """`fit_image` with its map int32 `[h, w]`; returns image, map and content size."""
    image, size = fit_image(image, canvas_size)
    return image, _pad(resize_map(segment_map, size), canvas_size), size


def random_scale_and_crop(
    image: tf.Tensor,
    segment_map: tf.Tensor,
    canvas_size: tuple[int, int],
    scale_range: tuple[float, float],
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Scales by a random factor of the fitting scale; crops what is too large, pads what is not.

    The crop is cut from the source before resizing, so that enlarged pictures cost no more.

    Args:
      image: uint8 `[h, w, 3]`.
      segment_map: int32 `[h, w]`.
      canvas_size: (height, width).
      scale_range: lowest and highest factor; 1 is the scale at which the picture just fits.
      seed: int32 `[2]`.

    Returns:
      uint8 `[*canvas_size, 3]`, int32 `canvas_size` and the content size int32 `[2]`.
    """
    seeds = tf.random.split(seed, 2)
    source = tf.cast(tf.shape(segment_map), tf.float32)
    canvas = tf.cast(canvas_size, tf.float32)
    factor = tf.random.stateless_uniform([], seeds[0], *map(float, scale_range))
    scale = factor * tf.reduce_min(canvas / source)
    # Up to a whole pixel, so that no sliver of the canvas stays empty.
    crop = tf.minimum(source, tf.math.ceil(canvas / scale))
    start = tf.floor(tf.random.stateless_uniform([2], seeds[1]) * (source - crop + 1.0))
    begin, extent = tf.cast(start, tf.int32), tf.cast(crop, tf.int32)
    size = tf.cast(tf.clip_by_value(tf.round(crop * scale), 1.0, canvas), tf.int32)
    image = tf.slice(image, tf.concat([begin, [0]], 0), tf.concat([extent, [3]], 0))
    segment_map = tf.slice(segment_map, begin, extent)
    image = _pad(resize_image(image, size), canvas_size)
    return image, _pad(resize_map(segment_map, size), canvas_size), size


def random_flip(
    image: tf.Tensor, segment_map: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors left and right with probability one half."""
    return tf.cond(
        tf.random.stateless_uniform([], seed) < 0.5,
        lambda: (tf.reverse(image, [1]), tf.reverse(segment_map, [1])),
        lambda: (image, segment_map),
    )


def _pad(array: tf.Tensor, canvas_size: tuple[int, int]) -> tf.Tensor:
    """Zeros at the bottom and right, up to the canvas."""
    height, width = canvas_size
    rank = array.shape.rank
    missing = [[0, height - tf.shape(array)[0]], [0, width - tf.shape(array)[1]]]
    padded = tf.pad(array, missing + [[0, 0]] * (rank - 2))
    padded.set_shape([height, width, *array.shape[2:]])
    return padded
