"""Decodes pictures inside a TensorFlow graph, whole or only the needed part.

`pictures.py` decodes with Pillow, outside the graph, and refuses what this module cannot decode. Of
a JPEG or PNG both make the same pixels, except that the graph ignores an EXIF orientation and
smooths a progressive JPEG without all its scans in its own way. `decode_jpeg` also reads PNG;
unlike `decode_image` it can use the exact inverse transform that other decoders use.
"""

from __future__ import annotations

import functools

import tensorflow as tf


def decode_picture(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG or PNG, string scalar, to uint8 `[h, w, 3]`."""
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def picture_size(encoded: tf.Tensor) -> tf.Tensor:
    """Returns height and width, int32 `[2]`. It does not decode a JPEG."""
    return tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.image.extract_jpeg_shape(encoded)[:2],
        lambda: tf.shape(tf.io.decode_png(encoded))[:2],
    )


def decode_part(
    encoded: tf.Tensor,
    image_size: tf.Tensor,
    begin: tf.Tensor,
    extent: tf.Tensor,
    size: tf.Tensor,
) -> tf.Tensor:
    """Decodes a rectangle of a picture that the caller will then scale.

    For a JPEG this saves work. If the rectangle is a part, only that part is decoded. If it is the
    whole picture and will shrink a lot, the JPEG is decoded at half, a quarter or an eighth of its
    sides, but never smaller than `size`. Colors in the outermost columns of a part may differ a
    little from the same columns of the whole picture.

    Args:
      encoded: JPEG or PNG, string scalar.
      image_size: int32 `[2]`, height and width of the whole picture.
      begin: int32 `[2]`, first row and column of the rectangle.
      extent: int32 `[2]`, height and width of the rectangle, which lies within the picture.
      size: int32 `[2]`, height and width after scaling.

    Returns:
      uint8 `[h, w, 3]`, of size `extent` or smaller.
    """
    window = tf.concat([begin, extent], 0)
    crop = functools.partial(
        tf.io.decode_and_crop_jpeg, encoded, window, channels=3, dct_method="INTEGER_ACCURATE"
    )
    shrunk = [
        functools.partial(
            tf.io.decode_jpeg, encoded, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE"
        )
        for ratio in (2, 4, 8)
    ]
    is_whole = tf.reduce_all(extent == image_size)
    num_fitting = tf.math.count_nonzero(
        tf.reduce_min(extent // size) >= tf.constant([2, 4, 8]), dtype=tf.int32
    )
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.switch_case(tf.where(is_whole, num_fitting, 0), [crop, *shrunk]),
        lambda: tf.slice(
            tf.io.decode_png(encoded, channels=3),
            tf.concat([begin, [0]], 0),
            tf.concat([extent, [3]], 0),
        ),
    )
    return tf.ensure_shape(image, [None, None, 3])
