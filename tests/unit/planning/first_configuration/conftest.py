"""Small datasets on disk for the tests of `maskconver new`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.build.build import build_dataset

CATEGORIES = [
    {"id": 7, "name": "cell", "isthing": 1},
    {"id": 9, "name": "ground", "isthing": 0},
]


def write_pictures(
    root: Path, names: list[str], part: str = "train", categories: list[dict] | None = None
) -> Path:
    """Adds a part to a folder in COCO panoptic layout. Each picture has other things."""
    content = {"images": [], "annotations": [], "categories": categories or CATEGORIES}
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        image, panoptic = root / "images" / part / name, root / "panoptic" / part / name
        for path in (image, panoptic):
            path.parent.mkdir(parents=True, exist_ok=True)
        ids = np.full((48, 64), 900)
        pixels = rng.integers(0, 90, (6, 8, 3)).repeat(8, axis=0).repeat(8, axis=1)
        for thing in range(1 + number % 3):
            ids[8:24, 4 + 20 * thing : 16 + 20 * thing] = 1000 + thing
            pixels[8:24, 4 + 20 * thing : 16 + 20 * thing] = rng.integers(100, 255, 3)
        Image.fromarray(pixels.astype(np.uint8)).save(image)
        Image.fromarray(np.stack([ids & 255, ids >> 8, 0 * ids], -1).astype(np.uint8)).save(
            panoptic
        )
        segments = [{"id": 900, "category_id": 9}]
        segments += [{"id": 1000 + t, "category_id": 7} for t in range(1 + number % 3)]
        content["images"].append({"id": number, "file_name": name})
        content["annotations"].append(
            {"image_id": number, "file_name": name, "segments_info": segments}
        )
    (root / f"panoptic_{part}.json").write_text(json.dumps(content), encoding="utf-8")
    return root


@pytest.fixture
def make_dataset(tmp_path) -> Callable[..., Path]:
    """`make_dataset(names, folder="train", categories=None)`: builds a dataset folder."""

    def make(names: list[str], folder: str = "train", categories: list[dict] | None = None) -> Path:
        root = write_pictures(tmp_path / f"coco_{folder}", names, "train", categories)
        out = tmp_path / "built" / folder
        build_dataset(
            root / "images/train",
            root / "panoptic/train",
            root / "panoptic_train.json",
            out,
            workers=1,
            progress=False,
        )
        return out

    return make


@pytest.fixture
def names() -> list[str]:
    """Names of six pictures in three folders."""
    return [f"film{i % 3}/{i}.png" for i in range(6)]
