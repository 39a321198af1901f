"""Measures memory and time of `predict --tile` on a large picture, without the network.

    python benchmarks/tiles_memory.py --sides 5000,10000,20000

It writes a mosaic of cells as a file, reads it row by row, segments each window by connected areas
in place of a network, joins the windows, and writes a label TIFF and COCO's PNG. Each size and kind
of file runs in its own process. The table shows the peak resident set of that process, and the
number of joined things, which must equal the number of cells. A network adds its own memory, which
does not grow with the picture.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.inference.connected_parts import connected_parts
from maskconver_tf.inference.output_formats.coco import CocoOutput
from maskconver_tf.inference.output_formats.label_tiff import LabelTiffOutput
from maskconver_tf.inference.predictor import Predictor
from maskconver_tf.inference.tiles.large_files import write_id_png
from maskconver_tf.inference.tiles.row_reading import read_rows
from maskconver_tf.inference.tiles.tiled_predictor import TiledPredictor
from maskconver_tf.inference.tiles.windows import TileSize

_CELL = 50
_DISC = 20
_BAND = 500
_TILE = 400
"""A multiple of 16, as TIFF demands, and of a cell."""


def bands(side: int):
    """Yields rows of a picture with a disc in each square of 50 pixels, int32 `[500, side]`."""
    y, x = np.mgrid[:_CELL, :_CELL]
    disc = (np.hypot(y - _CELL / 2, x - _CELL / 2) < _DISC).astype(np.int32) * 0xC8C8C8
    band = np.tile(disc, (_BAND // _CELL, -(-side // _CELL)))[:, :side]
    for _ in range(-(-side // _BAND)):
        yield band


def write_picture(path: Path, side: int) -> None:
    if path.suffix == ".png":
        write_id_png(path, side, side, bands(side))
        return
    tile = np.repeat(next(bands(_TILE))[:_TILE, :, None] & 255, 3, axis=-1).astype(np.uint8)
    count = (-(-side // _TILE)) ** 2
    tifffile.imwrite(
        path, itertools.repeat(tile, count), shape=(side, side, 3), dtype=np.uint8,
        tile=(_TILE, _TILE), photometric="rgb", compression="zlib",
    )  # fmt: skip


def segment(image: np.ndarray) -> dict[str, np.ndarray]:
    """Finds each bright connected area as a thing."""
    parts, values = connected_parts((image[..., 0] > 100).astype(np.int32))
    count = len(values)
    return {
        types.PANOPTIC_MAP: parts,
        types.SEGMENT_IDS: np.arange(1, count + 1),
        types.SEGMENT_CLASS_IDS: np.zeros(count, np.int64),
        types.SEGMENT_SCORES: np.full(count, 0.9, np.float32),
    }


def predict(path: Path, out: Path) -> None:
    """Predicts one picture and prints peak memory in MB, seconds and the number of things."""
    start = time.time()
    predictor = Predictor(segment, Categories.from_names(["cell"]))
    found = TiledPredictor(predictor, TileSize(640, 640, 128))(read_rows(str(path)))
    for output in (LabelTiffOutput(), CocoOutput()):
        for name in output.files("a").values():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
        output.write(out, "a", str(path), found)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(peak, round(time.time() - start), len(found.segments))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", default="5000,10000", help="sides of the pictures in pixels")
    parser.add_argument("--predict", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.predict:
        predict(*map(Path, args.predict))
        return
    print("side  file  peak MB  seconds  things  cells")
    for side in map(int, args.sides.split(",")):
        for suffix in ("tif", "png"):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"picture.{suffix}"
                write_picture(path, side)
                command = [sys.executable, __file__, "--predict", str(path), folder]
                told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                print(side, suffix, *told.split(), (side // _CELL) ** 2, flush=True)


if __name__ == "__main__":
    main()
