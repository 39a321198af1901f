"""One small picture as COCO panoptic files that a test can change."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from maskconver_tf.evaluation.scoring.score import score_files

CATEGORIES = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 2, "name": "sky", "isthing": 0},
]
MAP = np.array([[1, 1, 2, 2], [1, 1, 2, 2]])


class SmallFiles:
    """Truth and prediction of pictures 7 and 8; the prediction is the truth."""

    def __init__(self, folder: Path):
        self.truth, self.pred = folder / "t.json", folder / "p.json"
        for path in (self.truth, self.pred):
            entries = [entry_of(image_id) for image_id in (7, 8)]
            path.write_text(json.dumps({"annotations": entries, "categories": CATEGORIES}))
            path.with_suffix("").mkdir()
            for image_id in (7, 8):
                write_map(path.with_suffix("") / f"{image_id}.png", MAP)

    @contextlib.contextmanager
    def edit(self, path: Path) -> Iterator[list]:
        """The annotations of a file, written back when the block ends."""
        content = json.loads(path.read_text())
        yield content["annotations"]
        path.write_text(json.dumps(content))

    @property
    def arguments(self) -> list[str]:
        return ["--truth", str(self.truth), "--pred", str(self.pred)]

    def results(self, workers: int = 1, **options: bool) -> dict:
        sides = [(path, path.with_suffix("")) for path in (self.truth, self.pred)]
        pairs = coco_pairs(sides[0], sides[1:], **options)
        return score_files(pairs, workers, options.get("strict", False)).results


def entry_of(image_id: int) -> dict:
    infos = [{"id": i, "category_id": i, "iscrowd": 0, "area": 4, "score": 0.5} for i in (1, 2)]
    return {"image_id": image_id, "file_name": f"{image_id}.png", "segments_info": infos}


def write_map(path: Path, ids: np.ndarray) -> None:
    Image.fromarray((ids[..., None] >> np.array([0, 8, 16]) & 255).astype(np.uint8)).save(path)
