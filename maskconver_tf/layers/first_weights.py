"""The distributions of first weights, before any training.

Each function returns a new object, because Keras' initializers keep the state of their random
numbers.
"""

from __future__ import annotations

import tf_keras


def convnext_weights() -> tf_keras.initializers.Initializer:
    """Weights of convolutions and dense layers in ConvNeXt: a truncated normal of 0.02.

    Source: ConvNeXt (arXiv 2201.03545).
    """
    return tf_keras.initializers.TruncatedNormal(stddev=0.02)


def output_weights() -> tf_keras.initializers.Initializer:
    """Weights of a head's output: so small that every output starts near its bias."""
    return tf_keras.initializers.TruncatedNormal(stddev=0.01)


def table_weights() -> tf_keras.initializers.Initializer:
    """Rows of a table of embeddings: uniform in -0.05..0.05."""
    return tf_keras.initializers.RandomUniform(-0.05, 0.05)


def depthwise_weights(kernel_size: int) -> tf_keras.initializers.Initializer:
    """Weights of a depthwise convolution that keep the variance of a feature.

    Each output sums kernel_size^2 inputs, so weights of variance 1 / kernel_size^2 keep it. Keras'
    default divides by the number of channels too, although no output sums channels: the amplitude
    then falls by the square root of half of the channels, 11 times at 256 channels.
    """
    return tf_keras.initializers.RandomNormal(stddev=1 / kernel_size)
