"""Computes mask losses from a slot map, without a dense target per segment."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from maskconver_tf import types

DICE_SMOOTHING = 1.0
"""Number added to both sides of the Dice ratio. It keeps the ratio stable for tiny masks."""


class MaskTerms(NamedTuple):
    """What the mask losses are made of, float32 `[B, K]` each; meaningless for an empty slot.

    Attributes:
      bce: mean cross-entropy.
      overlap: sum of t_k p_k.
      sizes: sum of v p_k + sum of t_k.
    """

    bce: tf.Tensor
    overlap: tf.Tensor
    sizes: tf.Tensor


def mask_losses(mask_logits: tf.Tensor, slot_map: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the binary cross-entropy and the Dice loss of every slot's mask.

    For the arguments see `mask_terms`.

    Returns:
      BCE and Dice loss, float32 `[B, K]`. For a slot without pixels both are meaningless.
    """
    terms = mask_terms(mask_logits, slot_map)
    return terms.bce, dice_loss(terms.overlap, terms.sizes)


def mask_terms(
    mask_logits: tf.Tensor,
    slot_map: tf.Tensor,
    whole_canvas: bool = False,
    border_weight: float = 1.0,
) -> MaskTerms:
    """Computes the terms of the mask losses of every slot.

    The slot map may be finer than the logits by a whole factor. Let x be the logits, t_k the share
    of a cell's pixels that belong to slot k, and v the share of its pixels that are not void. Then

        BCE_k  = (sum of v softplus(x_k) - sum of t_k x_k) / sum of v
        Dice_k = 1 - (2 sum of t_k p_k + 1) / (sum of v p_k + sum of t_k + 1),    p = sigmoid(x)

    A sum with t_k is a sum of x or p over the pixels of slot k. The function computes it with a
    gather and a segment sum, so it needs no array of targets.

    Args:
      mask_logits: float32 `[B, h, w, K]`.
      slot_map: integers `[B, h r, w r]` for a whole r: slots counted from 1, 0 for void.
      whole_canvas: divide the cross-entropy by the number of cells, h w, and not by the labelled
        ones, sum of v.
      border_weight: weight in the cross-entropy of the pixels of `border_pixels`; others have 1.
        It weighs both sums of the numerator and the sum of v.
    """
    sums = _SlotSums(slot_map, *mask_logits.shape[1:])
    logits = tf.reshape(mask_logits, [-1, *sums.shape])  # [B, P, K]
    scores = tf.sigmoid(logits)
    weights = pixels = sums.pixels
    if border_weight != 1.0:
        weights = pixels * (1.0 + (border_weight - 1.0) * sums.by_cell(border_pixels(slot_map)))
    cross_entropy = sums.of_all(tf.nn.softplus(logits), weights) - sums.of_own(logits, weights)
    divisor = tf.reduce_sum(weights, axis=[1, 2])[:, tf.newaxis]
    if whole_canvas:
        divisor = tf.fill(tf.shape(divisor), float(sums.shape[0]))
    return MaskTerms(
        tf.math.divide_no_nan(cross_entropy, divisor),
        sums.of_own(scores, pixels),
        sums.of_all(scores, pixels) + sums.of_slots(pixels),
    )


