"""JSON result files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from maskconver_tf.files.json_file import write_json


def write_json_atomically(path: Path, content: Any) -> None:
    """Writes `content` to `path`, making its folder; a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        write_json(partial, content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
