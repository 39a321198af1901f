"""A learned factor per channel."""

from __future__ import annotations

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class LayerScale(tf_keras.layers.Layer):
    """y = gamma * x with one gamma per channel, near zero at first.

    The branch of a residual block then starts as nothing, and a deep stack as the identity.

    Shapes: `[..., D] -> [..., D]`.

    Args:
      initial: gamma at first.

    Source: arXiv 2103.17239.
    """

    def __init__(self, initial: float = 1e-6, **kwargs):
        super().__init__(**kwargs)
        self._initial = initial

    def build(self, input_shape):
        self.gamma = self.add_weight(
            "gamma",
            shape=[input_shape[-1]],
            initializer=tf_keras.initializers.Constant(self._initial),
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs * tf.cast(self.gamma, self.compute_dtype)

    def get_config(self):
        return super().get_config() | {"initial": self._initial}
