"""What an entry of a COCO file must have, and how two ids of different types compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from maskconver_tf.errors import found_instead, typed_repr


class Field(NamedTuple):
    """A field of an entry: its key, whether a value is good, and what a value must be, in words."""

    key: str
    is_good: Callable[[Any], bool]
    expected: str


def what_is_wrong(entry: Any, fields: Sequence[Field]) -> str | None:
    """Says what is wrong with an entry: "its id is 1.0 (a number ...) and must be ..."."""
    if not isinstance(entry, dict):
        return f"it is {typed_repr(entry)} and must be an object"
    for field in fields:
        if field.key not in entry:
            hint = found_instead(field.key, entry.keys() - {f.key for f in fields})
            return f"it has no {field.key}, which must be {field.expected}{hint}"
        if not field.is_good(entry[field.key]):
            found = typed_repr(entry[field.key])
            return f"its {field.key} is {found} and must be {field.expected}"
    return None


def is_id(value: Any) -> bool:
    """Returns whether a value can be the id of a picture."""
    return type(value) in (int, str)


def id_field(key: str) -> Field:
    """Returns the field that holds the id of a picture."""
    return Field(key, is_id, "a whole number or text")


FILE_NAME = Field(
    "file_name", lambda v: isinstance(v, str) and PurePath(v).name != "", "the name of a file"
)

IMAGE = (id_field("id"), FILE_NAME)
"""Fields of an entry of `images`."""


def loose_id(value: Any) -> str | None:
    """Returns what an id says regardless of its type: "1" for 1, 1.0, "1", " 001" and "1.0".

    Returns None for a value that is neither a number nor text.
    """
    if type(value) not in (int, float, str):
        return None
    text = str(value).strip()
    for kind in (int, float):
        try:
            number = kind(text)
            if number == int(number):
                return str(int(number))
        except (ValueError, OverflowError):  # Not a number, nan or infinity.
            continue
    return text.casefold()


def listed_size(image: dict) -> tuple[Any, Any] | None:
    """Returns (width, height) as an entry of `images` lists them, or None if it does not."""
    has_size = "width" in image and "height" in image
    return (image["width"], image["height"]) if has_size else None


def wrong_size(image: dict) -> str | None:
    """Says what is wrong with the size that an entry of `images` lists, None if it is good."""
    for key in ("width", "height"):
        side = image.get(key)
        if type(side) is not int or side < 1:
            found = typed_repr(side) if key in image else "missing"
            return f"{key} is {found} and must be a whole number of pixels, 1 or more"
    return None
