"""Gives each mask a soft window around its center (docs/decisions/position.md).

The window adds `-(sy (y - cy)^2 + sx (x - cx)^2)` to the logits of a mask, where (y, x) is the
middle of a mask cell and (cy, cx) the middle of the center's cell, in input pixels. Training adds
it as a term of its own. Inference writes it as a dot product, so that it becomes part of mask
features and mask embeddings.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from maskconver_tf.ops.centers import strides_of

NUM_POSITION_CHANNELS = 10
"""Channels of the window as a dot product: 5 products, each in two parts."""

_REACH = 16
"""Largest coordinate in the dot product. It balances features and embeddings, so that float16 can
hold both."""


def falloff_in_pixels(falloff: tf.Tensor, levels: tf.Tensor, is_real: tf.Tensor) -> tf.Tensor:
    """Converts falloffs from cells of a level to input pixels.

    The result has at most 11 significant bits, so that float16 and TF32 hold it exactly.

    Args:
      falloff: float32 `[B, K, 2]`, (sy, sx), in logits per squared cell of the center's level.
      levels: int32 `[B, K]`.
      is_real: bool `[B, K]`, False for an empty slot.

    Returns:
      float32 `[B, K, 2]`, in logits per squared input pixel; 0 for an empty slot.
    """
    areas = tf.square(strides_of(levels))[..., tf.newaxis]
    return tf.where(is_real[..., tf.newaxis], high_part(falloff) / areas, 0.0)


def add_windows(
    logits: tf.Tensor, centers: tf.Tensor, falloff: tf.Tensor, stride: int
) -> tf.Tensor:
    """Adds its window to the logits of each slot, for training.

    The sum of a row part `[B, h, 1, K]` and a column part `[B, 1, w, K]` has no large terms that
    cancel, and no product that a TPU or a GPU rounds.

    Args:
      logits: float32 `[B, h, w, K]`.
      centers: float32 `[B, K, 2]`, (y, x).
      falloff: float32 `[B, K, 2]`, (sy, sx).
      stride: input pixels per cell of the mask grid.

    Returns:
      float32 `[B, h, w, K]`.
    """
    _, height, width, _ = logits.shape
    parts = []
    for axis, size in enumerate((height, width)):
        middles = (np.arange(size, dtype=np.float32)[:, np.newaxis] + 0.5) * stride
        distances = middles - centers[:, tf.newaxis, :, axis]  # [B, size, K]
        parts.append(falloff[:, tf.newaxis, :, axis] * tf.square(distances))
    rows, columns = parts
    return logits - rows[:, :, tf.newaxis] - columns[:, tf.newaxis]


def append_windows(
    features: tf.Tensor, embeddings: tf.Tensor, centers: tf.Tensor, falloff: tf.Tensor, stride: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Appends windows to mask features and mask embeddings, for inference.

    The dot product of the results is that of the inputs plus the window.

    Args:
      features: `[B, h, w, D]`.
      embeddings: `[B, K, D]`.
      centers, falloff, stride: as in `add_windows`; falloffs have at most 11 significant bits.

    Returns:
      float32 `[B, h, w, D + 10]` and `[B, K, D + 10]`.
    """
    _, height, width, _ = features.shape
    ours = position_embeddings(centers, falloff, (height, width), stride)
    return (
        _append_constant(tf.cast(features, tf.float32), position_features((height, width))),
        tf.concat([tf.cast(embeddings, tf.float32), ours], axis=-1),
    )


def append_coordinates(features: tf.Tensor) -> tf.Tensor:
    """Appends y and x of each cell's middle, from -1 to 1 over the grid (arXiv 1807.03247).

    Args:
      features: `[B, H, W, D]` with static H and W.

    Returns:
      `[B, H, W, D + 2]`, of the same type.
    """
    axes = [(np.arange(size) + 0.5) * 2 / size - 1 for size in features.shape[1:3]]
    return _append_constant(features, np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))


def _append_constant(features: tf.Tensor, channels: np.ndarray) -> tf.Tensor:
    """Appends the same channels `[H, W, any]` to every example of `[B, H, W, D]`."""
    constant = tf.constant(channels, features.dtype)[tf.newaxis]
    return tf.concat([features, tf.tile(constant, [tf.shape(features)[0], 1, 1, 1])], axis=-1)


def position_features(grid: tuple[int, int]) -> np.ndarray:
    """Returns the pixels' side of the window as a dot product; float32 `[h, w, 10]`, a constant.

    The five products have the features `[y^2, x^2, y, x, 1]`. A coordinate counts from the middle
    of the grid, which keeps the squares small, and has a power of two as its unit.
    """
    unit = _unit(grid)
    ys, xs = ((np.arange(size) + 0.5 - size / 2) / unit for size in grid)
    y, x = np.meshgrid(ys, xs, indexing="ij")
    squares = np.stack([y**2, x**2], axis=-1)
    high = squares.astype(np.float16).astype(np.float32)
    linear = np.stack([y, x, np.full_like(y, _REACH**2)], axis=-1)
    return np.concatenate([high, squares - high, linear, linear], axis=-1).astype(np.float32)


def position_embeddings(
    centers: tf.Tensor, falloff: tf.Tensor, grid: tuple[int, int], stride: int
) -> tf.Tensor:
    """Returns the segments' side of the window as a dot product; float32 `[B, K, 10]`.

    It is `[-sy, -sx, 2 sy cy, 2 sx cx, -(sy cy^2 + sx cx^2)]` in the unit of `position_features`.
    The numbers for y^2 and x^2 serve both parts of these features. The other three numbers come as
    a high and a low part, since the terms of a window far from the middle are large and cancel.

    Args: as in `append_windows`; `grid` is (h, w), the size of the mask grid.
    """
    unit = _unit(grid) * stride  # in input pixels
    middle = tf.constant([size * stride / 2 for size in grid])
    s = falloff * unit**2
    c = (centers - middle) / unit
    constant = tf.reduce_sum(s * tf.square(c), axis=-1, keepdims=True) / _REACH**2
    linear = tf.concat([2.0 * s * c, -constant], axis=-1)
    high = high_part(linear)
    return tf.concat([-s, -s, high, linear - high], axis=-1)


def high_part(x: tf.Tensor) -> tf.Tensor:
    """Rounds float32 to 11 significant bits, as many as float16 and TF32 have.

    The large product pushes the 13 lower bits out. The gradient is 1.
    """
    pushed = x * (2.0**13 + 1.0)
    return pushed - (pushed - x)


def _unit(grid: tuple[int, int]) -> float:
    """Mask cells per unit of the dot product's coordinates, a power of two."""
    return 2.0 ** np.ceil(np.log2(max(grid) / 2)) / _REACH
