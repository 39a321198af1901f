"""Penalty-reduced focal loss on center heatmaps (CenterNet, arXiv 1904.07850, equation 1)."""

from __future__ import annotations

import tensorflow as tf

ALPHA = 2.0
BETA = 4.0


def center_heatmap_loss(logits: tf.Tensor, heatmap: tf.Tensor, valid_mask: tf.Tensor) -> tf.Tensor:
    """Sums the penalty-reduced focal loss over cells and classes.

    With score p and heatmap y, a center (y = 1) has the loss -(1 - p)^alpha log p. Every other cell
    has -(1 - y)^beta p^alpha log(1 - p): a high score costs less near a center.

    Args:
      logits: float32 `[B, H, W, C]`.
      heatmap: float32 `[B, H, W, C]` in 0..1, exactly 1 at centers.
      valid_mask: `[B, H, W]`, 1 where a cell counts. A center always counts.

    Returns:
      float32 `[B]`.
    """
    scores = tf.sigmoid(logits)
    at_center = -tf.pow(1.0 - scores, ALPHA) * tf.math.log_sigmoid(logits)
    elsewhere = tf.pow(1.0 - heatmap, BETA) * tf.pow(scores, ALPHA) * tf.nn.softplus(logits)
    valid_mask = tf.cast(valid_mask, tf.float32)[..., tf.newaxis]
    loss = tf.where(heatmap >= 1.0, at_center, valid_mask * elsewhere)
    return tf.reduce_sum(loss, axis=[1, 2, 3])
