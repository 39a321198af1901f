"""Finds the export in a folder by its files, without loading TensorFlow."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.inference import signatures

GRAPH_FILE = "saved_model.pb"
VARIABLES_INDEX = Path("variables", "variables.index")
CATEGORIES_FILE = Path("assets", signatures.CATEGORIES_ASSET)


def newest_version(folder: Path) -> Path | None:
    """Finds the newest numbered version; the folder itself if it is an export; or None."""
    if _has_export_files(folder):
        return folder
    if not folder.is_dir():
        return None
    versions = [path for path in folder.iterdir() if path.name.isdecimal()]
    versions = [path for path in versions if _has_export_files(path)]
    return max(versions, key=lambda path: int(path.name), default=None)


def _has_export_files(folder: Path) -> bool:
    """Whether a folder has a file that only exports have. The others may be missing."""
    files = (GRAPH_FILE, VARIABLES_INDEX, CATEGORIES_FILE)
    return any((folder / file).is_file() for file in files)
