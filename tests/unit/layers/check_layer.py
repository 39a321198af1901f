"""Checks that every layer must pass, in one call: `check_layer`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

Apply = Callable[[tf_keras.layers.Layer, Any, bool], Any]


def call_layer(layer: tf_keras.layers.Layer, inputs: Any, training: bool) -> Any:
    return layer(inputs, training=training)


def check_layer(
    make: Callable[[], tf_keras.layers.Layer],
    inputs: Any,
    expected_shapes: Any,
    apply: Apply = call_layer,
    bfloat16_output: str = "bfloat16",
    bfloat16_error: float = 0.03,
) -> tf_keras.layers.Layer:
    """Checks shapes, gradients, serialisation, batch equivariance and mixed precision.

    Args:
      make: makes a new layer under the current precision policy.
      inputs: a tensor or a nest of tensors, each with the batch first.
      expected_shapes: the nest of the outputs, with a tuple in place of each tensor.
      apply: calls the layer on inputs, in training or not.
      bfloat16_output: dtype of every output under `mixed_bfloat16`.
      bfloat16_error: largest root mean square error under `mixed_bfloat16`, relative to that of the
        output.

    Returns:
      The layer, after `shake` changed its weights.
    """
    layer = make()
    outputs = apply(layer, inputs, False)
    _check_outputs(outputs, expected_shapes, "float32")
    check_gradients(layer, inputs, apply)
    shake(layer)
    _check_serialisation(layer, inputs, apply)
    _check_batch_equivariance(layer, inputs, apply)
    _check_bfloat16(layer, make, inputs, apply, bfloat16_output, bfloat16_error)
    return layer


def shake(layer: tf_keras.layers.Layer, seed: int = 0, scale: float = 0.3) -> None:
    """Changes every weight, because a zero bias or a unit scale would hide errors.

    Weights only grow, so that variances stay positive.
    """
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        noise = np.abs(rng.normal(0, scale, weight.shape))
        if weight.shape.rank > 1:
            noise = noise * rng.choice([-1, 1], weight.shape) / np.sqrt(np.prod(weight.shape[:-1]))
        weight.assign(weight + noise.astype(np.float32))


def check_gradients(layer: tf_keras.layers.Layer, inputs: Any, apply: Apply = call_layer) -> None:
    """Each trainable weight of a fresh layer gets a finite gradient that is not zero."""
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(apply(layer, inputs, True))
        # Norms remove the mean of all outputs, so a plain sum would have no gradient.
        mix = [tf.random.stateless_normal(tf.shape(x), [3, i]) for i, x in enumerate(outputs)]
        total = tf.add_n([tf.reduce_sum(x * m) for x, m in zip(outputs, mix)])
    weights = layer.trainable_weights
    assert weights
    for weight, gradient in zip(weights, tape.gradient(total, weights)):
        assert gradient is not None, f"{weight.name} gets no gradient"
        size = float(tf.reduce_max(tf.abs(tf.convert_to_tensor(gradient))))
        assert 0 < size < np.inf, f"the gradient of {weight.name} is at most {size}"


def assert_close(actual: Any, expected: Any, tolerance: float = 1e-5) -> None:
    """Two nests of tensors are equal up to a tolerance, relative to each tensor's largest value."""
    tf.nest.assert_same_structure(actual, expected)
    for a, b in zip(tf.nest.flatten(actual), tf.nest.flatten(expected)):
        scale = max(float(np.abs(b).max()), 1e-6)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Sets Keras' global precision policy, and float32 again afterwards."""
    tf_keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")


def _check_outputs(outputs: Any, expected_shapes: Any, dtype: str) -> None:
    shapes = tf.nest.map_structure(lambda x: tuple(x.shape), outputs)
    assert shapes == expected_shapes
    assert {x.dtype for x in tf.nest.flatten(outputs)} == {tf.as_dtype(dtype)}


def _check_serialisation(layer, inputs, apply) -> None:
    stored = json.loads(json.dumps(tf_keras.utils.serialize_keras_object(layer)))
    restored = tf_keras.utils.deserialize_keras_object(stored)
    assert restored.name == layer.name
    apply(restored, inputs, False)
    assert [w.shape for w in restored.weights] == [w.shape for w in layer.weights]
    restored.set_weights(layer.get_weights())
    assert_close(apply(restored, inputs, False), apply(layer, inputs, False))


def _check_batch_equivariance(layer, inputs, apply) -> None:
    reverse = lambda nest: tf.nest.map_structure(lambda x: x[::-1], nest)  # noqa: E731
    outputs = apply(layer, inputs, False)
    assert_close(apply(layer, reverse(inputs), False), reverse(outputs))
    batch = tf.nest.flatten(outputs)[0].shape[0]
    assert batch > 1
    assert not np.allclose(tf.nest.flatten(outputs)[0][0], tf.nest.flatten(outputs)[0][-1])


def _check_bfloat16(layer, make, inputs, apply, dtype, error) -> None:
    expected = apply(layer, inputs, False)
    with precision("mixed_bfloat16"):
        low = make()
        apply(low, inputs, False)
        low.set_weights(layer.get_weights())
        outputs = apply(low, inputs, False)
    assert {w.dtype for w in low.weights} == {tf.float32}
    _check_outputs(outputs, tf.nest.map_structure(lambda x: tuple(x.shape), expected), dtype)
    for a, b in zip(tf.nest.flatten(outputs), tf.nest.flatten(expected)):
        difference = np.asarray(tf.cast(a, tf.float32)) - b
        assert np.sqrt(np.mean(difference**2)) <= error * np.sqrt(np.mean(np.square(b)))
