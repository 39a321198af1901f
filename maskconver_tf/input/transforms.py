"""Geometry of training and inference inputs: one picture and its segment map, moved together.

Where a picture goes is decided once, as a `Window`, and then done to picture and map alike, so that
they cannot disagree. The input is a canvas of fixed size with the picture at its top left and zeros
(void) around it.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

CONTENT_MULTIPLE = 4
"""A fitted picture's sides are whole cells of the mask grid, which then maps to it exactly."""

UNFILTERED_SHRINKAGE = 2.0
"""A picture that augmentation shrinks by no more is not filtered first: up to here bilinear scaling
looks at every pixel, and a filter takes as long as all the rest of an example."""


class Window(NamedTuple):
    """A rectangle of a source picture and the size it is scaled to; int32 `[2]` (y, x) each.

    Attributes:
      begin: its first row and column.
      extent: its height and width.
      size: height and width on the canvas.
    """

    begin: tf.Tensor
    extent: tf.Tensor
    size: tf.Tensor


# ---- Where a picture goes ------------------------------------------------------------------------


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


def random_window(
    image_size: tf.Tensor,
    canvas_size: tuple[int, int],
    scale_range: tuple[float, float],
    seed: tf.Tensor,
    limit: tf.Tensor | None = None,
) -> Window:
    """Scales by a random factor of the fitting scale; crops what is then too large.

    The crop is of the source, before it is scaled, so that an enlarged picture costs no more.

    Args:
      image_size: int `[2]`, (height, width).
      canvas_size: (height, width).
      scale_range: lowest and highest factor; 1 is the scale at which the picture just fits.
      seed: int32 `[2]`.
      limit: int32 `[2]`, the most that the window may take of the canvas; None for all of it.
    """
    seeds = tf.random.split(seed, 2)
    source = tf.cast(image_size, tf.float32)
    canvas = tf.cast(canvas_size, tf.float32)
    factor = tf.random.stateless_uniform([], seeds[0], *map(float, scale_range))
    scale = factor * tf.reduce_min(canvas / source)
    limit = canvas if limit is None else tf.cast(limit, tf.float32)
    # Up to a whole pixel, so that no sliver of the canvas stays empty.
    crop = tf.minimum(source, tf.math.ceil(limit / scale))
    start = tf.floor(tf.random.stateless_uniform([2], seeds[1]) * (source - crop + 1.0))
    size = tf.clip_by_value(tf.round(crop * scale), 1.0, limit)
    return Window(*(tf.cast(value, tf.int32) for value in (start, crop, size)))


def random_part(
    image_size: tf.Tensor,
    canvas_size: tuple[int, int],
    area_range: tuple[float, float],
    aspect_range: tuple[float, float],
    seed: tf.Tensor,
) -> Window:
    """A random part of random shape, scaled to the whole canvas (GoogLeNet, arXiv 1409.4842).

    Args:
      image_size: int `[2]`, (height, width).
      canvas_size: (height, width).
      area_range: share of the picture that the part takes.
      aspect_range: width over height of the part.
      seed: int32 `[2]`.

    Returns:
      The window; the whole picture where no such part was found in it.
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


def middle_part(image_size: tf.Tensor, canvas_size: tuple[int, int], share: float) -> Window:
    """The middle of a picture, of the canvas's shape, scaled to the whole canvas.

    Args:
      image_size: int `[2]`, (height, width).
      canvas_size: (height, width).
      share: side of the part over the largest that fits.
    """
    source, canvas = (tf.cast(size, tf.float32) for size in (image_size, canvas_size))
    extent = tf.round(canvas * tf.reduce_min(source / canvas) * share)
    extent = tf.cast(tf.clip_by_value(extent, 1.0, source), tf.int32)
    return Window((image_size - extent) // 2, extent, tf.constant(canvas_size))


# ---- Scaling -------------------------------------------------------------------------------------


def resize_image(image: tf.Tensor, size: tf.Tensor, unfiltered: float = 1.0) -> tf.Tensor:
    """Bilinear, with antialiasing where it shrinks; uint8 `[h, w, 3]` in and out.

    Args:
      unfiltered: without antialiasing where it shrinks by this factor or less.
    """
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    shrinks = tf.reduce_any(tf.cast(size, tf.float32) * unfiltered < sides)
    # Where nothing shrinks, antialiasing changes nothing but takes five times as long.
    resized = tf.cond(
        shrinks,
        lambda: tf.image.resize(image, size, antialias=True),
        lambda: tf.image.resize(image, size),
    )
    return tf.cast(resized + 0.5, tf.uint8)


def resize_map(segment_map: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Nearest neighbour; integers `[h, w]` in and out, of one dtype."""
    source = tf.shape(segment_map)
    rows, columns = (_nearest(size[axis], source[axis]) for axis in (0, 1))
    # Whole lines are copied faster than single pixels, even with two transpositions.
    scaled = tf.transpose(tf.gather(tf.transpose(segment_map), columns))
    return tf.gather(scaled, rows)


