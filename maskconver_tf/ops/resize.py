"""Resizes by whole factors, in operations that XLA can differentiate and LiteRT can run."""

from __future__ import annotations

import tensorflow as tf


def repeat_to_size(features: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Doubles a feature by nearest-neighbor upsampling, to the exact size of the finer level.

    A level of odd size n has ceil(n / 2) cells on the level above. Twice that number is one too
    many, and the extra row or column is cut.

    The function writes each cell twice, and then each row twice, as concatenations of at most four
    dimensions. TensorFlow's nearest-neighbor resize has no gradient under XLA on a CPU, and a
    broadcast to six dimensions cannot be converted to LiteRT.

    Args:
      features: `[B, h, w, D]`.
      height: wanted height, 2h or 2h - 1.
      width: wanted width, 2w or 2w - 1.

    Returns:
      `[B, height, width, D]`.
    """
    _, h, w, depth = features.shape
    if height not in (2 * h, 2 * h - 1) or width not in (2 * w, 2 * w - 1):
        raise ValueError(f"cannot double {h}x{w} to {height}x{width}: expected 2n or 2n - 1 for n")
    cells = tf.concat([features, features], axis=3)  # [B, h, w, 2D]
    rows = tf.reshape(cells, [-1, h, 2 * w * depth])
    doubled = tf.reshape(tf.concat([rows, rows], axis=2), [-1, 2 * h, 2 * w, depth])
    return doubled if (height, width) == (2 * h, 2 * w) else doubled[:, :height, :width]


def level_size(input_size: tuple[int, int], level: int) -> tuple[int, int]:
    """Returns height and width in cells of a pyramid level, for an input of `input_size` pixels."""
    stride = 2**level
    return -(-input_size[0] // stride), -(-input_size[1] // stride)
