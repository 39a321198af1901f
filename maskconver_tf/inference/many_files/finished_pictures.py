"""Remembers which pictures are done, so that a second start goes on where the first one stopped.

The folder of results has a file `.predicted.jsonl`. A first line names the files that a picture
will get, so that no later start takes one of them for a picture. A second line follows when all of
them are written. Of several lines for a picture the last one counts. Half a line, which a crash may
leave, does not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from maskconver_tf.files.whole_file import write_text_whole
from maskconver_tf.inference.many_files.picture_list import ListedPicture
from maskconver_tf.inference.output_formats.output_format import OutputFormat

JOURNAL = ".predicted.jsonl"


class FinishedPictures:
    """The finished pictures of a folder of results.

    Args:
      folder: the folder of results; it exists.
      settings: everything that a prediction depends on besides its picture, as JSON can store it.
      is_fresh: predict all pictures again.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], is_fresh: bool = False):
        self._folder = folder
        self._path = folder / JOURNAL
        self._settings = json.loads(json.dumps(settings))
        self._entries = read_journal(folder)
        if is_fresh:
            self._entries = {k: e | {"formats": {}} for k, e in self._entries.items()}
        if self._entries or self._path.exists():
            write_text_whole(self._path, "".join(map(_line, self._entries.values())))

    def kept_of(
        self, picture: ListedPicture, formats: Sequence[OutputFormat]
    ) -> dict[str, Any] | None:
        """Returns format -> what `write` returned; None if the picture must be predicted again.

        That is so if the picture, a setting or an option of a format is another one than before, or
        if a file is missing.
        """
        entry = self._entries.get(picture.stem)
        if entry is None or entry["settings"] != self._settings:
            return None
        if entry["picture"] != _state(picture):
            return None
        kept = {}
        for each in formats:
            done = entry["formats"].get(each.name)
            if done is None or done["options"] != json.loads(json.dumps(each.options())):
                return None
            files = [self._folder / name for name in each.files(picture.stem).values()]
            if not all(path.is_file() for path in files):
                return None
            kept[each.name] = done["kept"]
        return kept

    def announce(self, pictures: Iterable[ListedPicture], formats: Sequence[OutputFormat]) -> None:
        """Notes which files the pictures will get; none of the pictures is finished by that."""
        self._append([self._entry(picture, formats) for picture in pictures])

    def add(
        self, picture: ListedPicture, formats: Sequence[OutputFormat], kept: dict[str, Any]
    ) -> None:
        """Notes that all files of a picture are written."""
        entry = self._entry(picture, formats)
        entry["formats"] |= {
            each.name: {"options": each.options(), "kept": kept[each.name]} for each in formats
        }
        self._append([entry])

    def _entry(self, picture: ListedPicture, formats: Sequence[OutputFormat]) -> dict[str, Any]:
        """Returns an entry that keeps the other formats of the picture if they are up to date."""
        state, names = _state(picture), {each.name for each in formats}
        before = self._entries.get(picture.stem, {"settings": None, "formats": {}, "files": []})
        is_same = before["settings"] == self._settings and before["picture"] == state
        others = before["formats"] if is_same else {}
        files = [name for each in formats for name in each.files(picture.stem).values()]
        return {
            "stem": picture.stem,
            "picture": state,
            "settings": self._settings,
            "formats": {name: done for name, done in others.items() if name not in names},
            "files": list(dict.fromkeys([*before["files"], *files])),
        }

    def _append(self, entries: list[dict[str, Any]]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(map(_line, entries))
        self._entries |= {entry["stem"]: entry for entry in entries}


def read_journal(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns stem -> entry of each picture; of two entries the last one counts."""
    entries: dict[str, dict[str, Any]] = {}
    try:
        lines = (folder / JOURNAL).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return entries
    for line in lines:
        try:
            entry = json.loads(line)
            entries[entry["stem"]] = {
                key: entry[key] for key in ("stem", "picture", "settings", "formats", "files")
            }
        except (ValueError, KeyError, TypeError):
            continue
    return entries


def written_files(folder: Path) -> set[Path]:
    """Returns the resolved paths of the results in a folder, also of unfinished pictures."""
    entries = read_journal(folder).values()
    return {(folder / name).resolve() for entry in entries for name in entry["files"]}


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry) + "\n"  # In ASCII: a file's name may have bytes that are not UTF-8.


def _state(picture: ListedPicture) -> list[Any]:
    """Path, size and time of a picture's file."""
    path = Path(picture.path).resolve()
    try:
        status = path.stat()
    except OSError:
        return [str(path), None, None]
    return [str(path), status.st_size, status.st_mtime_ns]
