"""Random changes of brightness, contrast and saturation."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.input.augment.color_ops import LUMA, luma


def color_jitter(image: tf.Tensor, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Scales brightness, contrast and saturation by random factors b, c and s.

    Each factor is in 1 - strength .. 1 + strength. All three operations are linear in the pixel x,
    so together they are one 3x3 matrix and an offset:

        y = b (c (s x + (1 - s) luma(x)) + (1 - c) mean(luma))

    Args:
      image: uint8 `[h, w, 3]`.
      strength: 0..1.
      seed: int32 `[2]`.

    Returns:
      uint8 `[h, w, 3]`.
    """
    factors = tf.random.stateless_uniform([3], seed, 1.0 - strength, 1.0 + strength)
    b, c, s = tf.unstack(factors)
    to_gray = tf.tile(tf.constant(LUMA)[:, tf.newaxis], [1, 3])
    matrix = b * c * (s * tf.eye(3) + (1.0 - s) * to_gray)
    offset = b * (1.0 - c) * tf.reduce_mean(luma(image))
    values = tf.tensordot(tf.cast(image, tf.float32), matrix, 1) + offset
    return tf.cast(tf.clip_by_value(values + 0.5, 0.0, 255.0), tf.uint8)
