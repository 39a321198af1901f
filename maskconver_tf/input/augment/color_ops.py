"""Color operations: uint8 `[h, w, 3]` in and out; pixels keep their places.

Each operation does the same as Pillow's operation of that name, which `official.vision.ops.augment`
follows too. Rounding may differ by 1.
"""

from __future__ import annotations

import tensorflow as tf

LUMA = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue in the brightness of a pixel (ITU-R BT.601)."""


def brightness(image: tf.Tensor, factor: float) -> tf.Tensor:
    """Scales brightness: factor 0 gives black, 1 the same image."""
    return _blend(0.0, image, factor)


def contrast(image: tf.Tensor, factor: float) -> tf.Tensor:
    """Scales contrast: factor 0 gives the mean of each channel, 1 the same image."""
    return _blend(tf.reduce_mean(tf.cast(image, tf.float32), axis=[0, 1]), image, factor)


def saturation(image: tf.Tensor, factor: float) -> tf.Tensor:
    """Scales saturation: factor 0 gives gray, 1 the same image."""
    return _blend(luma(image), image, factor)


def sharpness(image: tf.Tensor, factor: float) -> tf.Tensor:
    """Scales sharpness: factor 0 mixes each pixel with its eight neighbors, 1 gives the same image.

    The pixels at the border stay the same.
    """
    values = tf.cast(image, tf.float32)
    rows = values[:-2] + values[1:-1] + values[2:]
    boxes = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    inner = values[1:-1, 1:-1]
    smooth = tf.floor((boxes + 4.0 * inner) / 13.0)
    change = tf.pad((1.0 - factor) * (smooth - inner), [[1, 1], [1, 1], [0, 0]])
    # A picture with a side under 3 pixels has border pixels only.
    change = change[: tf.shape(image)[0], : tf.shape(image)[1]]
    return _to_uint8(values + change)


def solarize(image: tf.Tensor, threshold: int) -> tf.Tensor:
    """Inverts the values from `threshold` on."""
    return tf.where(image < threshold, image, 255 - image)


def equalize(image: tf.Tensor) -> tf.Tensor:
    """Spreads the values of each channel so that all become about equally frequent."""
    keys = tf.cast(image, tf.int32) + tf.constant([0, 256, 512])
    counts = tf.math.bincount(tf.reshape(keys, [-1]), minlength=768, maxlength=768)
    counts = tf.reshape(counts, [3, 256])
    brightest = tf.reduce_max(tf.where(counts > 0, tf.range(256), 0), axis=1)
    rest = tf.reduce_sum(counts, axis=1) - tf.gather(counts, brightest, batch_dims=1)
    step = (rest // 255)[:, tf.newaxis]
    spread = (tf.cumsum(counts, axis=1, exclusive=True) + step // 2) // tf.maximum(step, 1)
    table = tf.where(step == 0, tf.range(256), tf.clip_by_value(spread, 0, 255))  # [3, 256]
    return tf.gather(tf.cast(tf.reshape(table, [-1]), tf.uint8), keys)


def luma(image: tf.Tensor) -> tf.Tensor:
    """Returns the brightness of each pixel; float32 `[h, w, 1]`, 0..255."""
    return tf.tensordot(tf.cast(image, tf.float32), tf.constant(LUMA)[:, tf.newaxis], 1)


def _blend(other: tf.Tensor | float, image: tf.Tensor, factor: float) -> tf.Tensor:
    return _to_uint8(other + factor * (tf.cast(image, tf.float32) - other))


def _to_uint8(values: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.clip_by_value(values, 0.0, 255.0), tf.uint8)
