"""Reads large JSON files with long lists, one element at a time.

As Python objects COCO's annotations of 118,000 pictures take gigabytes. This module reads the file
once from start to end; callers keep only where each element lies in the file.
"""

from __future__ import annotations

import array
import codecs
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from maskconver_tf.errors import UserError, found_instead, typed_repr
from maskconver_tf.files.json_file import read_json

_CHUNK = 2**20
"""Bytes read at a time."""

_decode = json.JSONDecoder().raw_decode


class ListElement(NamedTuple):
    """An element of the list under `key` in the file's object; it is bytes `start` to `end`."""

    key: str
    start: int
    end: int
    value: Any


class ElementOffsets:
    """Remembers where elements lie in one file, in 16 bytes per element."""

    def __init__(self, path: Path):
        self._path = path
        self._bounds = array.array("q")

    def __len__(self) -> int:
        return len(self._bounds) // 2

    def add(self, element: ListElement) -> int:
        """Remembers an element; returns its number."""
        self._bounds.extend((element.start, element.end))
        return len(self) - 1

    def read(self, number: int) -> Any:
        """Reads the value of an element from the file."""
        start, end = self._bounds[2 * number : 2 * number + 2]
        with self._path.open("rb") as file:
            file.seek(start)
            return json.loads(file.read(end - start))


def scan_json_lists(
    path: Path, what: str, keys: Sequence[str], expected: str, optional: Sequence[str] = ()
) -> Iterator[ListElement]:
    """Yields the elements of the lists under `keys` in a file's JSON object, in file order.

    Args:
      what: what the file is, for messages: "the annotations file".
      expected: what the file should hold, for messages.
      optional: further keys, which the file may lack, and whose value need not be a list.

    Raises:
      UserError: the file is missing or not JSON, or lacks a list under one of the keys.
    """
    if not path.is_file():
        read_json(path, what)  # Says what is wrong.
    with path.open("rb") as file:
        reader = _Reader(file)
        try:
            if reader.peek() != "{":
                content = read_json(path, what)
                is_object = isinstance(content, dict)
                found = "another encoding than UTF-8" if is_object else typed_repr(content)
                way_out = "Save it as UTF-8" if is_object else "Give such a file"
                raise UserError(f"{path}: found {found}; expected {expected}. {way_out}")
            is_list: dict[str, bool] = {}
            for key in reader.members():
                is_list[key] = reader.peek() == "["
                if is_list[key] and key in (*keys, *optional):
                    yield from (ListElement(key, *element) for element in reader.elements())
                else:
                    reader.value()
        except (ValueError, RecursionError):
            read_json(path, what)  # Says what is wrong, and where.
            raise
    wrong = [key for key in keys if is_list.get(key) is False]
    if wrong:
        kinds = ", ".join(f"{key} is {typed_repr(read_json(path, what)[key])}" for key in wrong)
        raise UserError(
            f"{path}: {kinds} and must be a list; expected {expected}. Write the entries in [ ], "
            "without keys of their own"
        )
    if missing := [key for key in keys if key not in is_list]:
        names = ", ".join(list(is_list)[:8]) or "no key"
        hint = "".join(found_instead(key, is_list.keys() - set(keys)) for key in missing[:1])
        raise UserError(
            f"{path}: found {names}; {' and '.join(missing)} missing{hint}; expected {expected}. "
            "Give another file, or add what is missing"
        )


class _Reader:
    """Reads JSON values from a window that moves over the file.

    Bytes are decoded as Latin-1, so that character positions equal byte positions. Values that are
    not ASCII are decoded again as UTF-8. The window `_text` starts at byte `_base` of the file; the
    reader is at `_at` in the window.
    """

    def __init__(self, file: io.BufferedReader):
        self._file = file
        self._text = ""
        self._base = file.seek(3 if file.peek(3).startswith(codecs.BOM_UTF8) else 0)
        self._at = 0
        self._ended = False

    def members(self) -> Iterator[str]:
        """Yields the keys of the next object; the caller reads the value after each key."""
        self._take("{")
        if self.peek() == "}":
            self._at += 1
        else:
            while True:
                key = self.value()
                self._take(":")
                yield key
                if self._take(",}") == "}":
                    break
        if self.peek():
            raise json.JSONDecodeError("Extra data", self._text, self._at)

    def elements(self) -> Iterator[tuple[int, int, Any]]:
        """Yields start, end and value of each element of the next list."""
        self._take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            self.peek()
            start = self._base + self._at
            value = self.value()
            yield start, self._base + self._at, value
            if self._take(",]") == "]":
                return

    def value(self) -> Any:
        """Reads the next value."""
        self.peek()
        size = _CHUNK
        while True:
            try:
                value, end = _decode(self._text, self._at)
            except json.JSONDecodeError:
                if self._ended:
                    raise
            else:
                if end < len(self._text) or self._ended:  # Otherwise a number may continue.
                    break
            self._fill(size)
            size *= 2
        text = self._text[self._at : end]
        self._at = end
        return value if text.isascii() else json.loads(text.encode("latin-1").decode("utf-8"))

    def peek(self) -> str:
        """Returns the next character that is not white space; empty at the end of the file."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in " \t\r\n":
                    return self._text[self._at]
                self._at += 1
            if self._ended:
                return ""
            self._fill(_CHUNK)

    def _take(self, wanted: str) -> str:
        """Steps over the next character, which must be one of `wanted`, and returns it."""
        found = self.peek()
        if not found or found not in wanted:
            raise json.JSONDecodeError(f"Expecting {wanted}", self._text, self._at)
        self._at += 1
        return found

    def _fill(self, size: int) -> None:
        """Drops what was read from the window and appends `size` more bytes."""
        more = self._file.read(size)
        self._ended = not more
        self._text = self._text[self._at :] + more.decode("latin-1")
        self._base += self._at
        self._at = 0
