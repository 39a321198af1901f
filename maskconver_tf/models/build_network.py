"""Makes the weights of a Keras model before anything is trained or restored."""

from __future__ import annotations

import tensorflow as tf
import tf_keras


def build_network(model: tf_keras.Model, input_size: tuple[int, int]) -> tf_keras.Model:
    """Calls the model once on a black picture of `input_size`, and returns it with its weights."""
    model(tf.zeros([1, *input_size, 3], tf.uint8), training=False)
    return model
