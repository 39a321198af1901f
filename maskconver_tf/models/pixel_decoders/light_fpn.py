"""The light feature pyramid of the large model (docs/decisions/large-model-size.md)."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from maskconver_tf.layers.activation import ActivationKind, make_optional_activation
from maskconver_tf.layers.first_weights import depthwise_weights
from maskconver_tf.layers.norm import NormKind, make_norm
from maskconver_tf.models.levels import check_level
from maskconver_tf.ops.resize import repeat_to_size
from maskconver_tf.setting_checks import LARGEST_WIDTH, check_whole_numbers


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class LightFPN(tf_keras.layers.Layer):
    """Gives decoder levels one width and adds coarser levels, with separable convolutions.

    1. A separable 1x1 lateral is applied to each level.
    2. From the coarsest level on, each lateral is concatenated with the concatenation of the level
       above, doubled in size. The finest level then has as many laterals as there are levels.
    3. A separable convolution brings every level back to one width.
    4. Each coarser level follows from the one before it by a separable 3x3 of stride 2. Between two
       such levels, 6 and 7, there may be an activation.
    5. Each level gets a norm.

    Shapes: level -> `[B, Hl, Wl, any]` in; level -> `[B, Hl, Wl, width]` out, for the given levels
    and all coarser ones up to `max_level`.

    Args:
      width: channels of every output level.
      max_level: coarsest output level; level l has stride 2^l.
      kernel_size: of the convolution after concatenation; 7 gives the published size and cost.
      norm: kind of norm at the end of each level.
      activation: between two added levels: "gelu" in the large model, "relu", or None for none.

    Source: MaskConver section 4, large model.
    """

    def __init__(
        self,
        width: int = 256,
        max_level: int = 7,
        kernel_size: int = 7,
        norm: NormKind = "layer",
        activation: ActivationKind | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_whole_numbers("LightFPN", 1, LARGEST_WIDTH, width=width, kernel_size=kernel_size)
        check_level("LightFPN.max_level", max_level)
        self._config = {
            "width": width,
            "max_level": max_level,
            "kernel_size": kernel_size,
            "norm": norm,
            "activation": activation,
        }
        self.activation = make_optional_activation(activation, "LightFPN.activation")

    def build(self, input_shape):
        width, norm = self._config["width"], self._config["norm"]
        given = sorted(int(level) for level in input_shape)
        self.coarser = range(given[-1] + 1, self._config["max_level"] + 1)
        self.laterals = {str(k): _separable(width, 1) for k in given}
        kernel_size = self._config["kernel_size"]
        self.mixers = {str(k): _separable(width, kernel_size) for k in given}
        self.reducers = {str(k): _separable(width, 3, strides=2) for k in self.coarser}
        self.norms = {str(k): make_norm(norm, f"norm_{k}") for k in [*given, *self.coarser]}
        super().build(input_shape)

    def call(
        self, features: dict[int, tf.Tensor], training: bool | None = None
    ) -> dict[int, tf.Tensor]:
        merged = {}
        for level in sorted(features, reverse=True):
            x = self.laterals[str(level)](features[level])
            if level + 1 in merged:
                above = repeat_to_size(merged[level + 1], x.shape[1], x.shape[2])
                x = tf.concat([x, above], axis=-1)
            merged[level] = x
        pyramid = {k: self.mixers[str(k)](merged[k]) for k in sorted(merged)}
        for level in self.coarser:
            finer = pyramid[level - 1]
            if level > self.coarser[0]:
                finer = self.activation(finer)
            pyramid[level] = self.reducers[str(level)](finer)
        return {k: self.norms[str(k)](x, training=training) for k, x in pyramid.items()}

    def get_config(self):
        return super().get_config() | self._config


def _separable(width: int, kernel_size: int, strides: int = 1) -> tf_keras.layers.Layer:
    return tf_keras.layers.SeparableConv2D(
        width,
        kernel_size,
        strides,
        padding="same",
        depthwise_initializer=depthwise_weights(kernel_size),
    )
