"""Small rotations and elastic deformations: one warp for picture and map.

A warp names for each pixel of the result the place in the source that it comes from. The picture is
read there bilinearly, the map at the nearest pixel. What comes from outside is black and void.
"""

from __future__ import annotations

import math

import tensorflow as tf

CONTROL_POINTS = 5
"""Of an elastic deformation along each side. Between them it is bicubic."""


def random_warp(size: tf.Tensor, rotation: float, elastic: float, seed: tf.Tensor) -> tf.Tensor:
    """Draws a warp.

    Args:
      size: int32 `[2]`, (height, width) of the picture.
      rotation: largest angle in degrees; the angle is uniform up to it, in both directions.
      elastic: largest displacement of a control point in pixels, along each axis.
      seed: int32 `[2]`.

    Returns:
      float32 `[h, w, 2]`, the source place (y, x) of each pixel.
    """
    angle_seed, elastic_seed = tf.unstack(tf.random.split(seed, 2))
    places = pixel_places(size)
    if rotation:
        angle = tf.random.stateless_uniform([], angle_seed, -rotation, rotation)
        places = rotated(places, size, angle)
    if elastic:
        shape = [CONTROL_POINTS, CONTROL_POINTS, 2]
        points = tf.random.stateless_uniform(shape, elastic_seed, -elastic, elastic)
        places += tf.image.resize(points, size, "bicubic")
    return places


def pixel_places(size: tf.Tensor) -> tf.Tensor:
    """Returns the place (y, x) of each pixel, float32 `[h, w, 2]`: a warp that changes nothing."""
    rows, columns = tf.range(size[0]), tf.range(size[1])
    return tf.cast(tf.stack(tf.meshgrid(rows, columns, indexing="ij"), -1), tf.float32)


def rotated(places: tf.Tensor, size: tf.Tensor, degrees: tf.Tensor) -> tf.Tensor:
    """Rotates a picture to the left around its middle.

    Args:
      places: float32 `[h, w, 2]`, a warp.
      size: int32 `[2]`.
      degrees: angle, scalar.
    """
    angle = degrees * (math.pi / 180.0)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    middle = (tf.cast(size, tf.float32) - 1.0) / 2.0
    y, x = tf.unstack(places - middle, axis=-1)
    # The inverse: where does the pixel at (y, x) of the turned picture come from?
    return tf.stack([cosine * y + sine * x, cosine * x - sine * y], -1) + middle


def warp_image(image: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Reads a picture at the places of a warp, bilinearly.

    Args:
      image: uint8 `[h, w, 3]`.
      places: float32 `[h, w, 2]`.

    Returns:
      uint8 `[h, w, 3]`; 0 where a place is outside the picture.
    """
    low = tf.floor(places)
    share = places - low
    total = tf.zeros(tf.concat([tf.shape(places)[:2], [3]], 0))
    for dy in (0, 1):
        for dx in (0, 1):
            offset = tf.constant([dy, dx], tf.float32)
            weights = 1.0 - tf.abs(offset - share)  # [h, w, 2]
            values = tf.cast(_read(image, tf.cast(low + offset, tf.int32)), tf.float32)
            total += values * tf.reduce_prod(weights, -1, keepdims=True)
    inside = tf.cast(_is_inside(tf.shape(image), tf.round(places)), tf.float32)
    values = tf.cast(total * inside[..., tf.newaxis] + 0.5, tf.uint8)
    return tf.ensure_shape(values, [None, None, 3])


def warp_map(segment_map: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Reads a map at the places of a warp, at the nearest pixel.

    Args:
      segment_map: integers `[h, w]`.
      places: float32 `[h, w, 2]`.

    Returns:
      Of the same dtype, `[h, w]`; 0 where a place is outside the map.
    """
    nearest = tf.round(places)
    read = _read(segment_map, tf.cast(nearest, tf.int32))
    return tf.where(_is_inside(tf.shape(segment_map), nearest), read, tf.zeros_like(read))


def _read(array: tf.Tensor, cells: tf.Tensor) -> tf.Tensor:
    """Reads `[h, w, ...]` at cells, int32 `[h, w, 2]`; outside, the nearest cell at the border."""
    last = tf.shape(array)[:2] - 1
    return tf.gather_nd(array, tf.clip_by_value(cells, 0, last))


def _is_inside(shape: tf.Tensor, cells: tf.Tensor) -> tf.Tensor:
    """Whether each cell, float32 `[h, w, 2]`, is inside an array of this shape; bool `[h, w]`."""
    limit = tf.cast(shape[:2], tf.float32)
    return tf.reduce_all((cells >= 0.0) & (cells < limit), axis=-1)
