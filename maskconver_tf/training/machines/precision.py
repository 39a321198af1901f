"""The precision a process computes in; docs/tpu.md tells what stays in float32."""

from __future__ import annotations

import tf_keras

from maskconver_tf.errors import UserError

PRECISIONS = ("float32", "mixed_bfloat16")


def set_precision(where: str, precision: str) -> None:
    """Sets the policy that layers take when they are made.

    Args:
      where: names the setting in the error.
      precision: the policy.

    Raises:
      UserError: none of `PRECISIONS`; in float16 gradients vanish unless losses are scaled, which
        nothing here does.
    """
    if precision not in PRECISIONS:
        raise UserError(
            f"{where}.precision = {precision!r}: expected {' or '.join(map(repr, PRECISIONS))}"
        )
    tf_keras.mixed_precision.set_global_policy(precision)
