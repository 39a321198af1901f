"""The two norms of the model, by name."""

from __future__ import annotations

from typing import Literal

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError

NormKind = Literal["layer", "batch"]


def make_norm(kind: NormKind, name: str) -> tf_keras.layers.Layer:
    """A norm over channels.

    Args:
      kind: "layer" (per cell; no state, same in training and inference, any batch size) or "batch"
        (statistics summed over replicas; folds into the convolution before it when exported).
      name: of the layer.

    Raises:
      UserError: another kind.
    """
    if kind == "layer":
        return tf_keras.layers.LayerNormalization(epsilon=1e-6, name=name)
    if kind == "batch":
        return tf_keras.layers.BatchNormalization(
            momentum=0.99, epsilon=1e-3, synchronized=has_several_replicas(), name=name
        )
    raise UserError(f"norm = {kind!r}: expected 'layer' or 'batch'")


def has_several_replicas() -> bool:
    """Whether the strategy in scope has several replicas, whose batch norms must then synchronize.

    On one replica the synchronized form computes the same, but not by the fused operation, which is
    faster on a CPU.
    """
    return tf.distribute.get_strategy().num_replicas_in_sync > 1
