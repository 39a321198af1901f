"""Checks of settings that several inputs have."""

from __future__ import annotations

from maskconver_tf.setting_checks import check_numbers, is_number, is_whole_number, wrong_setting

_LARGEST_FACTOR = 1000
_LONGEST_SIDE = 2**14
"""Of the model's input, in pixels. No device has the memory for more."""


def check_input_size(where: str, input_size: tuple[int, int]) -> None:
    """Raises `UserError` unless both sides are positive multiples of 32, the backbone stride."""
    is_list = isinstance(input_size, tuple | list)
    if not is_list or len(input_size) != 2 or not all(map(_is_side, input_size)):
        raise wrong_setting(
            f"{where}.input_size",
            input_size,
            "(height, width), two whole numbers that are multiples of 32, from 32 to "
            f"{_LONGEST_SIDE}, such as (640, 640) or (800, 1216)",
        )


def check_range(name: str, value: tuple[float, float]) -> None:
    """Raises `UserError` unless `value` is a lowest and a highest factor, both positive."""
    bounds = value if isinstance(value, tuple | list) else ()
    are_numbers = all(is_number(bound, 0, _LARGEST_FACTOR) for bound in bounds)
    if len(bounds) != 2 or not are_numbers or not 0 < bounds[0] <= bounds[1]:
        raise wrong_setting(
            name,
            value,
            "the lowest and the highest factor, two numbers above 0 and up to "
            f"{_LARGEST_FACTOR}, the lowest first, such as (0.5, 2.0)",
        )


def check_share(name: str, value: float) -> None:
    """Raises `UserError` unless `value` is a number in 0..1."""
    where, _, parameter = name.rpartition(".")
    check_numbers(where, 0, 1, **{parameter: value})


def _is_side(value: object) -> bool:
    return is_whole_number(value, 32, _LONGEST_SIDE) and value % 32 == 0