def dice_loss(overlap: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """1 - (2 overlap + 1) / (sizes + 1), for tensors of any equal shape."""
    return 1.0 - (2.0 * overlap + DICE_SMOOTHING) / (sizes + DICE_SMOOTHING)


def joint_dice_loss(terms: MaskTerms, present: tf.Tensor) -> tf.Tensor:
    """The Dice loss of all masks of the batch together, as if they were one.

    Args:
      terms: of the batch.
      present: bool `[B, K]`, False in an empty slot, which does not count.

    Returns:
      float32 scalar.
    """
    weights = tf.cast(present, tf.float32)
    return dice_loss(*(tf.reduce_sum(weights * x) for x in (terms.overlap, terms.sizes)))


def soft_iou(terms: MaskTerms) -> tf.Tensor:
    """IoU of each mask with its segment, with scores as shares of pixels; `[B, K]`, 0..1."""
    union = terms.sizes - terms.overlap
    return tf.clip_by_value(tf.math.divide_no_nan(terms.overlap, union), 0.0, 1.0)


class _SlotSums:
    """Sums over the pixels of each slot. There are P cells with r^2 pixels each.

    Attributes:
      shape: (P, K).
      pixels: float32 `[B, P, r^2]`, the area of each labelled pixel in cells, 0 for void.
    """

    def __init__(self, slot_map: tf.Tensor, height: int, width: int, num_slots: int):
        self.shape = (height * width, num_slots)
        self._grid = (height, width)
        slots = pixels_by_cell(slot_map, height, width) - 1  # [B, P, r^2], -1 for void
        self.pixels = tf.cast(slots >= 0, tf.float32) / slots.shape[2]
        self._batch = tf.shape(slots)[0]
        self._own = tf.maximum(slots, 0)
        first = num_slots * tf.range(self._batch)[:, None, None]
        self._segments = tf.where(slots >= 0, slots + first, -1)

    def by_cell(self, pixel_map: tf.Tensor) -> tf.Tensor:
        """Groups a map of the slot map's size like `pixels`; float32 `[B, P, r^2]`."""
        return values_by_cell(tf.cast(pixel_map, tf.float32), *self._grid)

    def of_slots(self, weights: tf.Tensor) -> tf.Tensor:
        """Sums `weights` `[B, P, r^2]` over the pixels of each slot; `[B, K]`."""
        num_slots = self.shape[1]
        flat = (tf.reshape(x, [-1]) for x in (weights, self._segments))
        sums = tf.math.unsorted_segment_sum(*flat, self._batch * num_slots)
        return tf.reshape(sums, [self._batch, num_slots])

    def of_own(self, values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Sums `values` `[B, P, K]`, weighted, of each slot over its own pixels; `[B, K]`."""
        return self.of_slots(weights * tf.gather(values, self._own, batch_dims=2))

    def of_all(self, values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Sums `values` `[B, P, K]`, weighted, of each slot over all pixels; `[B, K]`."""
        return tf.linalg.matvec(values, tf.reduce_sum(weights, axis=2), transpose_a=True)


def border_pixels(slot_map: tf.Tensor) -> tf.Tensor:
    """Marks the labelled pixels with a pixel of another segment, or void, beside or above or below.

    The edge of the map is no border.

    Args:
      slot_map: integers `[B, H, W]`.

    Returns:
      bool `[B, H, W]`.
    """
    slot_map = tf.cast(slot_map, tf.int32)
    below = slot_map[:, 1:] != slot_map[:, :-1]
    right = slot_map[:, :, 1:] != slot_map[:, :, :-1]
    differs = tf.pad(below, [[0, 0], [0, 1], [0, 0]]) | tf.pad(below, [[0, 0], [1, 0], [0, 0]])
    differs |= tf.pad(right, [[0, 0], [0, 0], [0, 1]]) | tf.pad(right, [[0, 0], [0, 0], [1, 0]])
    return differs & (slot_map != types.VOID)


def pixels_by_cell(label_map: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Groups the pixels `[B, h r, w r]` of a label map by mask cell; int32 `[B, h w, r^2]`."""
    return values_by_cell(tf.cast(label_map, tf.int32), height, width)


def values_by_cell(values: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Groups one value for each pixel, `[B, h r, w r]`, by mask cell; `[B, h w, r^2]`."""
    ratio = values.shape[1] // height
    if values.shape[1:] != (height * ratio, width * ratio):
        raise ValueError(
            f"label map {values.shape[1]}x{values.shape[2]}: expected a whole multiple of the mask "
            f"grid {height}x{width}; choose a label_stride that divides the mask stride"
        )
    cells = tf.reshape(values, [-1, height, ratio, width, ratio])
    return tf.reshape(tf.transpose(cells, [0, 1, 3, 2, 4]), [-1, height * width, ratio * ratio])
