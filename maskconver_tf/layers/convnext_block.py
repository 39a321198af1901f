"""The ConvNeXt block with squeeze-and-excite."""

from __future__ import annotations

import tensorflow as tf
import tf_keras
from official.vision.modeling.layers import nn_layers

from maskconver_tf.layers.activation import ActivationKind, gelu, make_activation
from maskconver_tf.layers.first_weights import convnext_weights
from maskconver_tf.layers.recompute import recompute_in_backward


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class ConvNeXtSEBlock(tf_keras.layers.Layer):
    """Mixes positions with a large depthwise kernel, then channels with a gated bottleneck.

    y = x + drop_path(gamma * contract(se(gelu(expand(norm(depthwise(x)))))))

    At stride 32 a large kernel sees most of the picture for little cost. Squeeze-and-excite weighs
    the channels by the whole picture. The layer scale gamma starts near zero, so that a deep stack
    of blocks starts close to the identity.

    Shapes: `[B, H, W, D] -> [B, H, W, D]`, any H and W.

    Args:
      width: D.
      kernel_size: of the depthwise convolution.
      expansion: ratio of the hidden width to D.
      se_ratio: ratio of the squeezed width to the hidden width; 0 for no squeeze-and-excite.
      drop_path: probability in training that an example skips the block.
      layer_scale: initial gamma.
      se_activation: inside the squeeze-and-excite, "relu" or "gelu"; its gate is a sigmoid.
      recompute: in training keep only the block's input for the backward pass, and compute the
        block a second time. This saves about 19 D numbers per cell; the gradients are the same.

    Source: MaskConver section 3.2 (arXiv 2312.06052); ConvNeXt (arXiv 2201.03545); squeeze-and-
    excite (arXiv 1709.01507).
    """

    def __init__(
        self,
        width: int,
        kernel_size: int = 7,
        expansion: int = 4,
        se_ratio: float = 1 / 16,
        drop_path: float = 0.0,
        layer_scale: float = 1e-6,
        recompute: bool = False,
        se_activation: ActivationKind = "relu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._config = {
            "width": width,
            "kernel_size": kernel_size,
            "expansion": expansion,
            "se_ratio": se_ratio,
            "drop_path": drop_path,
            "layer_scale": layer_scale,
            "recompute": recompute,
            "se_activation": se_activation,
        }
        make_activation(se_activation, "ConvNeXtUNet.se_activation")
        middle = expansion * width
        self.depthwise = tf_keras.layers.DepthwiseConv2D(
            kernel_size,
            padding="same",
            depthwise_initializer=convnext_weights(),
            name="depthwise",
        )
        self.norm = tf_keras.layers.LayerNormalization(epsilon=1e-6, name="norm")
        self.expand = _dense(middle, "expand")
        self.contract = _dense(width, "contract")
        self.squeeze_excite = (
            nn_layers.SqueezeExcitation(
                middle,
                middle,
                se_ratio,
                kernel_initializer=convnext_weights(),
                activation=se_activation,
                name="squeeze_excite",
            )
            if se_ratio
            else None
        )
        # Dropout with one random number per example is stochastic depth.
        self.drop_path = (
            tf_keras.layers.Dropout(drop_path, noise_shape=(None, 1, 1, 1)) if drop_path else None
        )

    def build(self, input_shape):
        self.gamma = self.add_weight(
            "gamma",
            shape=[self._config["width"]],
            initializer=tf_keras.initializers.Constant(self._config["layer_scale"]),
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        # The first call makes weights. A function with a custom gradient must not make any.
        recompute = self._config["recompute"] and training and self.contract.built
        x = recompute_in_backward(self._branch)(inputs) if recompute else self._branch(inputs)
        if self.drop_path is not None:  # Not recomputed: both passes need the same draw.
            x = self.drop_path(x, training=training)
        return inputs + x

    def _branch(self, x: tf.Tensor) -> tf.Tensor:
        x = self.norm(self.depthwise(x))
        x = gelu(self.expand(x))
        if self.squeeze_excite is not None:
            x = self.squeeze_excite(x)
        return self.contract(x) * tf.cast(self.gamma, self.compute_dtype)

    def get_config(self):
        return super().get_config() | self._config


def _dense(width: int, name: str) -> tf_keras.layers.Dense:
    return tf_keras.layers.Dense(width, kernel_initializer=convnext_weights(), name=name)
