"""Remembers which pictures are done, so that a second start goes on where the first one stopped.

The folder of results has a file `.predicted.jsonl`, with one line for each finished picture. A line
is written after all files of its picture. Half a line, which a crash may leave, does not count.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
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
      is_fresh: forget all finished pictures.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], is_fresh: bool = False):
        self._folder = folder
        self._path = folder / JOURNAL
        self._settings = json.loads(json.dumps(settings))
        entries = {} if is_fresh else read_journal(folder)
        self._entries = entries
        if entries or self._path.exists():
            write_text_whole(self._path, "".join(map(_line, entries.values())))

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

    def add(
        self, picture: ListedPicture, formats: Sequence[OutputFormat], kept: dict[str, Any]
    ) -> None:
        """Notes that all files of a picture are written."""
        entry = {
            "stem": picture.stem,
            "picture": _state(picture),
            "settings": self._settings,
            "formats": {f.name: {"options": f.options(), "kept": kept[f.name]} for f in formats},
            "files": [name for each in formats for name in each.files(picture.stem).values()],
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(entry))
        self._entries[picture.stem] = entry


def read_journal(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns stem -> entry of each finished picture; of two entries the last one counts."""
    entries: dict[str, dict[str, Any]] = {}
    try:
        lines = (folder / JOURNAL).read_text(encoding="utf-8", errors="replace").splitlines()
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
    """Returns the resolved paths of the files of all finished pictures of a folder."""
    entries = read_journal(folder).values()
    return {(folder / name).resolve() for entry in entries for name in entry["files"]}


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _state(picture: ListedPicture) -> list[Any]:
    """Path, size and time of a picture's file."""
    path = Path(picture.path).resolve()
    try:
        status = path.stat()
    except OSError:
        return [str(path), None, None]
    return [str(path), status.st_size, status.st_mtime_ns]
