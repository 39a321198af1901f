"""Reads COCO's annotation files: JSON with the lists images, annotations and categories.

Entries stay on disk: memory holds only the position of each entry in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import short_repr
from maskconver_tf.files.json_lists import ElementOffsets, ListElement, scan_json_lists

_KEYS = ("images", "annotations", "categories")


def scan_coco_json(
    path: Path,
    kind: str,
    on_image: Callable[[ListElement], None],
    on_truth: Callable[[ListElement], None],
) -> list[Any]:
    """Reads a COCO file once, from start to end.

    Args:
      kind: the expected kind of file, for messages: "panoptic".
      on_image: called with each element of `images`.
      on_truth: called with each element of `annotations`.

    Returns:
      The list `categories`.

    Raises:
      UserError: the file is not a COCO file, or has no images or annotations.
    """
    categories, count = [], dict.fromkeys(_KEYS, 0)
    expected = f"an object with the lists {', '.join(_KEYS)}, like COCO's {kind}_*.json"
    for element in scan_json_lists(path, "the annotations file", _KEYS, expected):
        count[element.key] += 1
        if element.key == "categories":
            categories.append(element.value)
        else:
            (on_image if element.key == "images" else on_truth)(element)
    for key in ("images", "annotations"):
        if not count[key]:
            raise UserError(
                f"{path}: the list {key} is empty; expected an entry for each picture. Use a train "
                "or val file: COCO's test files have no annotations"
            )
    return categories


class EntriesById:
    """The entries of one list, looked up by their image id; a picture should have one entry.

    The list is `images`, or `annotations` of a panoptic file.

    Attributes:
      findings: malformed entries. `note_repeated` adds the ids that occur more than once, and
        `note_without` the ids that another list lacks.
      malformed: the malformed entries that are JSON objects. They are already in `findings`, so
        later checks skip what they name.
    """

    def __init__(self, path: Path, key: str, id_key: str, is_good: Callable[[Any], bool]):
        self.findings: list[Finding] = []
        self.malformed: list[dict] = []
        self._where = str(path)
        self._key = key
        self._id_key = id_key
        self._is_good = is_good
        self._places = ElementOffsets(path)
        self._numbers: dict[int | str, int] = {}
        self._count: dict[int | str, int] = {}  # Of ids that come more than once.

    def add(self, element: ListElement) -> None:
        """Adds an entry, or notes a finding if it is malformed."""
        number = self._places.add(element)
        if not self._is_good(element.value):
            name = f"{self._key}[{number}]"
            self._note(name, Problem.MALFORMED_ENTRY, f"{name} is {short_repr(element.value)}")
            if isinstance(element.value, dict):
                self.malformed.append(element.value)
            return
        entry_id = element.value[self._id_key]
        if entry_id in self._numbers:
            self._count[entry_id] = self._count.get(entry_id, 1) + 1
        else:
            self._numbers[entry_id] = number

    def note_repeated(self) -> None:
        """Notes each id that more than one entry has."""
        for entry_id, count in self._count.items():
            found = f"{self._key} has {count} entries of {self._id_key} {entry_id!r}"
            self._note(self.read(entry_id)["file_name"], Problem.REPEATED_ENTRY, found)

    def note_without(self, others: EntriesById, problem: Problem) -> None:
        """Notes each entry whose id does not occur in `others`, not even in a malformed entry."""
        key = others._id_key
        half_known = {entry[key] for entry in others.malformed if has_id(entry, key)}
        for entry_id in self:
            if entry_id not in others and entry_id not in half_known:
                name = self.read(entry_id)["file_name"]
                self._note(name, problem, f"image id {entry_id!r} ({name})")

    def __contains__(self, entry_id: int | str) -> bool:
        return entry_id in self._numbers

    def __iter__(self) -> Iterator[int | str]:
        return iter(self._numbers)

    def is_single(self, entry_id: int | str) -> bool:
        """Returns whether exactly one entry has this id."""
        return entry_id in self._numbers and entry_id not in self._count

    def read(self, entry_id: int | str) -> dict:
        """Reads the first entry with this id from the file."""
        return self._places.read(self._numbers[entry_id])

    def _note(self, picture: str, problem: Problem, found: str) -> None:
        self.findings.append(Finding(picture, self._where, problem, found))


def has_id(entry: Any, key: str) -> bool:
    """Returns whether an entry is a JSON object with a number or text under `key`."""
    return isinstance(entry, dict) and type(entry.get(key)) in (int, str)


def is_image(entry: Any) -> bool:
    """Returns whether an entry of `images` has an id and a file name."""
    return has_id(entry, "id") and isinstance(entry.get("file_name"), str)


def listed_size(image: dict) -> tuple[int, int] | None:
    """Returns (width, height) as an entry of `images` lists them, or None if it does not."""
    has_size = "width" in image and "height" in image
    return (image["width"], image["height"]) if has_size else None
