"""Crops and scales a picture and its segment map together, and places them on the canvas.

A `Window` says which part of the picture is used and how large it becomes. The same window is
applied to picture and map, so they always fit. The canvas is the model's input, of fixed size. The
picture is at its top left; the rest is zero (void).
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

CONTENT_MULTIPLE = 4
"""The sides of a fitted picture are multiples of this, so that they are whole cells of the mask
grid (stride 4)."""

UNFILTERED_SHRINKAGE = 2.0
"""Augmentation shrinks a picture by up to this factor without an antialiasing filter. Bilinear
scaling still uses every pixel then, and the filter takes as long as the rest of the example."""


class Window(NamedTuple):
    """A rectangle of a picture and the size to which it is scaled; each int32 `[2]`, (y, x).

    Attributes:
      begin: first row and column of the rectangle.
      extent: height and width of the rectangle.
      size: height and width on the canvas.
    """

    begin: tf.Tensor
    extent: tf.Tensor
    size: tf.Tensor


# ---- Windows -------------------------------------------------------------------------------------


def fitted_size(image_size: tf.Tensor, canvas_size: tuple[int, int]) -> tf.Tensor:
    """Returns the size of a picture that is scaled to fit the canvas.

    Both sides are rounded to multiples of `CONTENT_MULTIPLE`.

    Args:
      image_size: int `[2]`, (height, width).
      canvas_size: (height, width), multiples of `CONTENT_MULTIPLE`.

    Returns:
      int32 `[2]`, (height, width), at least `CONTENT_MULTIPLE` and at most the canvas.
    """
    size = tf.cast(image_size, tf.float32)
    scale = tf.reduce_min(tf.cast(canvas_size, tf.float32) / size)
    cells = tf.cast(tf.round(size * scale / CONTENT_MULTIPLE), tf.int32)
    return tf.clip_by_value(cells * CONTENT_MULTIPLE, CONTENT_MULTIPLE, tf.constant(canvas_size))


def random_window(
    image_size: tf.Tensor,
    canvas_size: tuple[int, int],
    scale_range: tuple[float, float],
    seed: tf.Tensor,
    limit: tf.Tensor | None = None,
) -> Window:
    """Draws a scale, and a crop of the picture if it is too large at that scale.

    The crop comes before the scaling, so an enlarged picture costs no more time.

    Args:
      image_size: int `[2]`, (height, width).
      canvas_size: (height, width).
      scale_range: lowest and highest scale; 1 is the scale at which the picture just fits.
      seed: int32 `[2]`.
      limit: int32 `[2]`, largest size on the canvas; None for the whole canvas.
    """
    seeds = tf.random.split(seed, 2)
    source = tf.cast(image_size, tf.float32)
    canvas = tf.cast(canvas_size, tf.float32)
    factor = tf.random.stateless_uniform([], seeds[0], *map(float, scale_range))
    scale = factor * tf.reduce_min(canvas / source)
    limit = canvas if limit is None else tf.cast(limit, tf.float32)
    # Rounded up to a whole pixel, so that the crop fills the canvas to its edge.
    crop = tf.minimum(source, tf.math.ceil(limit / scale))
    start = tf.floor(tf.random.stateless_uniform([2], seeds[1]) * (source - crop + 1.0))
    size = tf.clip_by_value(tf.round(crop * scale), 1.0, limit)
    return Window(*(tf.cast(value, tf.int32) for value in (start, crop, size)))


def random_area_window(
    image_size: tf.Tensor,
    canvas_size: tuple[int, int],
    area_range: tuple[float, float],
    aspect_range: tuple[float, float],
    seed: tf.Tensor,
) -> Window:
    """Draws a rectangle of random area and shape; it is scaled to the whole canvas.

    Source: GoogLeNet (arXiv 1409.4842).

    Args:
      image_size: int `[2]`, (height, width).
      canvas_size: (height, width).
      area_range: lowest and highest share of the picture's area, 0..1.
      aspect_range: lowest and highest ratio of width to height of the rectangle.
      seed: int32 `[2]`.

    Returns:
      The window; the whole picture if no such rectangle was found.
    """
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.concat([image_size, [3]], 0),
        tf.zeros([0, 0, 4]),
        seed,
        min_object_covered=0.0,
        aspect_ratio_range=aspect_range,
        area_range=area_range,
        use_image_if_no_bounding_boxes=True,
    )
    return Window(begin[:2], extent[:2], tf.constant(canvas_size))


def middle_window(image_size: tf.Tensor, canvas_size: tuple[int, int], share: float) -> Window:
    """Returns the middle of a picture, in the canvas's shape; it is scaled to the whole canvas.

    Args:
      image_size: int `[2]`, (height, width).
      canvas_size: (height, width).
      share: side of the rectangle divided by the side of the largest rectangle that fits, 0..1.
    """
    source, canvas = (tf.cast(size, tf.float32) for size in (image_size, canvas_size))
    extent = tf.round(canvas * tf.reduce_min(source / canvas) * share)
    extent = tf.cast(tf.clip_by_value(extent, 1.0, source), tf.int32)
    return Window((image_size - extent) // 2, extent, tf.constant(canvas_size))


# ---- Scaling -------------------------------------------------------------------------------------


def resize_image(image: tf.Tensor, size: tf.Tensor, unfiltered: float = 1.0) -> tf.Tensor:
    """Scales a picture bilinearly, with antialiasing if it shrinks; uint8 `[h, w, 3]` in and out.

    Args:
      unfiltered: shrink by up to this factor without antialiasing.
    """
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    shrinks = tf.reduce_any(tf.cast(size, tf.float32) * unfiltered < sides)
    # If nothing shrinks, antialiasing changes nothing but takes five times as long.
    resized = tf.cond(
        shrinks,
        lambda: tf.image.resize(image, size, antialias=True),
        lambda: tf.image.resize(image, size),
    )
    return tf.cast(resized + 0.5, tf.uint8)


def resize_map(segment_map: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Scales a map to the nearest neighbor; integers `[h, w]` of one dtype in and out."""
    source = tf.shape(segment_map)
    rows, columns = (_nearest(size[axis], source[axis]) for axis in (0, 1))
    # Copying whole lines is faster than copying single pixels, even with two transpositions.
    scaled = tf.transpose(tf.gather(tf.transpose(segment_map), columns))
    return tf.gather(scaled, rows)


