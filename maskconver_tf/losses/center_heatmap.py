"""Penalty-reduced focal loss on center heatmaps (method: Losses; CenterNet, equation 1)."""

from __future__ import annotations

import tensorflow as tf

ALPHA = 2.0
BETA = 4.0


def center_heatmap_loss(logits: tf.Tensor, heatmap: tf.Tensor, valid_mask: tf.Tensor) -> tf.Tensor:
    """Sum over cells and classes of the penalty-reduced focal loss.

    At a center (heatmap 1): -(1 - p)^alpha log p. Elsewhere: -(1 - y)^beta p^alpha log(1 - p), so
    that a cell close to a center is punished less for a high score.

    Args:
      logits: float32 `[B, H, W, C]`.
      heatmap: float32 `[B, H, W, C]` in 0..1, exactly 1 at centers.
      valid_mask: `[B, H, W]`, 1 where a cell counts; a center counts always.

    Returns:
      float32 `[B]`.
    """
    scores = tf.sigmoid(logits)
    at_center = -tf.pow(1.0 - scores, ALPHA) * tf.math.log_sigmoid(logits)
    elsewhere = tf.pow(1.0 - heatmap, BETA) * tf.pow(scores, ALPHA) * tf.nn.softplus(logits)
    valid_mask = tf.cast(valid_mask, tf.float32)[..., tf.newaxis]
    loss = tf.where(heatmap >= 1.0, at_center, valid_mask * elsewhere)
    return tf.reduce_sum(loss, axis=[1, 2, 3])
