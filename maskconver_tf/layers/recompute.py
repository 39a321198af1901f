"""Saves memory: the backward pass recomputes intermediate results instead of keeping them."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def recompute_in_backward(
    function: Callable[[tf.Tensor], tf.Tensor],
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Wraps `function`: the backward pass keeps only its input and calls it a second time.

    This saves memory in compiled or traced training only: an eager tape keeps all results anyway.

    Args:
      function: one tensor to one tensor, the same in every call: it draws no random numbers,
        updates no statistics, and an earlier call has made all its weights.
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
    """Returns `inputs`, but makes them depend on `upstream`.

    Without this dependency the compiler merges both passes and keeps the activations. The added
    number min(|x|, 0) is always 0, or NaN for NaN, but the compiler does not know this.
    `tf.recompute_grad` compares a number with itself, and this the compiler simplifies.
    """
    zero = tf.minimum(tf.abs(tf.reshape(upstream, [-1])[:1]), 0)
    return inputs + tf.cast(zero, inputs.dtype)