def _nearest(size: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
    """The source line under the middle of each of `size` lines; int32 `[size]`."""
    doubled = (2 * tf.range(tf.cast(size, tf.int64)) + 1) * tf.cast(source, tf.int64)
    return tf.cast(doubled // (2 * tf.cast(size, tf.int64)), tf.int32)


# ---- Onto the canvas -----------------------------------------------------------------------------


def fit_image(image: tf.Tensor, canvas_size: tuple[int, int]) -> tuple[tf.Tensor, tf.Tensor]:
    """Scales a whole picture onto the canvas, as inference sees it.

    Args:
      image: uint8 `[h, w, 3]`.
      canvas_size: (height, width).

    Returns:
      uint8 `[*canvas_size, 3]` and the content size int32 `[2]`.
    """
    size = fitted_size(tf.shape(image)[:2], canvas_size)
    return pad(resize_image(image, size), canvas_size), size


def fit(
    image: tf.Tensor, segment_map: tf.Tensor, canvas_size: tuple[int, int]
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """`fit_image` with its map int32 `[h, w]`; returns image, map and content size."""
    image, size = fit_image(image, canvas_size)
    return image, pad(resize_map(segment_map, size), canvas_size), size


def random_scale_and_crop(
    image: tf.Tensor,
    segment_map: tf.Tensor,
    canvas_size: tuple[int, int],
    scale_range: tuple[float, float],
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Puts a `random_window` of a picture and its map on the canvas.

    Args:
      image: uint8 `[h, w, 3]`.
      segment_map: int32 `[h, w]`.
      canvas_size: (height, width).
      scale_range: see `random_window`.
      seed: int32 `[2]`.

    Returns:
      uint8 `[*canvas_size, 3]`, int32 `canvas_size` and the content size int32 `[2]`.
    """
    window = random_window(tf.shape(segment_map), canvas_size, scale_range, seed)
    image = resize_image(cut(image, window), window.size)
    segment_map = resize_map(cut(segment_map, window), window.size)
    return pad(image, canvas_size), pad(segment_map, canvas_size), window.size


def cut(array: tf.Tensor, window: Window) -> tf.Tensor:
    """The window's rectangle of `[h, w, ...]`, not scaled yet."""
    return array[
        window.begin[0] : window.begin[0] + window.extent[0],
        window.begin[1] : window.begin[1] + window.extent[1],
    ]


def pad(array: tf.Tensor, canvas_size: tuple[int, int]) -> tf.Tensor:
    """Zeros at the bottom and right of `[h, w, ...]`, up to the canvas."""
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
    """Mirrors left and right with probability one half."""
    return tf.cond(
        tf.random.stateless_uniform([], seed) < 0.5,
        lambda: (tf.reverse(image, [1]), tf.reverse(segment_map, [1])),
        lambda: (image, segment_map),
    )
