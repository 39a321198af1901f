"""Computes mask losses from a slot map, without a dense target per segment."""

from __future__ import annotations

import tensorflow as tf

DICE_SMOOTHING = 1.0
"""Number added to both sides of the Dice ratio. It keeps the ratio stable for tiny masks."""


def mask_losses(mask_logits: tf.Tensor, slot_map: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes binary cross-entropy and Dice loss of every slot's mask.

    The slot map may be finer than the logits by a whole factor. Let x be the logits, t_k the share
    of a cell's pixels that belong to slot k, and v the share of its pixels that are not void. Then

        BCE_k  = (sum of v softplus(x_k) - sum of t_k x_k) / sum of v
        Dice_k = 1 - (2 sum of t_k p_k + 1) / (sum of v p_k + sum of t_k + 1),    p = sigmoid(x)

    A sum with t_k is a sum of x or p over the pixels of slot k. The function computes it with a
    gather and a segment sum, so it needs no array of targets.

    Args:
      mask_logits: float32 `[B, h, w, K]`.
      slot_map: integers `[B, h r, w r]` for a whole r: slots counted from 1, 0 for void.

    Returns:
      BCE and Dice loss, float32 `[B, K]`. For a slot without pixels both are meaningless.
    """
    batch = tf.shape(mask_logits)[0]
    _, height, width, num_slots = mask_logits.shape
    slots = pixels_by_cell(slot_map, height, width) - 1  # [B, P, r^2], -1 for void
    logits = tf.reshape(mask_logits, [-1, height * width, num_slots])  # [B, P, K]
    scores = tf.sigmoid(logits)
    pixels = tf.cast(slots >= 0, tf.float32) / slots.shape[2]
    valid = tf.reduce_sum(pixels, axis=2)  # [B, P]

    own = tf.maximum(slots, 0)
    segments = tf.where(slots >= 0, slots + num_slots * tf.range(batch)[:, None, None], -1)

    def sum_over_slot(values: tf.Tensor) -> tf.Tensor:
        sums = tf.math.unsorted_segment_sum(
            tf.reshape(values, [-1]), tf.reshape(segments, [-1]), batch * num_slots
        )
        return tf.reshape(sums, [batch, num_slots])

    def sum_of_own(values: tf.Tensor) -> tf.Tensor:
        return sum_over_slot(pixels * tf.gather(values, own, batch_dims=2))

    def sum_of_all(values: tf.Tensor) -> tf.Tensor:
        return tf.linalg.matvec(values, valid, transpose_a=True)

    cross_entropy = sum_of_all(tf.nn.softplus(logits)) - sum_of_own(logits)
    num_valid = tf.reduce_sum(valid, axis=1, keepdims=True)
    areas = sum_over_slot(pixels)
    overlap = 2.0 * sum_of_own(scores) + DICE_SMOOTHING
    dice = 1.0 - overlap / (sum_of_all(scores) + areas + DICE_SMOOTHING)
    return tf.math.divide_no_nan(cross_entropy, num_valid), dice


def pixels_by_cell(label_map: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Groups the pixels `[B, h r, w r]` of a label map by mask cell; int32 `[B, h w, r^2]`."""
    ratio = label_map.shape[1] // height
    if label_map.shape[1:] != (height * ratio, width * ratio):
        raise ValueError(
            f"label map {label_map.shape[1]}x{label_map.shape[2]}: expected a whole multiple of "
            f"the mask grid {height}x{width}; choose a label_stride that divides the mask stride"
        )
    cells = tf.reshape(tf.cast(label_map, tf.int32), [-1, height, ratio, width, ratio])
    return tf.reshape(tf.transpose(cells, [0, 1, 3, 2, 4]), [-1, height * width, ratio * ratio])
