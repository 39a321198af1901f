"""Checks of settings: each says in one message which value is wrong, its type and what it must be.

`where` is the name of the function or class that takes the setting, as Gin files write it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

from maskconver_tf.errors import UserError, suggest_name, typed_repr

LARGEST_WHOLE_NUMBER = 2**31 - 1
"""Counts beyond 32 bits are mistakes, and TensorFlow would end in a traceback."""
LARGEST_WIDTH = 2**14
"""Of a layer. A model of wider ones has no room in any memory."""
LARGEST_NUMBER = 1e30
"""Larger numbers, squared, are infinite in float32."""


def given(**settings: Any) -> dict[str, Any]:
    """Returns the settings that are not None, for a setting that may also be None."""
    return {name: value for name, value in settings.items() if value is not None}


def check_whole_numbers(
    where: str, least: int, most: int = LARGEST_WHOLE_NUMBER, **settings: object
) -> None:
    """Checks that `settings` are whole numbers from `least` to `most`.

    Raises:
      UserError: a setting is not; the message names it.
    """
    is_right = functools.partial(is_whole_number, least=least, most=most)
    _check_each(where, is_right, f"a whole number from {least} to {most}", settings)


def check_numbers(
    where: str, least: float = 0, most: float = LARGEST_NUMBER, **settings: object
) -> None:
    """Checks that `settings` are numbers from `least` to `most`; NaN and infinity are none.

    Raises:
      UserError: a setting is not; the message names it.
    """
    is_right = functools.partial(is_number, least=least, most=most)
    _check_each(where, is_right, f"a number from {least:g} to {most:g}", settings)


def check_flags(where: str, **settings: object) -> None:
    """Checks that `settings` are True or False; raises `UserError` for one that is not.

    The whole numbers 1 and 0 stand for them as in Python: configurations of old runs have them.
    """
    for name, value in settings.items():
        if not _is_flag(value) and not is_whole_number(value, most=1):
            raise wrong_setting(f"{where}.{name}", value, "True or False", _is_flag)


def check_texts(where: str, such_as: str, **settings: object) -> None:
    """Checks that `settings` are texts; raises `UserError`, with an example, for one that is not.

    A text of nothing but spaces is refused; an empty one is not: it stands for a missing value.
    """
    for name, value in settings.items():
        if not isinstance(value, str) or (value and not value.strip()):
            raise wrong_setting(f"{where}.{name}", value, f"text in quotes, such as '{such_as}'")


def check_choices(where: str, choices: Sequence[Any], **settings: object) -> None:
    """Checks that `settings` are among `choices`, also by type; raises `UserError` if not."""
    for name, value in settings.items():
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            *others, last = map(repr, choices)
            expected = f"{', '.join(others)} or {last}" if others else last
            advice = suggest_name(value, choices) if isinstance(value, str) else ""
            raise wrong_setting(f"{where}.{name}", value, expected, advice=advice)


def check_lists(
    where: str,
    such_as: Sequence[Any],
    is_item: Callable[[object], bool],
    items: str,
    **settings: object,
) -> None:
    """Checks that `settings` are lists or tuples of certain items, as many as they have.

    Args:
      such_as: an example.
      is_item: whether a value may be in the list.
      items: what the list must have, for the message: "whole numbers from 1".

    Raises:
      UserError: a setting is not; the message names the first wrong item with its type.
    """
    for name, value in settings.items():
        expected = f"{items} in brackets, such as {such_as!r}"
        if not isinstance(value, (list, tuple)):
            raise wrong_setting(f"{where}.{name}", value, expected)
        for number, item in enumerate(value, start=1):
            if not is_item(item):
                shown = f"entry {number} of {value!r} is {typed_repr(item)}"
                raise UserError(f"{where}.{name}: {shown}; expected {expected}{_way(where, name)}")


def check_functions(where: str, **references: tuple[object, str]) -> None:
    """Checks that settings are functions or classes, to be called later.

    Each comes with the reference to write, such as "@MaskConver".

    Raises:
      UserError: a setting is not; the message says what to write.
    """
    for name, (value, reference) in references.items():
        # An object of a class that Gin has built may also be callable.
        if not callable(value) or (dataclasses.is_dataclass(value) and not _is_class(value)):
            expected = f"a function or class such as {reference}, without ()"
            advice = f"; write {where}.{name} = {reference}"
            raise wrong_setting(f"{where}.{name}", value, expected, advice=advice)


def check_objects(where: str, **references: tuple[object, str, str]) -> None:
    """Checks that settings are objects that have an attribute.

    Each comes with the attribute and the reference to write, such as "@RunLength()".

    Raises:
      UserError: a setting is not; the message says what to write.
    """
    for name, (value, attribute, reference) in references.items():
        if _is_class(value) or not hasattr(value, attribute):
            expected = f"an object such as {reference}, with ()"
            advice = f"; write {where}.{name} = {reference}"
            raise wrong_setting(f"{where}.{name}", value, expected, advice=advice)


def _is_class(value: object) -> bool:
    return isinstance(value, type)


def is_whole_number(value: object, least: int = 0, most: int = LARGEST_WHOLE_NUMBER) -> bool:
    """Whether a value is an int, and not a bool, from `least` to `most`."""
    return type(value) is int and least <= value <= most


def is_number(value: object, least: float = 0, most: float = LARGEST_NUMBER) -> bool:
    """Whether a value is an int or float, and not a bool, from `least` to `most`."""
    return isinstance(value, (int, float)) and type(value) is not bool and least <= value <= most


# ---- The message ---------------------------------------------------------------------------------
def wrong_setting(
    setting: str,
    value: object,
    expected: str,
    is_right: Callable[[object], bool] = lambda value: False,
    advice: str = "",
) -> UserError:
    """Returns the error for a wrong value of a setting, such as "RunLength.total_steps".

    Args:
      expected: what the value must be.
      is_right: whether another value would be right. If the value in another type is, the message
        tells the user to write that.
      advice: replaces the way out if it is not empty.
    """
    meant = _meant(value, is_right)
    where, _, name = setting.rpartition(".")
    way_out = _way(where, name) if meant is None else f"; write {setting} = {meant!r}"
    found = "None" if value is None else typed_repr(value)
    return UserError(f"{setting} = {found}: expected {expected}{advice or way_out}")


def _way(where: str, name: str) -> str:
    return f"; correct it in the Gin file, or set --gin.{where}.{name}=VALUE"


def _meant(value: object, is_right: Callable[[object], bool]) -> object:
    """Returns the same value in another type that is right; None if there is none."""
    for convert in (int, float, _as_flag):
        try:
            meant = convert(value)
        except (TypeError, ValueError, OverflowError):
            continue
        if is_right(meant) and (isinstance(value, str) or meant == value):
            return meant
    return None


def _is_flag(value: object) -> bool:
    return type(value) is bool


def _as_flag(value: object) -> bool | None:
    flags = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
    return flags.get(str(value).lower())


def _check_each(
    where: str, is_right: Callable[[object], bool], expected: str, settings: dict[str, object]
) -> None:
    for name, value in settings.items():
        if not is_right(value):
            raise wrong_setting(f"{where}.{name}", value, expected, is_right)
