"""What COCO's annotation files have in common: lists of images, annotations and categories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import brief
from maskconver_tf.files.json_lists import Element, Places, scan_lists

_KEYS = ("images", "annotations", "categories")


def scan_coco(
    path: Path, kind: str, on_image: Callable[[Element], None], on_truth: Callable[[Element], None]
) -> list[Any]:
    """Passes over a COCO file once.

    Args:
      kind: which one is expected, for messages: "panoptic".
      on_image, on_truth: take the elements of `images` and `annotations`.

    Returns:
      The list `categories`.

    Raises:
      UserError: it is no COCO file, or has no images or annotations.
    """
    categories, count = [], dict.fromkeys(_KEYS, 0)
    expected = f"an object with the lists {', '.join(_KEYS)}, as COCO's {kind}_*.json"
    for element in scan_lists(path, "the annotations file", _KEYS, expected):
        count[element.key] += 1
        if element.key == "categories":
            categories.append(element.value)
        else:
            (on_image if element.key == "images" else on_truth)(element)
    for key in ("images", "annotations"):
        if not count[key]:
            raise UserError(
                f"{path}: the list {key} is empty; expected an entry for each picture. COCO's test "
                "files have no annotations: use a train or val file."
            )
    return categories


class EntriesById:
    """The entries of `images`, or those of `annotations` of which each picture has one.

    Attributes:
      findings: malformed entries, and after `note_repeated` the ids that come twice.
      malformed: those entries that are objects; what one finding tells no other should repeat.
    """

    def __init__(self, path: Path, key: str, id_key: str, is_good: Callable[[Any], bool]):
        self.findings: list[Finding] = []
        self.malformed: list[dict] = []
        self._where = str(path)
        self._key = key
        self._id_key = id_key
        self._is_good = is_good
        self._places = Places(path)
        self._numbers: dict[int | str, int] = {}
        self._count: dict[int | str, int] = {}  # Of ids that come more than once.

    def add(self, element: Element) -> None:
        number = self._places.add(element)
        if not self._is_good(element.value):
            name = f"{self._key}[{number}]"
            self._note(name, Problem.MALFORMED_ENTRY, f"{name} is {brief(element.value)}")
            if isinstance(element.value, dict):
                self.malformed.append(element.value)
            return
        entry_id = element.value[self._id_key]
        if entry_id in self._numbers:
            self._count[entry_id] = self._count.get(entry_id, 1) + 1
        else:
            self._numbers[entry_id] = number

    def note_repeated(self) -> None:
        for entry_id, count in self._count.items():
            found = f"{self._key} has {count} entries of {self._id_key} {entry_id!r}"
            self._note(self.read(entry_id)["file_name"], Problem.REPEATED_ENTRY, found)

    def note_without(self, others: EntriesById, problem: Problem) -> None:
        """Notes entries whose id no other list has, not even in a malformed entry."""
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
        """Whether the id comes just once."""
        return entry_id in self._numbers and entry_id not in self._count

    def read(self, entry_id: int | str) -> dict:
        """The first entry with that id, from the file."""
        return self._places.read(self._numbers[entry_id])

    def _note(self, picture: str, problem: Problem, found: str) -> None:
        self.findings.append(Finding(picture, self._where, problem, found))


def has_id(entry: Any, key: str) -> bool:
    """Whether an entry is an object with an id under `key`."""
    return isinstance(entry, dict) and type(entry.get(key)) in (int, str)


def is_image(entry: Any) -> bool:
    """Whether an entry of `images` has what it needs."""
    return has_id(entry, "id") and isinstance(entry.get("file_name"), str)


def picture_size(picture: dict) -> tuple[int, int] | None:
    """Width and height that an entry of `images` lists."""
    has_size = "width" in picture and "height" in picture
    return (picture["width"], picture["height"]) if has_size else None
