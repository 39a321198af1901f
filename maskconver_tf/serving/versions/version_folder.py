"""Finds the numbered versions in an export's folder."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.errors import UserError
from maskconver_tf.inference import signatures
from maskconver_tf.inference.model_folder import describe_other

_FILES = ("saved_model.pb", f"assets/{signatures.CATEGORIES_ASSET}")
"""Any of them makes a folder a version, complete or not."""

Fingerprint = tuple[tuple[str, int, int], ...]


def find_versions(folder: Path) -> dict[int, Path]:
    """Returns number -> folder of each version; a single version has its own name, or 1.

    A folder counts from its first file on, so a version that is being copied is among them.
    """
    if _is_version(folder):
        return {int(folder.name) if folder.name.isdecimal() else 1: folder}
    if not folder.is_dir():
        return {}
    return {
        int(path.name): path
        for path in folder.iterdir()
        if path.name.isdecimal() and path.name.isascii() and path.is_dir()
    }


def has_versions(folder: Path) -> bool:
    """Whether a folder is an export, complete or not, or has versions of one."""
    return any(map(_is_version, find_versions(folder).values()))


def check_has_versions(folder: Path) -> None:
    """Raises `UserError` if a folder has no version of an export."""
    if not has_versions(folder):
        raise UserError(
            f"{folder}: no exported model is here ({describe_other(folder)}). Give a run's "
            "--model_dir, or a folder that `maskconver export` wrote"
        )


def _is_version(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _FILES)


def fingerprint(version: Path) -> Fingerprint:
    """Returns name, size and time of each file: it changes while a version is being copied."""
    found = []
    for path in sorted(version.rglob("*")):
        try:
            status = path.stat()
        except OSError:  # The file vanished meanwhile.
            continue
        found.append((str(path.relative_to(version)), status.st_size, status.st_mtime_ns))
    return tuple(found)
