"""Changes dense segment maps: from the source's numbers to slots, and to a coarser grid."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.ops.segments import segment_areas
from maskconver_tf.types import VOID


def slot_table(slots: tf.Tensor, num_segments: tf.Tensor) -> tf.Tensor:
    """Makes the table from a segment's number (0 for void, then 1..n) to its value in a slot map.

    Args:
      slots: int `[m]`, 0-based segments in slot order.
      num_segments: integer scalar n.

    Returns:
      int32 `[n + 1]`: slots counted from 1, `VOID` for a segment without a slot.
    """
    table = tf.fill([num_segments + 1], VOID)
    numbers = tf.range(1, tf.size(slots) + 1)
    return tf.tensor_scatter_nd_update(table, (slots + 1)[:, tf.newaxis], numbers)


def sample_segment_map(
    segment_map: tf.Tensor,
    first_pixels: tf.Tensor,
    stride: int,
    wanted: tf.Tensor | None = None,
    canvas_size: tuple[int, int] | None = None,
) -> tf.Tensor:
    """Samples a map every `stride` pixels, and restores segments that the samples miss.

    A segment thinner than the stride can lie between the samples. It then gets the cell of its
    first pixel. If two such segments need the same cell, the later in the list gets it. A segment
    stays without a cell only if another one takes its only cell.

    Args:
      segment_map: integers `[h, w]`, 0 void, 1..n.
      first_pixels: int32 `[n, 2]` of the map, as `segment_geometry` finds them.
      stride: 1, 2, 4, ...
      wanted: bool `[n]`, segments to restore if they have pixels; None for all.
      canvas_size: (height, width), multiples of `stride`. Void fills the map up to this size at the
        bottom and right. None for the map's own size.

    Returns:
      int32 `[H / stride, W / stride]`, for a canvas of H x W.
    """
    num_segments = tf.shape(first_pixels)[0]
    sampled = tf.cast(segment_map[stride // 2 :: stride, stride // 2 :: stride], tf.int32)
    if canvas_size is not None:
        sampled = _filled_up(sampled, [side // stride for side in canvas_size])
    if stride == 1:
        return sampled
    missed = segment_areas(sampled, num_segments) == 0
    if wanted is not None:
        missed &= wanted

    def with_missed() -> tf.Tensor:
        lost = missed & (first_pixels[:, 0] < tf.shape(segment_map)[0])
        numbers = tf.boolean_mask(tf.range(1, num_segments + 1), lost)
        cells = tf.boolean_mask(first_pixels // stride, lost)
        return tf.tensor_scatter_nd_update(sampled, cells, numbers)

    return tf.cond(tf.reduce_any(missed), with_missed, lambda: sampled)


def _filled_up(segment_map: tf.Tensor, size: list[int]) -> tf.Tensor:
    """Fills the map up to `size` with void at the bottom and right."""
    missing = tf.stack([tf.zeros([2], tf.int32), size - tf.shape(segment_map)], axis=1)
    return tf.ensure_shape(tf.pad(segment_map, missing), size)
