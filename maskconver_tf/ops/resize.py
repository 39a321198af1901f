"""Resizing by whole factors, in forms that XLA differentiates on every device."""

from __future__ import annotations

import tensorflow as tf


def repeat_to_size(features: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Nearest-neighbour upsampling by 2 to a neighbour's exact size.

    A pyramid level of odd size n has ceil(n / 2) cells on the level above, so twice that can be one
    cell too many; the surplus row or column is cut. Written as a broadcast because the nearest-
    neighbour resize op has no gradient under XLA on CPU.

    Args:
      features: `[B, h, w, D]`.
      height: wanted height, 2h or 2h - 1.
      width: wanted width, 2w or 2w - 1.

    Returns:
      `[B, height, width, D]`.
    """
    _, h, w, depth = features.shape
    if height not in (2 * h, 2 * h - 1) or width not in (2 * w, 2 * w - 1):
        raise ValueError(f"cannot double {h}x{w} to {height}x{width}: not its neighbour's size")
    doubled = tf.broadcast_to(
        features[:, :, tf.newaxis, :, tf.newaxis, :],
        [tf.shape(features)[0], h, 2, w, 2, depth],
    )
    return tf.reshape(doubled, [-1, 2 * h, 2 * w, depth])[:, :height, :width, :]


def level_size(input_size: tuple[int, int], level: int) -> tuple[int, int]:
    """Height and width in cells of a pyramid level, for an input of `input_size` pixels."""
    stride = 2**level
    return -(-input_size[0] // stride), -(-input_size[1] // stride)
