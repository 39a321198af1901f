"""The classes of a dataset: ids, names, thing or stuff, colors. No other file owns these.

A *source id* is the id in the dataset's own files (COCO: 1..200 with gaps). A *class id* is the
position in the dataset's category list, 0..C-1 without gaps; the network and every tensor use it.
Result files use source ids again.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.palette import palette
from maskconver_tf.errors import UserError, found_instead, short_repr, typed_repr
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.json_file import read_json, utf8_safe, write_json
from maskconver_tf.files.paths import local_or_remote_path

_PICTURES = "pictures"
"""Key of the channel mapping in the file."""


@dataclasses.dataclass(frozen=True)
class Category:
    """One class of a dataset.

    Attributes:
      id: source id, 0 or more.
      name: name, unique in its dataset.
      isthing: True for countable objects, False for stuff (regions).
      supercategory: the dataset's own group for the class, if it has one.
    """

    id: int
    name: str
    isthing: bool
    supercategory: str | None = None


@dataclasses.dataclass(frozen=True, repr=False)
class Categories(Sequence[Category]):
    """The classes of one dataset in the dataset's order; `categories[class_id]` is a `Category`.

    Attributes:
      entries: the classes.
      pictures: how the dataset's pictures become 8-bit RGB; None for ordinary pictures. Two lists
        are equal if their classes are.
    """

    entries: tuple[Category, ...]
    pictures: ChannelMapping | None = dataclasses.field(default=None, compare=False)

    @classmethod
    def from_coco(cls, entries: Any, where: str) -> Categories:
        """Reads the `categories` list of a COCO panoptic annotations file.

        Args:
          entries: list of dicts with `id`, `name`, `isthing` and optionally `supercategory`.
          where: the file that holds the list, for messages.

        Raises:
          UserError: the list is empty, or an entry is malformed or repeats an id or a name.
        """
        if not isinstance(entries, list) or not entries:
            raise UserError(
                f"{where}: the category list is {typed_repr(entries)}; expected a list of one or "
                'more categories, such as {"id": 1, "name": "person", "isthing": 1}. Write the list'
            )
        categories = tuple(
            _category(entry, f"{where}: category {i} (counted from 0)")
            for i, entry in enumerate(entries)
        )
        for field in ("id", "name"):
            _check_unique([getattr(category, field) for category in categories], field, where)
        return cls(categories)

    @classmethod
    def from_names(cls, names: Sequence[str]) -> Categories:
        """Classes that only have names, for instance of whole pictures.

        Each class is a thing, and its source id is its class id.
        """
        return cls(tuple(Category(i, name, isthing=True) for i, name in enumerate(names)))

    @classmethod
    def load(cls, path: str | Path) -> Categories:
        """Reads a list that `save` wrote, or the `categories` of a COCO file.

        Raises:
          UserError: the file is missing or malformed.
        """
        content = read_json(local_or_remote_path(path), "the category list")
        if not (isinstance(content, dict) and {_PICTURES, "categories"} & content.keys()):
            return cls.from_coco(content, str(path))
        categories = cls.from_coco(content.get("categories"), str(path))
        if _PICTURES not in content:
            return categories
        return categories.with_pictures(ChannelMapping.from_json(content[_PICTURES], str(path)))

    def save(self, path: str | Path) -> None:
        """Writes the list as JSON, in COCO's form of `categories`.

        With a channel mapping the file is an object with `categories` and `pictures`.
        """
        content = self.to_coco()
        if self.pictures is not None:
            content = {"categories": content, _PICTURES: self.pictures.to_json()}
        write_json(local_or_remote_path(path), content)

    def with_pictures(self, mapping: ChannelMapping | None) -> Categories:
        """Returns the same classes with another channel mapping."""
        return dataclasses.replace(self, pictures=mapping)

    def to_coco(self) -> list[dict[str, Any]]:
        """Returns COCO's form: `from_coco(categories.to_coco(), ...)` equals `categories`."""
        return [
            {key: value for key, value in dataclasses.asdict(category).items() if value is not None}
            | {"isthing": int(category.isthing)}
            for category in self.entries
        ]

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, class_id):
        return self.entries[class_id]

    def __repr__(self) -> str:
        return f"Categories({len(self)}: {', '.join(self.names)})"

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """Name of each class."""
        return tuple(category.name for category in self.entries)

    @functools.cached_property
    def is_thing(self) -> np.ndarray:
        """bool `[C]`: True for a thing, False for stuff."""
        return _read_only([category.isthing for category in self.entries], np.bool_)

    @functools.cached_property
    def source_ids(self) -> np.ndarray:
        """int64 `[C]`: the source id of each class."""
        return _read_only([category.id for category in self.entries], np.int64)

    @functools.cached_property
    def colors(self) -> np.ndarray:
        """uint8 `[C, 3]`: an RGB color per class, the same on every machine.

        Neighboring class ids have unlike colors. A class id has the same color in every list. Up to
        1000 colors are distinct. Black is kept for void.
        """
        return palette(len(self))

    def class_id_of(self, source_id: int) -> int:
        """Class id of a source id; raises `KeyError` if the dataset has no such source id."""
        return self._class_ids[source_id]

    @functools.cached_property
    def _class_ids(self) -> dict[int, int]:
        return {category.id: class_id for class_id, category in enumerate(self.entries)}


_EXPECTED = {
    "id": (
        "a whole number from 0 to 2147483647",
        lambda value: type(value) is int and 0 <= value < 2**31,
    ),
    "name": (
        "text that is not blank and has no half of a character, such as \\ud83d",
        lambda value: _is_text(value) and value.strip() != "",
    ),
    "isthing": (
        "the number 1 for countable objects or 0 for stuff",
        lambda value: value in (0, 1),
    ),
}
"""Key -> the value that an entry must have, in words and as a test."""


def _category(entry: Any, where: str) -> Category:
    """Checks and returns one entry of COCO's list."""
    if not isinstance(entry, Mapping):
        raise UserError(
            f"{where} is {typed_repr(entry)}; expected an object with id, name and isthing, such "
            'as {"id": 1, "name": "person", "isthing": 1}'
        )
    for key, (expected, is_good) in _EXPECTED.items():
        if key not in entry:
            hint = found_instead(key, entry)
            raise UserError(
                f"{where} ({short_repr(dict(entry))}) lacks {key}{hint}; add {key}: {expected}"
            )
        if not is_good(entry[key]):
            raise UserError(
                f"{where} has {key} {typed_repr(entry[key])}; expected {expected}. Correct it there"
            )
    return Category(entry["id"], entry["name"], bool(entry["isthing"]), entry.get("supercategory"))


def _is_text(value: Any) -> bool:
    """Whether a value is text that a file can hold; JSON can escape half a character."""
    return isinstance(value, str) and value == utf8_safe(value)


def _check_unique(values: Sequence, field: str, where: str) -> None:
    first: dict[Any, int] = {}
    for number, value in enumerate(values):
        if value in first:
            raise UserError(
                f"{where}: categories {first[value]} and {number} (counted from 0) both have the "
                f"{field} {typed_repr(value)}; give one of them another {field}, or remove it"
            )
        first[value] = number


def _read_only(values: Sequence, dtype: type) -> np.ndarray:
    array = np.array(values, dtype)
    array.setflags(write=False)
    return array
