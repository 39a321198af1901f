"""A model of two weights, and updates of it, for tests of optimizers and averages."""

from __future__ import annotations

import tensorflow as tf
import tf_keras


def two_weights():
    """A dense layer of two weights, 3 and -5, then a batch norm."""
    dense = tf_keras.layers.Dense(1, kernel_initializer="ones")
    model = tf_keras.Sequential([dense, tf_keras.layers.BatchNormalization()])
    model.build([None, 1])
    dense.kernel.assign([[3.0]])
    dense.bias.assign([-5.0])
    return model


def step(optimizer, model, **gradients):
    """Makes one update. Weights without an argument have gradient 0."""
    pairs = []
    for variable in model.trainable_variables:
        value = gradients.get(variable.name.split("/")[-1].split(":")[0], 0.0)
        pairs.append((tf.fill(variable.shape, float(value)), variable))
    optimizer.apply_gradients(pairs)


def values(model):
    """Returns kernel, bias, gamma and beta."""
    return [variable.numpy().item() for variable in model.trainable_variables]
