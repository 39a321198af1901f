"""The activations that a setting may choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import tensorflow as tf

from maskconver_tf.setting_checks import check_choices

ActivationKind = Literal["relu", "gelu"]

_FUNCTIONS = {"relu": tf.nn.relu, "gelu": tf.nn.gelu}


def make_activation(kind: ActivationKind, where: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function of an activation.

    Args:
      kind: "relu", or "gelu": x times the share of a normal distribution that lies below x.
      where: the setting, for the message: "MaskConver.activation".

    Raises:
      UserError: `kind` is neither.

    Source: GELU, arXiv 1606.08415, the exact form.
    """
    owner, _, name = where.rpartition(".")
    check_choices(owner, tuple(_FUNCTIONS), **{name: kind})
    return _FUNCTIONS[kind]


def make_optional_activation(
    kind: ActivationKind | None, where: str
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function of an activation; None gives the identity."""
    return tf.identity if kind is None else make_activation(kind, where)
