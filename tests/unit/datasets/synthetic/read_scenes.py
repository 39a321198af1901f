"""Reads toy scenes as any user of the dataset would."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from maskconver_tf.datasets.synthetic.catalogue import THINGS


def read_annotations(folder: Path, split: str) -> list[dict]:
    """The annotations of one part, one entry per picture."""
    return json.loads((folder / f"panoptic_{split}.json").read_text())["annotations"]


def read_picture(
    folder: Path, split: str, annotation: dict
) -> tuple[np.ndarray, np.ndarray, list[dict]]:
    """Image uint8 `[h, w, 3]`, ids `[h, w]` and segments_info of one picture."""
    name = annotation["file_name"]
    image = np.asarray(Image.open(folder / "images" / split / name))
    red, green, blue = np.moveaxis(
        np.asarray(Image.open(folder / "panoptic" / split / name)).astype(np.int64), -1, 0
    )
    return image, red + 256 * green + 65536 * blue, annotation["segments_info"]


def things_of(segments: list[dict]) -> list[dict]:
    """The segments that are single things."""
    return [s for s in segments if s["category_id"] in THINGS.values() and not s["iscrowd"]]
