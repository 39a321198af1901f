"""Dense segment maps: from source numbering to slots, and onto a coarser grid."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.ops import segments
from maskconver_tf.types import VOID


def slot_of_segments(slots: tf.Tensor, num_segments: tf.Tensor) -> tf.Tensor:
    """The table from segment number (0 void, then 1..n) to slot, `VOID` where it has none.

    Args:
      slots: int `[m]`, 0-based segments in slot order.
      num_segments: integer scalar n.

    Returns:
      int32 `[n + 1]`.
    """
    table = tf.fill([num_segments + 1], VOID)
    order = tf.range(tf.size(slots))
    return tf.tensor_scatter_nd_update(table, (slots + 1)[:, tf.newaxis], order)


def erase_segments(segment_map: tf.Tensor, erased: tf.Tensor) -> tf.Tensor:
    """Makes segments void: those of int32 `[H, W]` (0 void, 1..n) whose bool of `[n]` is set."""
    kept = tf.where(erased, 0, tf.range(1, tf.size(erased) + 1))
    return tf.gather(tf.concat([[0], kept], axis=0), segment_map)


def reduce_map(
    segment_map: tf.Tensor, num_segments: tf.Tensor, stride: int, wanted: tf.Tensor | None = None
) -> tf.Tensor:
    """Samples a map every `stride` pixels and gives back the segments that sampling missed.

    A segment thinner than the stride can fall between the samples; the cell of its first pixel then
    becomes its own. Of two that claim one cell the one listed later keeps it, and so a segment is
    left without a cell only where another claims the only one it has.

    Args:
      segment_map: int32 `[H, W]`, 0 void, 1..n; H and W multiples of `stride`.
      num_segments: integer scalar n.
      stride: 1, 2, 4, ...
      wanted: bool `[n]`, segments to give back if they have pixels; None for all.

    Returns:
      int32 `[H / stride, W / stride]`.
    """
    if stride == 1:
        return segment_map
    sampled = segment_map[stride // 2 :: stride, stride // 2 :: stride]
    missed = segments.segment_areas(sampled, num_segments) == 0
    if wanted is not None:
        missed &= wanted

    def with_missed() -> tf.Tensor:
        cells = segments.first_pixels(segment_map, num_segments) // stride
        lost = missed & (cells[:, 0] < tf.shape(sampled)[0])
        numbers = tf.boolean_mask(tf.range(1, num_segments + 1), lost)
        return tf.tensor_scatter_nd_update(sampled, tf.boolean_mask(cells, lost), numbers)

    return tf.cond(tf.reduce_any(missed), with_missed, lambda: sampled)
