"""Masks as dot products (method: Data flow 5)."""

from __future__ import annotations

import tensorflow as tf


def mask_logits(mask_features: tf.Tensor, mask_embeddings: tf.Tensor) -> tf.Tensor:
    """Every pixel's feature against every segment's embedding, in float32 from here on.

    b picture, h row, w column, d embedding, k slot.

    Args:
      mask_features: `[B, h, w, D]`.
      mask_embeddings: `[B, K, D]`.

    Returns:
      float32 `[B, h, w, K]`.
    """
    logits = tf.einsum("bhwd,bkd->bhwk", mask_features, mask_embeddings)
    return tf.cast(logits, tf.float32)
