"""The activations that a setting may choose."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import tensorflow as tf

from maskconver_tf.setting_checks import check_choices

ActivationKind = Literal["relu", "gelu"]


@tf.custom_gradient
def gelu(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Returns x times the share of a normal distribution that lies below x; same shape and type.

    `tf.nn.gelu` gives the same values to float32's rounding. On a CPU it is slower, above all in
    bfloat16, since TensorFlow has vector code for `erf`, but not for `erfc`. The gradient here
    keeps only x. Both passes compute in float32.

    Source: arXiv 1606.08415, the exact form.
    """

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        y = tf.cast(x, tf.float32)
        density = math.sqrt(0.5 / math.pi) * tf.exp(-0.5 * tf.square(y))
        slope = 0.5 * _twice_share_below(y) + y * density
        return tf.cast(slope * tf.cast(upstream, tf.float32), x.dtype)

    y = tf.cast(x, tf.float32)
    return tf.cast(0.5 * y * _twice_share_below(y), x.dtype), gradient


def make_activation(kind: ActivationKind, where: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function of an activation.

    Args:
      kind: "relu" or "gelu".
      where: the setting, for the message: "MaskConver.activation".

    Raises:
      UserError: `kind` is neither.
    """
    owner, _, name = where.rpartition(".")
    check_choices(owner, tuple(_FUNCTIONS), **{name: kind})
    return _FUNCTIONS[kind]


def make_optional_activation(
    kind: ActivationKind | None, where: str
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function of an activation; None gives the identity."""
    return tf.identity if kind is None else make_activation(kind, where)


def _twice_share_below(y: tf.Tensor) -> tf.Tensor:
    return 1.0 + tf.math.erf(math.sqrt(0.5) * y)


_FUNCTIONS = {"relu": tf.nn.relu, "gelu": gelu}
