"""Finds the parts (train, val, ...) of a dataset in COCO panoptic layout."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import read_json

_LARGEST_OTHER_FILE = 2**24
"""Bytes; a larger JSON file is taken for a dataset without a look at its content."""


def find_panoptic_parts(root: Path) -> dict[str, dict[str, str]]:
    """Finds each `panoptic_PART.json` below `root` and the folders that belong to it.

    The JSON files lie in `root` or in `root/annotations`. The pictures of a part lie in
    `images/PART`, `PART` or `images`; its id maps in `panoptic/PART`, in `panoptic_PART` beside the
    JSON, or in `panoptic`. A JSON file that has no folder and no annotations, such as a list of
    categories, is no part.

    Returns:
      Part name -> options of the source coco_panoptic. Parts named train... come first.

    Raises:
      UserError: there is no such JSON file.
    """
    files = [*root.glob("panoptic_*.json"), *(root / "annotations").glob("panoptic_*.json")]
    if not files:
        raise UserError(
            f"{root}: found neither dataset.json nor panoptic_*.json; expected a dataset folder "
            "or a folder in COCO panoptic layout. For any other layout, give --source NAME and the "
            "options of that source"
        )
    parts = {path.stem.removeprefix("panoptic_"): path for path in files}
    parts = {part: path for part, path in parts.items() if _is_part(root, part, path)}
    if not parts:
        raise UserError(
            f"{root}: found no dataset in {', '.join(sorted(path.name for path in files))}; "
            "expected an object with the list annotations in one of them. Give the dataset's own "
            "files with --source coco_panoptic and its options"
        )
    order = sorted(parts, key=lambda part: (not part.startswith("train"), part))
    return {part: _options(root, part, parts[part]) for part in order}


def _options(root: Path, part: str, annotations: Path) -> dict[str, str]:
    return {
        "images": str(_first_folder(*_image_folders(root, part), root / "images")),
        "panoptic": str(_first_folder(*_map_folders(root, part, annotations), root / "panoptic")),
        "annotations": str(annotations),
    }


def _image_folders(root: Path, part: str) -> list[Path]:
    return [root / "images" / part, root / part]


def _map_folders(root: Path, part: str, annotations: Path) -> list[Path]:
    return [root / "panoptic" / part, annotations.with_suffix("")]


def _is_part(root: Path, part: str, annotations: Path) -> bool:
    """Whether a JSON file has a folder of its own, or content like that of a dataset."""
    folders = [*_image_folders(root, part), *_map_folders(root, part, annotations)]
    if any(folder.is_dir() for folder in folders):
        return True
    if annotations.stat().st_size > _LARGEST_OTHER_FILE:
        return True
    try:
        content = read_json(annotations, "the annotations file")
    except UserError:
        return True  # The reader of the part says what is wrong.
    return isinstance(content, dict) and "annotations" in content


def _first_folder(*candidates: Path) -> Path:
    """Returns the first folder that exists, or the first candidate if none does."""
    return next((path for path in candidates if path.is_dir()), candidates[0])
