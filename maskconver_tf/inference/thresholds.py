"""Checks thresholds that the caller of a prediction gives."""

from __future__ import annotations

from typing import Any

from maskconver_tf.errors import UserError, typed_repr
from maskconver_tf.setting_checks import is_number, is_whole_number


def check_thresholds(**thresholds: Any) -> dict[str, float | int]:
    """Returns the thresholds that are not None.

    Raises:
      UserError: `min_area` is not a whole number from 0, or another one is not a number from 0
        to 1.
    """
    given = {name: value for name, value in thresholds.items() if value is not None}
    for name, value in given.items():
        if name == "min_area":
            if not is_whole_number(value):
                raise UserError(
                    f"{name} = {typed_repr(value)}: expected a whole number from 0, such as 16"
                )
        elif not is_number(value, 0, 1):
            raise UserError(
                f"{name} = {typed_repr(value)}: expected a number from 0 to 1, such as 0.5"
            )
    return given
