"""The two kinds of norm that models use."""

from __future__ import annotations

from typing import Literal

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError, typed_repr

NormKind = Literal["layer", "batch"]


def make_norm(kind: NormKind, name: str) -> tf_keras.layers.Layer:
    """Makes a norm over channels.

    Args:
      kind: "layer" or "batch". A layer norm works per cell and has no state; it is the same in
        training and inference, for every batch size. A batch norm takes statistics over all
        replicas; an export can fold it into the convolution before it.
      name: name of the layer.

    Raises:
      UserError: `kind` is neither.
    """
    if kind == "layer":
        return tf_keras.layers.LayerNormalization(epsilon=1e-6, name=name)
    if kind == "batch":
        return tf_keras.layers.BatchNormalization(
            momentum=0.99, epsilon=1e-3, synchronized=has_several_replicas(), name=name
        )
    raise UserError(
        f"norm = {typed_repr(kind)}: expected 'layer' or 'batch', in quotes; correct the setting "
        "`norm` of the model, its pixel decoder or its pyramid"
    )


def has_several_replicas() -> bool:
    """Whether the current strategy has several replicas, so that batch norms must synchronize.

    On one replica a synchronized batch norm gives the same result, but cannot use the fused
    operation, which is faster on a CPU.
    """
    return tf.distribute.get_strategy().num_replicas_in_sync > 1


def batch_norms(model: tf.Module) -> list[tf_keras.layers.Layer]:
    """Returns all batch norms of a model, of whatever class.

    Keras has two classes for them, with no public base class in common. A layer of another class
    counts if it keeps moving statistics as they do.
    """
    kinds = (
        tf_keras.layers.BatchNormalization,
        tf_keras.layers.experimental.SyncBatchNormalization,
    )
    return [
        layer
        for layer in model.submodules
        if isinstance(layer, kinds)
        or (isinstance(layer, tf_keras.layers.Layer) and hasattr(layer, "moving_variance"))
    ]
