"""Says where two class lists differ, for messages: their first names may be the same."""

from __future__ import annotations

import itertools
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import difference, typed_repr
from maskconver_tf.files.channels.channel_mapping import ChannelMapping

_MISSING = "missing"


def class_difference(ours: Categories, theirs: Categories) -> str:
    """Names the first class in which two lists differ, such as "class 1 (counted from 0): ...".

    Two lists also differ if their channel mappings do. Returns an empty text if they are equal.
    """
    pairs = itertools.zip_longest(ours.to_coco(), theirs.to_coco())
    for number, (one, other) in enumerate(pairs):
        if one != other:
            return f"class {number} (counted from 0): {_difference(one, other)}"
    if ours.pictures != theirs.pictures:
        here, there = (_shown(each.pictures) for each in (ours, theirs))
        return f"the mapping of channels: {here} here, {there} there (see --mapping_of)"
    return ""


def _shown(mapping: ChannelMapping | None) -> str:
    return "none" if mapping is None else str(mapping.to_json())


def _difference(one: dict[str, Any] | None, other: dict[str, Any] | None) -> str:
    if one is None or other is None:
        here, there = (entry["name"] if entry else _MISSING for entry in (one, other))
        return f"{here} here, {there} there"
    key = next(key for key in {**one, **other} if one.get(key) != other.get(key))
    here, there = one.get(key), other.get(key)
    differs = difference(here, there) if isinstance(here, str) and isinstance(there, str) else ""
    shown = f"{key} {typed_repr(here)} here, {typed_repr(there)} there"
    name = f"{one['name']}, " * (key != "name")
    return f"{name}{shown}{f' ({differs})' if differs else ''}"