def _nearest(size: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
    """Returns, for each of `size` lines, the source line under its middle; int32 `[size]`."""
    doubled = (2 * tf.range(tf.cast(size, tf.int64)) + 1) * tf.cast(source, tf.int64)
    return tf.cast(doubled // (2 * tf.cast(size, tf.int64)), tf.int32)


# ---- Canvas --------------------------------------------------------------------------------------


def fit_image(image: tf.Tensor, canvas_size: tuple[int, int]) -> tuple[tf.Tensor, tf.Tensor]:
    """Scales a whole picture onto the canvas, as inference does.

    Args:
      image: uint8 `[h, w, 3]`.
      canvas_size: (height, width).

    Returns:
      uint8 `[*canvas_size, 3]` and the content size int32 `[2]`.
    """
    size = fitted_size(tf.shape(image)[:2], canvas_size)
    return pad_to_canvas(resize_image(image, size), canvas_size), size


def pad_to_canvas(array: tf.Tensor, canvas_size: tuple[int, int]) -> tf.Tensor:
    """Adds zeros at the bottom and right of `[h, w, ...]` up to the size of the canvas."""
    height, width = canvas_size
    rank = array.shape.rank
    missing = [[0, height - tf.shape(array)[0]], [0, width - tf.shape(array)[1]]]
    padded = tf.pad(array, missing + [[0, 0]] * (rank - 2))
    padded.set_shape([height, width, *array.shape[2:]])
    return padded


# ---- Flip ----------------------------------------------------------------------------------------


def random_flip(
    image: tf.Tensor, segment_map: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors picture and map left to right with probability 1/2."""
    return tf.cond(
        tf.random.stateless_uniform([], seed) < 0.5,
        lambda: (tf.reverse(image, [1]), tf.reverse(segment_map, [1])),
        lambda: (image, segment_map),
    )
