"""Fixtures for all tests: the folders of real pictures, and tiny datasets that a test writes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


def _shared_data(name: str) -> Path:
    """A folder of MASKCONVER_DATA, by default `../shared/data` beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("MASKCONVER_DATA", beside)) / name
    if not path.is_dir():
        pytest.skip(f"{path} does not exist: set MASKCONVER_DATA to the folder that holds {name}")
    return path


@pytest.fixture
def coco200() -> Path:
    """100 training and 100 validation pictures of COCO panoptic.

    `images/{train,val}`, `panoptic/{train,val}`, `panoptic_{train,val}.json`.
    """
    return _shared_data("coco_panoptic_200")


@pytest.fixture
def camvid() -> Path:
    """CamVid in COCO panoptic layout, as `coco200` with an additional `test` part."""
    return _shared_data("camvid_panoptic")


@dataclasses.dataclass(frozen=True)
class CocoFolder:
    """A dataset in COCO panoptic layout that a test can change.

    Attributes:
      images: folder of the pictures `0.jpg`, `1.jpg`, ...
      panoptic: folder of the id maps `0.png`, `1.png`, ...
      annotations: the JSON file.
    """

    images: Path
    panoptic: Path
    annotations: Path

    @contextlib.contextmanager
    def edit(self) -> Iterator[dict[str, Any]]:
        """The annotations' content, written back when the block ends."""
        content = json.loads(self.annotations.read_text(encoding="utf-8"))
        yield content
        self.annotations.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    def ids(self, picture: int) -> np.ndarray:
        """int32 `[h, w]`: the segment ids in the map of one picture."""
        pixels = np.asarray(Image.open(self.panoptic / f"{picture}.png")).astype(np.int32)
        return pixels @ np.array([1, 2**8, 2**16])

    def paint(self, picture: int, ids: np.ndarray) -> None:
        """Replaces the map of one picture."""
        pixels = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], -1).astype(np.uint8)
        Image.fromarray(pixels).save(self.panoptic / f"{picture}.png")


CATEGORIES = [
    {"id": 7, "name": "ciel", "isthing": 0, "supercategory": "stuff"},
    {"id": 200, "name": "pré", "isthing": 0, "supercategory": "stuff"},
    {"id": 18, "name": "ballon", "isthing": 1, "supercategory": "thing"},
]
"""Of `make_coco_folder`. The source ids are not sorted and have gaps."""

_COLORS = {0: (20, 20, 20), 7: (90, 160, 230), 200: (60, 150, 40), 18: (220, 40, 50)}


@pytest.fixture
def make_coco_folder(tmp_path) -> Callable[..., CocoFolder]:
    """`make_coco_folder(num_pictures=3, size=(24, 32))`: writes a tiny, valid dataset.

    Picture i has image id 10 + i. It shows sky (source class 7) above grass (200), two balls (18)
    and a void column at the left. The second ball is a crowd in picture 0 only.
    """

    def make(num_pictures: int = 3, size: tuple[int, int] = (24, 32)) -> CocoFolder:
        root = tmp_path / "coco"
        folder = CocoFolder(root / "images", root / "panoptic", root / "panoptic.json")
        for path in (folder.images, folder.panoptic):
            path.mkdir(parents=True)
        content: dict[str, Any] = {"images": [], "annotations": [], "categories": CATEGORIES}
        for picture in range(num_pictures):
            _add_picture(folder, content, picture, size)
        folder.annotations.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return folder

    return make


def _add_picture(folder: CocoFolder, content: dict, picture: int, size: tuple[int, int]) -> None:
    """Writes a picture and its map, and appends their entries to `content`."""
    height, width = size
    classes = np.full(size, 7)
    classes[height // 2 :] = 200
    ids = np.where(classes == 7, 2**24 - 1, 1000 + picture)
    for ball, left in enumerate([width // 4, width // 2]):
        where = np.s_[height // 4 + picture % 4 : 3 * height // 4, left : left + width // 6]
        classes[where], ids[where] = 18, 70_000 + ball
    classes[:, 0] = ids[:, 0] = 0
    colors = np.array([_COLORS[c] for c in classes.ravel()], np.uint8).reshape(height, width, 3)
    Image.fromarray(colors).save(folder.images / f"{picture}.jpg", quality=95)
    folder.paint(picture, ids)
    content["images"].append(
        {"id": 10 + picture, "file_name": f"{picture}.jpg", "height": height, "width": width}
    )
    content["annotations"].append(
        {
            "image_id": 10 + picture,
            "file_name": f"{picture}.png",
            "segments_info": [
                _segment(ids, 2**24 - 1, 7),
                _segment(ids, 1000 + picture, 200),
                _segment(ids, 70_000, 18),
                _segment(ids, 70_001, 18, iscrowd=int(picture == 0)),
            ],
        }
    )


def _segment(ids: np.ndarray, segment_id: int, category_id: int, iscrowd: int = 0) -> dict:
    rows, columns = np.nonzero(ids == segment_id)
    top, left = int(rows.min()), int(columns.min())
    return {
        "id": segment_id,
        "category_id": category_id,
        "iscrowd": iscrowd,
        "area": len(rows),
        "bbox": [left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1],
    }
