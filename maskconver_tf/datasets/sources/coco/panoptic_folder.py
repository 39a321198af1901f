"""Finds the parts (train, val, ...) of a dataset in COCO panoptic layout."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.errors import UserError


def find_panoptic_parts(root: Path) -> dict[str, dict[str, str]]:
    """Finds each `panoptic_PART.json` below `root` and the folders that belong to it.

    The JSON files lie in `root` or in `root/annotations`. The pictures of a part lie in
    `images/PART` or `PART`, its id maps in `panoptic/PART` or in `panoptic_PART` beside the JSON.

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
    order = sorted(parts, key=lambda part: (not part.startswith("train"), part))
    return {part: _options(root, part, parts[part]) for part in order}


def _options(root: Path, part: str, annotations: Path) -> dict[str, str]:
    return {
        "images": str(_first_folder(root / "images" / part, root / part)),
        "panoptic": str(_first_folder(root / "panoptic" / part, annotations.with_suffix(""))),
        "annotations": str(annotations),
    }


def _first_folder(*candidates: Path) -> Path:
    """Returns the first folder that exists, or the first candidate if none does."""
    return next((path for path in candidates if path.is_dir()), candidates[0])
