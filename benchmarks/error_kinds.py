"""Draws one small picture for each kind of error, for docs/evaluation.md, and prints its errors.

Left: the truth, right: the prediction. Blue and light blue are two cats, orange is a dog, the rest
is the sky.

python benchmarks/error_kinds.py docs/images
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from maskconver_tf.datasets.categories import Categories, Category
from maskconver_tf.evaluation.lost_quality.picture_errors import picture_errors
from maskconver_tf.types import Segment

CELL, GAP, TITLE, COLUMNS = 15, 14, 16, 4
CATEGORIES = Categories(
    (Category(1, "cat", True), Category(2, "dog", True), Category(3, "sky", False))
)
CLASSES = {"c": 0, "k": 0, "d": 1, "s": 2}
COLORS = {"c": "#3b76af", "k": "#7fb2dc", "d": "#f0b45a", "s": "#f4f4f4"}
SKY = ["ssssssss"]
EMPTY = SKY * 6
PICTURES = {
    "missed": (SKY + ["ssccssss"] * 2 + SKY * 3, EMPTY),
    "invented": (EMPTY, SKY + ["ssccssss"] * 2 + SKY * 3),
    "wrong_class": (
        SKY + ["scccssss"] * 2 + SKY * 3,
        SKY + ["sddsssss"] * 2 + ["sdssssss"] + SKY * 2,
    ),
    "poor_mask": (SKY + ["sccccsss"] * 2 + SKY * 3, SKY + ["sccsssss"] * 2 + SKY * 3),
    "merged": (SKY + ["scckksss"] * 2 + SKY * 3, SKY + ["sccccsss"] * 2 + SKY * 3),
    "split": (SKY + ["sccccsss"] * 2 + SKY * 3, SKY + ["scckksss"] * 2 + SKY * 3),
    "drawn_over": (
        [*SKY, "sdddddss", "sdccddss", "sdccddss", "sdddddss", *SKY],
        [*SKY, "sdddddss", "sddcddss", "sdddddss", "sdddddss", *SKY],
    ),
    "inexact_mask": (SKY + ["scccssss"] * 2 + SKY * 3, SKY + ["sccsssss"] * 2 + SKY * 3),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder for the pictures")
    out = parser.parse_args().out
    tiles = [_tile(name, *rows) for name, rows in PICTURES.items()]
    width, height = tiles[0].size
    lines = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (width + GAP), lines * (height + GAP)), "white")
    for number, tile in enumerate(tiles):
        line, column = divmod(number, COLUMNS)
        sheet.paste(tile, (column * (width + GAP) + GAP // 2, line * (height + GAP) + GAP // 2))
    sheet.save(out / "error_kinds.png", optimize=True)
    for name, rows in PICTURES.items():
        print(f"{name}: {', '.join(errors_of(*rows))}")


def errors_of(truth: list[str], predicted: list[str]) -> list[str]:
    """Returns the kinds of the errors of things, each with what it costs in segments."""
    found = picture_errors(*_side(truth), *_side(predicted), CATEGORIES).errors
    return [f"{e.kind} {e.lost:.2f}" for e in found if CATEGORIES[e.class_id].isthing]


def _side(rows: list[str]) -> tuple[np.ndarray, list[Segment]]:
    ids = np.array([[ord(letter) for letter in row] for row in rows])
    return ids, [Segment(i, CLASSES[chr(i)]) for i in np.unique(ids).tolist()]


def _tile(name: str, truth: list[str], predicted: list[str]) -> Image.Image:
    """Draws truth and prediction beside each other."""
    width, height = len(truth[0]) * CELL, len(truth) * CELL
    tile = Image.new("RGB", (2 * width + 6, height + TITLE), "white")
    pen = ImageDraw.Draw(tile)
    pen.text((0, 1), name, fill="black")
    for left, rows in ((0, truth), (width + 6, predicted)):
        for y, row in enumerate(rows):
            for x, letter in enumerate(row):
                corner = left + x * CELL, TITLE + y * CELL
                box = (*corner, corner[0] + CELL - 1, corner[1] + CELL - 1)
                pen.rectangle(box, fill=COLORS[letter], outline="#c8c8c8")
    return tile


if __name__ == "__main__":
    main()
