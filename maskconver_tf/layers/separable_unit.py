"""The unit that the light heads repeat."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from maskconver_tf.layers.activation import ActivationKind, make_activation
from maskconver_tf.layers.norm import NormKind, make_norm


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class SeparableUnit(tf_keras.layers.Layer):
    """Depthwise convolution and 1x1 convolution, each with norm and activation.

    All pyramid levels share the convolutions' weights. Each level has its own norms, because the
    levels' statistics differ.

    Shapes: `[B, H, W, any] -> [B, H, W, width]`.

    Args:
      width: output channels.
      kernel_size: of the depthwise convolution.
      levels: the pyramid levels that the unit is called for.
      norm: kind of norm, see `make_norm`.
      activation: "relu" or "gelu".

    Source: MaskConver section 3.3, the heads.
    """

    def __init__(
        self,
        width: int,
        kernel_size: int,
        levels: Sequence[int],
        norm: NormKind = "layer",
        activation: ActivationKind = "relu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._config = {
            "width": width,
            "kernel_size": kernel_size,
            "levels": list(levels),
            "norm": norm,
            "activation": activation,
        }
        self.depthwise = tf_keras.layers.DepthwiseConv2D(
            kernel_size, padding="same", use_bias=False, name="depthwise"
        )
        self.pointwise = tf_keras.layers.Conv2D(
            width, 1, use_bias=False, kernel_initializer="he_normal", name="pointwise"
        )
        self.activation = make_activation(activation, "SeparableUnit.activation")
        self.spatial_norms = {str(k): make_norm(norm, f"spatial_norm_{k}") for k in levels}
        self.channel_norms = {str(k): make_norm(norm, f"channel_norm_{k}") for k in levels}

    def call(self, inputs: tf.Tensor, level: int, training: bool | None = None) -> tf.Tensor:
        x = self.depthwise(inputs)
        x = self.activation(self.spatial_norms[str(level)](x, training=training))
        x = self.pointwise(x)
        return self.activation(self.channel_norms[str(level)](x, training=training))

    def get_config(self):
        return super().get_config() | self._config
