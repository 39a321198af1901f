"""Writes COCO panoptic files that try a scoring program: all rules of void and crowd, odd ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

CATEGORIES = [
    {"id": 3, "name": "cat", "isthing": 1},
    {"id": 7, "name": "dog", "isthing": 1},
    {"id": 8, "name": "never", "isthing": 1},
    {"id": 90, "name": "sky", "isthing": 0},
    {"id": 200, "name": "road", "isthing": 0},
]
USED = [3, 7, 90, 200]
LARGEST_ID = 2**24 - 1


class Files(NamedTuple):
    """A JSON file and its folder of PNG files, for truth and for predictions."""

    truth: Path
    truth_png: Path
    pred: Path
    pred_png: Path

    @property
    def arguments(self) -> list[str]:
        names = ("--truth", "--truth_png", "--pred", "--pred_png")
        return [part for pair in zip(names, map(str, self), strict=True) for part in pair]

    def named(self, stem: str) -> Files:
        """The names of other predictions of the same truth."""
        root = self.pred.parent
        return self._replace(pred=root / f"{stem}.json", pred_png=root / stem)


class Picture(NamedTuple):
    """A map of ids and the entries of `segments_info`."""

    ids: np.ndarray
    infos: list[dict]


def files_in(folder: Path) -> Files:
    return Files(folder / "t.json", folder / "t", folder / "p.json", folder / "p")


def adversarial_pictures(seed: int, count: int = 12) -> list[tuple[int, Picture, Picture]]:
    """Returns image id, truth and prediction of pictures; blocks are shifted, so IoUs vary."""
    random = np.random.default_rng(seed)
    pictures = []
    for number in range(count):
        height, width = random.integers(6, 40, 2)
        cells = random.integers(0, 7, (height // 4 + 1, width // 4 + 1))
        truth = np.kron(cells, np.ones((4, 4), int))[:height, :width]
        shifted = np.roll(truth, random.integers(0, 2, 2), (0, 1))
        predicted = np.where(random.random(truth.shape) < 0.05, random.integers(0, 8), shifted)
        if number == 0:
            truth = np.zeros_like(truth)  # Nothing is labelled.
        if number == 1:
            predicted = np.zeros_like(truth)  # Nothing is predicted.
        if number == 2:
            truth[0, 0] = predicted[0, 0] = 9  # A segment of one pixel, found.
            truth[-1, -1] = 10  # And one that is missed.
        pictures.append(
            (
                int(100 - number),
                _segments(truth, random, crowds=True),
                _segments(predicted, random, crowds=False),
            )
        )
    return pictures


def _segments(numbers: np.ndarray, random: np.random.Generator, crowds: bool) -> Picture:
    """Gives each number but 0 an id up to `LARGEST_ID` and a class; several may be crowds."""
    found = [n for n in np.unique(numbers).tolist() if n]
    drawn = random.choice(LARGEST_ID - 1, len(found), replace=False) + 1
    if found:
        drawn[0] = LARGEST_ID
    ids = np.zeros(int(numbers.max()) + 1, np.int64)
    infos = []
    for number, segment_id in zip(found, drawn.tolist(), strict=True):
        ids[number] = segment_id
        category = USED[number % 4] if random.random() < 0.9 else USED[random.integers(0, 4)]
        is_crowd = crowds and category in (3, 7) and random.random() < 0.5
        info = {"id": segment_id, "category_id": category, "iscrowd": int(is_crowd)}
        infos.append(info | {"area": int((numbers == number).sum()), "score": random.random()})
    random.shuffle(infos)
    return Picture(ids[numbers], infos)


def write_side(json_path: Path, png_folder: Path, pictures: list[tuple[int, Picture]]) -> None:
    """Writes one side; `categories` too, as COCO's truth has them."""
    png_folder.mkdir(parents=True, exist_ok=True)
    annotations = []
    for image_id, picture in pictures:
        write_ids(png_folder / f"{image_id}.png", picture.ids)
        annotations.append(
            {
                "image_id": image_id,
                "file_name": f"{image_id}.png",
                "segments_info": picture.infos,
            }
        )
    content = {"annotations": annotations, "categories": CATEGORIES}
    json_path.write_text(json.dumps(content))


def write_ids(path: Path, ids: np.ndarray) -> None:
    shifts = np.array([0, 8, 16])
    Image.fromarray((ids[..., None] >> shifts & 255).astype(np.uint8)).save(path)


def write_files(folder: Path, pictures: list[tuple[int, Picture, Picture]]) -> Files:
    files = files_in(folder)
    write_side(files.truth, files.truth_png, [(i, truth) for i, truth, _ in pictures])
    write_side(files.pred, files.pred_png, [(i, predicted) for i, _, predicted in pictures])
    return files
