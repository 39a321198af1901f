"""Adds detail to a coarse feature, as the heads of the released mobile model do."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from maskconver_tf.layers.activation import ActivationKind, make_activation
from maskconver_tf.layers.norm import NormKind, make_norm


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class LowLevelFusion(tf_keras.layers.Layer):
    """Projects a fine feature, resizes a coarse one to its size, and adds both.

    y = resize(coarse) + act(norm(conv1x1(fine)))

    Shapes: coarse `[B, h, w, D]` and fine `[B, H, W, any]` -> `[B, H, W, D]`.

    Args:
      norm: kind of norm after the projection.
      activation: "relu" or "gelu".

    Source: DeepLabv3+ (arXiv 1802.02611), with a sum in place of the concatenation.
    """

    def __init__(self, norm: NormKind = "batch", activation: ActivationKind = "relu", **kwargs):
        super().__init__(**kwargs)
        self._config = {"norm": norm, "activation": activation}
        self.activation = make_activation(activation, "LowLevelFusion.activation")
        self.norm = make_norm(norm, "norm")

    def build(self, input_shape):
        self.project = tf_keras.layers.Conv2D(
            input_shape[-1], 1, use_bias=False, kernel_initializer="he_normal", name="project"
        )
        super().build(input_shape)

    def call(self, coarse: tf.Tensor, fine: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        detail = self.activation(self.norm(self.project(fine), training=training))
        resized = tf.image.resize(coarse, fine.shape[1:3], "bilinear")
        return tf.cast(resized, detail.dtype) + detail

    def get_config(self):
        return super().get_config() | self._config
