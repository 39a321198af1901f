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


def cells_of(
    positions: tf.Tensor, level_sizes: dict[int, tuple[int, int]]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the level and the cell of each position; the inverse of `flat_indices`.

    Args:
      positions: int `[B, K]`, in the order of `flatten_levels`.
      level_sizes: level -> (height, width) in cells.

    Returns:
      levels int32 `[B, K]` and cells int32 `[B, K, 2]`, (y, x).
    """
    levels = tf.zeros_like(positions, dtype=tf.int32)
    cells = tf.zeros_like(tf.stack([positions, positions], axis=-1), dtype=tf.int32)
    offset = 0
    for level in sorted(level_sizes):
        height, width = level_sizes[level]
        is_here = (positions >= offset) & (positions < offset + height * width)
        inside = positions - offset
        here = tf.stack([inside // width, inside % width], axis=-1)
        levels = tf.where(is_here, level, levels)
        cells = tf.where(is_here[..., tf.newaxis], here, cells)
        offset += height * width
    return levels, cells


def cell_middles(levels: tf.Tensor, cells: tf.Tensor) -> tf.Tensor:
    """Returns the middle of each cell in input pixels.

    Args:
      levels: int `[B, K]`; level l has stride 2**l. The level of an empty slot counts as 0.
      cells: int `[B, K, 2]`, (y, x).

    Returns:
      float32 `[B, K, 2]`, (y, x): `(cell + 0.5) * 2**level`.
    """
    return (tf.cast(cells, tf.float32) + 0.5) * strides_of(levels)[..., tf.newaxis]


def strides_of(levels: tf.Tensor) -> tf.Tensor:
    """Returns 2**level of levels int `[B, K]`; 1 for an empty slot; float32 `[B, K]`."""
    powers = tf.constant([2.0**level for level in range(16)])
    return tf.gather(powers, tf.maximum(levels, 0))


def gather_cells(flat_features: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Gathers features `[B, N, D]` at positions `[B, K]`; `[B, K, D]`."""
    return tf.gather(flat_features, positions, batch_dims=1)
