"""Memory for time: intermediate results computed again for the gradient instead of kept."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def recompute_in_backward(function: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[tf.Tensor], tf.Tensor]:
    """`function`, of which the backward pass finds only the input and runs the rest once more.

    For training, which is compiled or at least traced: an eager tape keeps everything all the same.

    Args:
      function: one tensor to one tensor, the same at every call: nothing random, no statistics
        updated, all weights made by an earlier call.
    """

    @tf.custom_gradient
    def run(inputs: tf.Tensor):
        def gradient(upstream: tf.Tensor, variables=()):
            again = _after(inputs, upstream)
            with tf.GradientTape() as tape:
                tape.watch(again)
                outputs = function(again)
            found = tape.gradient(outputs, [again, *variables], upstream)
            return found[0], found[1:]

        return function(inputs), gradient

    return run


def _after(inputs: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
    """`inputs`, to be had only once `upstream` is.

    Else a compiler sees the same computation twice and keeps the first result, and all was for
    nothing. It does not know that the smaller of a magnitude and 0 is 0, as it knows of a number
    compared with itself, on which `tf.recompute_grad` relies. A NaN stays one.
    """
    zero = tf.minimum(tf.abs(tf.reshape(upstream, [-1])[:1]), 0)
    return inputs + tf.cast(zero, inputs.dtype)
