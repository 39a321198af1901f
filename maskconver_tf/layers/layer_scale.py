"""A learned factor per channel."""

from __future__ import annotations

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class LayerScale(tf_keras.layers.Layer):
    """y = gamma * x with one gamma per channel, which starts near zero.

    The branch of a residual block then starts near zero, and a deep stack near the identity.

    Shapes: `[..., D] -> [..., D]`.

    Args:
      initial: initial gamma.

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
