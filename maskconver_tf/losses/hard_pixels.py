"""Semantic loss of the hardest pixels (DeeperLab, arXiv 1902.05093)."""

from __future__ import annotations

import tensorflow as tf


def mean_of_largest(losses: tf.Tensor, share: float) -> tf.Tensor:
    """Returns the mean of the largest values of each row.

    Args:
      losses: float32 `[B, N]`, N static.
      share: 0..1; round(share N) values count, at least one.

    Returns:
      float32 `[B]`.
    """
    count = max(1, round(share * losses.shape[1]))
    largest = tf.math.top_k(losses, count, sorted=False).values
    return tf.reduce_mean(largest, axis=1)
