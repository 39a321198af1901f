"""Moves some centers to a random neighbor cell, without a state, for training."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.ops.centers import flat_indices

_OFFSETS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


def move_to_neighbors(
    levels: tf.Tensor,
    cells: tf.Tensor,
    radii: tf.Tensor,
    class_ids: tf.Tensor,
    level_sizes: dict[int, tuple[int, int]],
    share: float,
    step: tf.Tensor,
) -> tf.Tensor:
    """Moves this share of the centers to one of their 8 neighbor cells.

    All neighbors that a center may take are equally likely. It may take a cell inside the grid and
    inside its own Gaussian that is not the center of another segment of its class. A center stays
    if no such cell exists, so it stays with a radius of 0. An empty slot stays, too.

    The draws follow from the step, the centers of the picture, and the center. They do not depend
    on the order of slots or pictures, on replicas, or on a state, so a resumed run repeats them.

    Args:
      levels: int `[B, K]`, the level of each center; another level marks an empty slot.
      cells: int `[B, K, 2]`, (y, x).
      radii: int `[B, K]`, of the Gaussians in cells.
      class_ids: int `[B, K]`; negative in an empty slot.
      level_sizes: level -> (height, width) in cells.
      share: 0..1, the share of the centers that move, if they can.
      step: integer scalar.

    Returns:
      int `[B, K, 2]`, (y, x).
    """
    numbers = tf.where(class_ids >= 0, flat_indices(levels, cells, level_sizes), -1)
    draws = _draws(numbers, class_ids, step)
    neighbors = cells[:, :, tf.newaxis] + tf.constant(_OFFSETS, cells.dtype)  # [B, K, 8, 2]
    allowed = _inside(neighbors, levels, level_sizes)
    allowed &= ~_taken(neighbors, levels, numbers, class_ids, level_sizes)
    best = tf.argmax(tf.where(allowed, draws[..., 1:], -1.0), axis=-1)
    moved = tf.gather(neighbors, best, batch_dims=2)
    moves = (draws[..., 0] < share) & (radii >= 1) & (class_ids >= 0)
    moves &= tf.reduce_any(allowed, axis=-1)
    return tf.where(moves[..., tf.newaxis], moved, cells)


def _draws(numbers: tf.Tensor, class_ids: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Draws uniform numbers from 0 to 1 for each slot; float32 `[B, K, 9]`.

    They are hashes and no draws of TensorFlow, which differ between devices and under XLA.
    """
    slots = _mix(_mix(_wrap(numbers)) + _wrap(class_ids))
    real = tf.where(class_ids >= 0, tf.cast(slots, tf.int64), 0)
    pictures = _wrap(tf.reduce_sum(real, axis=1, keepdims=True))
    step = tf.cast(step, tf.int64)
    seeds = _mix(_mix(slots + _mix(pictures)) + _mix(_wrap(step) + _mix(_wrap(step // 2**32))))
    counts = tf.range(1 + len(_OFFSETS), dtype=tf.int64) * 0x9E3779B9
    bits = _mix(seeds[..., tf.newaxis] + _wrap(counts))
    # A float32 holds 24 bits.
    return tf.cast(tf.cast(_shifted(bits, 8), tf.int32), tf.float32) / 2.0**24


def _wrap(numbers: tf.Tensor) -> tf.Tensor:
    """Takes whole numbers modulo 2^32, as uint32."""
    return tf.cast(tf.cast(numbers, tf.int64) % 2**32, tf.uint32)


def _mix(x: tf.Tensor) -> tf.Tensor:
    """Maps each uint32 to another, so that a changed bit changes half of all bits.

    The last steps of the hash MurmurHash3.
    """
    x = tf.bitwise.bitwise_xor(x, _shifted(x, 16)) * tf.constant(0x85EBCA6B, tf.uint32)
    x = tf.bitwise.bitwise_xor(x, _shifted(x, 13)) * tf.constant(0xC2B2AE35, tf.uint32)
    return tf.bitwise.bitwise_xor(x, _shifted(x, 16))


def _shifted(x: tf.Tensor, bits: int) -> tf.Tensor:
    return tf.bitwise.right_shift(x, tf.constant(bits, tf.uint32))


def _inside(
    neighbors: tf.Tensor, levels: tf.Tensor, level_sizes: dict[int, tuple[int, int]]
) -> tf.Tensor:
    """Whether cells `[B, K, 8, 2]` are inside the grid of their level; bool `[B, K, 8]`."""
    inside = tf.zeros(tf.shape(neighbors)[:3], tf.bool)
    for level, size in level_sizes.items():
        here = tf.reduce_all((neighbors >= 0) & (neighbors < size), axis=-1)
        inside |= here & (levels == level)[:, :, tf.newaxis]
    return inside


def _taken(
    neighbors: tf.Tensor,
    levels: tf.Tensor,
    numbers: tf.Tensor,
    class_ids: tf.Tensor,
    level_sizes: dict[int, tuple[int, int]],
) -> tf.Tensor:
    """Whether cells are the center of a segment of the same class; bool `[B, K, 8]`.

    A cell outside of the grid gives nonsense.
    """
    around = flat_indices(levels[:, :, tf.newaxis], neighbors, level_sizes)  # [B, K, 8]
    same_class = class_ids[:, :, tf.newaxis] == class_ids[:, tf.newaxis]  # [B, K, K]
    same_cell = around[..., tf.newaxis] == numbers[:, tf.newaxis, tf.newaxis]  # [B, K, 8, K]
    return tf.reduce_any(same_cell & same_class[:, :, tf.newaxis], axis=-1)
