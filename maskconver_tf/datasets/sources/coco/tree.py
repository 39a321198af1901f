"""Finds the parts of a dataset in COCO panoptic layout in the folder that holds them."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.errors import UserError


def find_parts(root: Path) -> dict[str, dict[str, str]]:
    """Options of the source coco_panoptic for each `panoptic_PART.json`.

    The JSON files lie in `root` or in `root/annotations`; pictures in `images/PART` or `PART`, id
    maps in `panoptic/PART` or beside the JSON in `panoptic_PART`. Training comes first.

    Raises:
      UserError: there is no such file, or its folders are not there.
    """
    files = [*root.glob("panoptic_*.json"), *(root / "annotations").glob("panoptic_*.json")]
    if not files:
        raise UserError(
            f"{root}: found neither dataset.json nor panoptic_*.json; expected a dataset folder "
            "or a folder in COCO panoptic layout. For another layout give --source NAME and its "
            "options."
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
    """The first that is there, else the first."""
    return next((path for path in candidates if path.is_dir()), candidates[0])
