"""Computes the loss of the semantic branch, which teaches backbone and decoder the classes."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.losses.cross_entropy import smoothed_cross_entropy
from maskconver_tf.losses.mask_losses import pixels_by_cell


def semantic_branch_loss(
    logits: tf.Tensor, slot_map: tf.Tensor, slot_class_ids: tf.Tensor
) -> tf.Tensor:
    """Computes each picture's mean cross-entropy over its labelled pixels.

    The slot map may be finer than the logits by a whole factor. Each labelled pixel is compared
    with the logits of its cell.

    Args:
      logits: float32 `[B, h, w, C]`.
      slot_map: integers `[B, h r, w r]` for a whole r: slots counted from 1, 0 for void.
      slot_class_ids: int32 `[B, K]`, or `PAD_ID`.

    Returns:
      float32 `[B]`; 0 for a picture without labelled pixels.

    Source: the auxiliary semantic segmentation of CondInst (arXiv 2003.05664, table 9).
    """
    _, height, width, num_classes = logits.shape
    slots = pixels_by_cell(slot_map, height, width)  # [B, P, r^2]
    class_ids = tf.gather(slot_class_ids, tf.maximum(slots - 1, 0), batch_dims=1)
    class_ids = tf.where(slots != types.VOID, class_ids, types.NO_CLASS)
    logits = tf.reshape(logits, [-1, height * width, num_classes])
    losses = smoothed_cross_entropy(logits, class_ids)
    num_labelled = tf.reduce_sum(tf.cast(class_ids >= 0, tf.float32), axis=[1, 2])
    return tf.math.divide_no_nan(tf.reduce_sum(losses, axis=[1, 2]), num_labelled)
