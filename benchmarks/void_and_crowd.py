"""Draws the rules of void and crowd for docs/evaluation.md, and prints what they count.

python benchmarks/void_and_crowd.py docs/images
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from maskconver_tf.evaluation.scoring.score import score_files

CELL, GAP, TITLE = 34, 26, 20
COLORS = {"void": "#d9d9d9", "crowd": "#f0b45a", "cat": "#3b76af", "other": "#7fb2dc"}
CATEGORIES = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}]

VOID_TRUTH = ["....XXXX", ".1111XXX", ".1111XXX", "....XXXX"]
VOID_PREDICTION = ["......22", ".11111.2", ".1111..2", "......22"]
CROWD_TRUTH = [".CCCCCC.", ".CCCCCC.", ".111....", ".111...."]
CROWD_PREDICTION = [".2233...", ".2233.44", ".111..44", ".111..44"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder for the pictures")
    out = parser.parse_args().out
    for name, truth, prediction in (
        ("void", VOID_TRUTH, VOID_PREDICTION),
        ("crowd", CROWD_TRUTH, CROWD_PREDICTION),
    ):
        draw(truth, prediction).save(out / f"{name}.png", optimize=True)
        cat = score(truth, prediction)
        counts = ", ".join(f"{cat[key]} {key.upper()}" for key in ("tp", "fp", "fn"))
        print(f"{name}: {counts}, SQ {cat['sq']:.1f}")


def draw(truth: list[str], prediction: list[str]) -> Image.Image:
    """Draws both maps side by side, each cell with its letter."""
    height, width = len(truth) * CELL, len(truth[0]) * CELL
    picture = Image.new("RGB", (2 * width + GAP, height + TITLE), "white")
    pen = ImageDraw.Draw(picture)
    for left, title, rows in ((0, "truth", truth), (width + GAP, "prediction", prediction)):
        pen.text((left + 2, 3), title, fill="black")
        for y, row in enumerate(rows):
            for x, letter in enumerate(row):
                corner = left + x * CELL, TITLE + y * CELL
                end = corner[0] + CELL - 1, corner[1] + CELL - 1
                pen.rectangle((*corner, *end), fill=_color(letter), outline="#888888")
                shown = {"X": "void", "C": "crowd", ".": "sky"}.get(letter, f"cat {letter}")
                pen.text((corner[0] + 3, corner[1] + 11), shown, fill="black")
    return picture


def _color(letter: str) -> str:
    names = {"X": "void", "C": "crowd", "1": "cat"}
    return "#ffffff" if letter == "." else COLORS[names.get(letter, "other")]


def score(truth: list[str], prediction: list[str]) -> dict:
    """Scores one picture and returns the counts of the cats."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for side, rows in (("t", truth), ("p", prediction)):
            _write(folder, side, rows)
        sides = [(folder / f"{side}.json", folder / side) for side in ("t", "p")]
        return score_files(coco_pairs(sides[0], sides[1:]), 1).results["per_class"]["cat"]


def _write(folder: Path, side: str, rows: list[str]) -> None:
    letters = np.array([list(row) for row in rows])
    (folder / side).mkdir()
    ids, infos = np.zeros(letters.shape, np.uint8), []
    for number, letter in enumerate(sorted(set(letters.ravel().tolist()) - {"X"}), start=1):
        ids[letters == letter] = number
        info = {"id": number, "category_id": 2 if letter == "." else 1}
        infos.append(info | {"iscrowd": int(letter == "C")})
    Image.fromarray(np.stack([ids, ids * 0, ids * 0], axis=-1)).save(folder / side / "1.png")
    entry = {"image_id": 1, "file_name": "1.png", "segments_info": infos}
    content = {"annotations": [entry], "categories": CATEGORIES}
    (folder / f"{side}.json").write_text(json.dumps(content))


if __name__ == "__main__":
    main()
