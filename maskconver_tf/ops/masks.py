"""Masks as dot products (method: Data flow 5)."""

from __future__ import annotations

import tensorflow as tf


def mask_logits(mask_features: tf.Tensor, mask_embeddings: tf.Tensor) -> tf.Tensor:
    """Every pixel's feature against every segment's embedding, summed in float32.

    A sum rounded to bfloat16 would be off by up to 1/256 of itself: a logit of 10 by 0.04.

    b picture, h row, w column, d embedding, k slot.

    Args:
      mask_features: `[B, h, w, D]`.
      mask_embeddings: `[B, K, D]`.

    Returns:
      float32 `[B, h, w, K]`.
    """
    features = tf.cast(mask_features, tf.float32)
    embeddings = tf.cast(mask_embeddings, tf.float32)
    return tf.einsum("bhwd,bkd->bhwk", features, embeddings)
