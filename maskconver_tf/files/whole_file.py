"""Small files that are there whole or not at all, whenever the process that writes them dies."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.files.paths import RemotePath


def write_whole(path: Path | RemotePath, text: str) -> None:
    """Writes a text file in UTF-8, in place of any before."""
    if isinstance(path, RemotePath):
        path.write_text(text)
        return
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
