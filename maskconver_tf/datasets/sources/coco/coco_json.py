"""Reads COCO's annotation files: JSON with the lists images, annotations and categories.

Entries stay on disk: memory holds only the position of each entry in the file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

from maskconver_tf.datasets.findings import Finding, Problem, shortened_list
from maskconver_tf.datasets.sources.coco.entries import Field, loose_id, what_is_wrong
from maskconver_tf.errors import UserError, short_repr, typed_repr
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

    def __init__(self, path: Path, key: str, id_key: str, fields: Sequence[Field]):
        """`fields` are those that an entry must have; the one of `id_key` is among them."""
        self.findings: list[Finding] = []
        self.malformed: list[dict] = []
        self._where = str(path)
        self._key = key
        self._id_key = id_key
        self._fields = fields
        self._places = ElementOffsets(path)
        self._numbers: dict[int | str, int] = {}
        self._count: dict[int | str, int] = {}  # Of ids that come more than once.

    def add(self, element: ListElement) -> None:
        """Adds an entry, or notes a finding if it is malformed."""
        number = self._places.add(element)
        wrong = what_is_wrong(element.value, self._fields)
        if wrong is not None:
            name = f"{self._key}[{number}]"
            found = f"{name} is {short_repr(element.value)}: {wrong}"
            self._note(name, Problem.MALFORMED_ENTRY, found)
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

    def note_shared_files(self, names: RepeatedNames) -> set[int | str]:
        """Notes each image whose file another image names too; returns the ids of these images.

        Each of them has only a part of the annotations of the file.
        """
        shared: dict[str, list[int | str]] = {}
        for entry_id in self if names.repeated else ():
            name = self.read(entry_id)["file_name"]
            if names.normal(name) in names.repeated:
                shared.setdefault(names.normal(name), []).append(entry_id)
        for name, ids in shared.items():
            if len(ids) > 1:
                found = f"{name}: images has {len(ids)} entries of this file_name, id "
                self._note(name, Problem.SHARED_FILE, found + shortened_list(ids))
        return {i for ids in shared.values() if len(ids) > 1 for i in ids}

    def note_without(self, others: EntriesById, problem: Problem) -> None:
        """Notes each entry whose id does not occur in `others`, not even in a malformed entry."""
        lone = [entry_id for entry_id in self if entry_id not in others]
        half_known, nameless = others.malformed_ids(), others.stems_without_id()
        alike = {loose_id(i): i for i in others if i not in self} if lone else {}
        for entry_id in lone:
            key = loose_id(entry_id)
            name = self.read(entry_id)["file_name"]
            if key in half_known or PurePath(name).stem in nameless:
                continue
            if key not in alike:
                self._note(name, problem, f"image id {entry_id!r} ({name})")
            elif self._key == "images":  # The other list need not say the same again.
                found = differing_ids(others._key, alike[key], entry_id)
                self._note(name, Problem.IMAGE_ID_TYPE, f"{name}: {found}")

    def malformed_ids(self) -> set[str]:
        """Returns the ids of malformed entries, as `loose_id` gives them."""
        return {loose_id(entry.get(self._id_key)) for entry in self.malformed} - {None}

    def stems_without_id(self) -> set[str]:
        """Returns the file names, without suffix, of malformed entries that have no id at all."""
        entries = (e for e in self.malformed if loose_id(e.get(self._id_key)) is None)
        names = (entry.get("file_name") for entry in entries)
        return {PurePath(name).stem for name in names if isinstance(name, str)}

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


class RepeatedNames:
    """Finds the file names that several entries of `images` have, in a few bytes per name.

    Attributes:
      repeated: these names, as `normal` gives them.
    """

    def __init__(self):
        self.repeated: set[str] = set()
        self._hashes: set[int] = set()

    def add(self, entry: Any) -> None:
        """Adds the file name of an entry; an entry without a name counts for nothing."""
        if not isinstance(entry, dict) or not isinstance(entry.get("file_name"), str):
            return
        name = self.normal(entry["file_name"])
        if hash(name) in self._hashes:
            self.repeated.add(name)
        self._hashes.add(hash(name))

    @staticmethod
    def normal(name: str) -> str:
        """Returns the name without "./", "//" and "a/.."."""
        return posixpath.normpath(name)


def differing_ids(key: str, image_id: Any, entry_id: Any) -> str:
    """Says that an entry under `key` and an entry of `images` write the same id in two ways."""
    return f"{key} has image_id {typed_repr(image_id)}, images has id {typed_repr(entry_id)}"
