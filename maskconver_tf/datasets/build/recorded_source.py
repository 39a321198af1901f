"""What dataset.json records about the build, so that its source can be read again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from maskconver_tf.datasets.sources.options import OPTIONS, PATH_OPTIONS, SOURCES

BUILT_FROM = "built_from"
"""Key in dataset.json."""


class RecordedSource(NamedTuple):
    """The arguments of `open_named_source` in a build.

    Attributes:
      source: name of the source's kind.
      options: its options as text; paths are absolute.
    """

    source: str
    options: dict[str, str]

    def at(self, place: Path) -> RecordedSource:
        """Returns the source after a move: `place` is where its paths' common folder is now."""
        paths = {name: value for name, value in self.options.items() if name in PATH_OPTIONS}
        if not paths:
            return self
        common = os.path.commonpath(paths.values())
        if len(paths) == 1 and self._is_file(*paths):
            common = os.path.dirname(common)
        moved = {name: str(place / os.path.relpath(value, common)) for name, value in paths.items()}
        return self._replace(options=self.options | moved)

    @staticmethod
    def _is_file(option: str) -> bool:
        return OPTIONS[option][0] == "FILE"


def record_source(source: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the entry for dataset.json.

    Args:
      source, options: arguments of `open_named_source`; None for an option that was not given.
    """
    given = {name: str(value) for name, value in options.items() if value is not None}
    for name in PATH_OPTIONS & given.keys():
        given[name] = os.path.abspath(given[name])
    return {"source": source, "options": dict(sorted(given.items()))}


def recorded_source(manifest: Mapping[str, Any]) -> RecordedSource | None:
    """Returns what `record_source` wrote; None if an older maskconver built the dataset."""
    entry = manifest.get(BUILT_FROM)
    if not isinstance(entry, dict) or entry.get("source") not in SOURCES:
        return None
    options = entry.get("options")
    if not isinstance(options, dict) or not all(isinstance(v, str) for v in options.values()):
        return None
    return RecordedSource(entry["source"], options)
