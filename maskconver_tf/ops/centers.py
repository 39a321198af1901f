"""Puts the cells of all pyramid levels in one row, so that one gather reads from all levels."""

from __future__ import annotations

import tensorflow as tf


def flatten_levels(features: dict[int, tf.Tensor]) -> tf.Tensor:
    """Concatenates level -> `[B, Hl, Wl, D]` to `[B, sum of Hl Wl, D]`, the finest level first."""
    return tf.concat([_flatten_cells(features[level]) for level in sorted(features)], axis=1)


def _flatten_cells(features: tf.Tensor) -> tf.Tensor:
    _, height, width, depth = features.shape
    return tf.reshape(features, [-1, height * width, depth])


def flat_indices(
    levels: tf.Tensor, indices: tf.Tensor, level_sizes: dict[int, tuple[int, int]]
) -> tf.Tensor:
    """Returns the positions of cells in the order of `flatten_levels`.

    Args:
      levels: int `[B, K]`. A level that is not in `level_sizes` (an empty slot) gives position 0.
      indices: int `[B, K, 2]`, (y, x).
      level_sizes: level -> (height, width) in cells.

    Returns:
      int32 `[B, K]`.
    """
    result = tf.zeros_like(levels, dtype=tf.int32)
    offset = 0
    for level in sorted(level_sizes):
        height, width = level_sizes[level]
        here = offset + indices[..., 0] * width + indices[..., 1]
        result = tf.where(levels == level, here, result)
        offset += height * width
    return result


def gather_cells(flat_features: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Gathers features `[B, N, D]` at positions `[B, K]`; `[B, K, D]`."""
    return tf.gather(flat_features, positions, batch_dims=1)
