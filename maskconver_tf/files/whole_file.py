"""Writes small text files whole or not at all, even when the process dies while it writes."""

from __future__ import annotations

import os
from pathlib import Path

from maskconver_tf.files.paths import RemotePath


def write_text_whole(path: Path | RemotePath, text: str) -> None:
    """Writes a UTF-8 text file, or replaces it. A reader finds the old content or the new one."""
    if isinstance(path, RemotePath):
        path.write_text(text)
        return
    path = Path(os.path.realpath(path))  # A link stays a link; its target gets the text.
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
