"""Writes small repositories for the tests of the rules.

`make lint` runs without conftest files, so this is a function to import and not a fixture.
"""

from __future__ import annotations

from pathlib import Path


def plant(root: Path, files: dict[str, str]) -> Path:
    """Writes files, given as path in the package -> text. Returns the repository's root."""
    return plant_at(root, {f"maskconver_tf/{name}": text for name, text in files.items()})


def plant_at(root: Path, files: dict[str, str]) -> Path:
    """The same with paths from the repository's root."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
