"""Adds a backbone's feature to a sum of decoder levels."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from maskconver_tf.layers.norm import NormKind, make_norm


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class Lateral(tf_keras.layers.Layer):
    """Projects a finer feature to the width of a sum and adds it.

    y = x + norm(conv1x1(feature))

    Shapes: x `[B, H, W, D]` and feature `[B, H, W, any]` -> `[B, H, W, D]`.

    Args:
      norm: kind of norm after the projection.

    Source: the laterals of a feature pyramid network (arXiv 1612.03144), with a norm.
    """

    def __init__(self, norm: NormKind = "layer", **kwargs):
        super().__init__(**kwargs)
        self._config = {"norm": norm}
        self.norm = make_norm(norm, "norm")

    def build(self, input_shape):
        self.project = tf_keras.layers.Conv2D(
            input_shape[-1], 1, use_bias=False, kernel_initializer="he_normal", name="project"
        )
        super().build(input_shape)

    def call(self, x: tf.Tensor, feature: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return x + self.norm(self.project(feature), training=training)

    def get_config(self):
        return super().get_config() | self._config
