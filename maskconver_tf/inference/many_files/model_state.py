"""Tells two states of a model apart, without reading its weights."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_WITHOUT_EFFECT = {
    *("results.json", "run.json", "operative_config.gin"),
    *("not_finite.json", "wandb_id"),
}
"""Files of a run on which no prediction depends."""
_OTHER_FOLDERS = {"summaries", "tuning"}


def model_state(model: str) -> str:
    """Returns a text that changes if a file of a run or an export changes.

    It is a hash of names, sizes and times. A copied model counts as another one. Of a run with
    best weights, its checkpoints do not count. A model in a bucket is told apart by its name only.
    """
    root = Path(model)
    if not root.is_dir():
        return model
    others = set(_OTHER_FOLDERS)
    if (root / "best").is_dir() and any((root / "best").iterdir()):
        others.add("checkpoints")
    digest = hashlib.sha256(os.fsencode(root.resolve()))
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        is_other = name.parts[0] in others or str(name) in _WITHOUT_EFFECT
        if is_other or path.name.startswith(".") or not path.is_file():
            continue
        status = path.stat()
        digest.update(f"{name.as_posix()} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
