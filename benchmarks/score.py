"""Times `maskconver score` against COCO's program and hotcoco on the same files.

It writes pictures of 480 x 640 with 15 segments, and runs each program in turn, several times. It
prints the best time of each, in seconds and per picture. COCO's program is panopticapi-lite, which
packages panopticapi's evaluation; it runs in one process. Each library is left out if the given
Python lacks it:

    python -m venv other && other/bin/pip install hotcoco pillow numpy
    other/bin/pip install --no-deps panopticapi-lite
    python benchmarks/score.py --pictures 500 --other other/bin/python
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH, NUM_SEGMENTS, NUM_CLASSES = 480, 640, 15, 133

_COCO = """
from panopticapi import evaluation
def one_core(annotations, *arguments):
    return evaluation.pq_compute_single_core(0, annotations, *arguments)
evaluation.pq_compute_multi_core = one_core
evaluation.pq_compute("t.json", "p.json", "t", "p")
"""
_HOTCOCO = """
from hotcoco import panoptic
panoptic.PanopticEval("t.json", "p.json", gt_folder="t", pred_folder="p").run()
"""
_OURS = (
    "import sys; from maskconver_tf.cli.main import main; sys.exit(main(['score', '--truth', "
    "'t.json', '--truth_png', 't', '--pred', 'p.json', '--pred_png', 'p', *sys.argv[1:]]))"
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--other", help="Python with hotcoco and panopticapi-lite")
    args = parser.parse_args()
    commands = {
        "maskconver score --workers 1": [sys.executable, "-c", _OURS, "--workers", "1"],
        "maskconver score": [sys.executable, "-c", _OURS],
        "maskconver score --boundary": [sys.executable, "-c", _OURS, "--boundary"],
    }
    if args.other:
        commands["COCO's program, one process"] = [args.other, "-c", _COCO]
        commands["hotcoco"] = [args.other, "-c", _HOTCOCO]
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), args.pictures)
        best = dict.fromkeys(commands, (np.inf, np.inf))
        for _ in range(args.rounds):
            for name, command in commands.items():
                best[name] = tuple(np.minimum(best[name], _times(command, folder)))
    print(f"{args.pictures} pictures, best of {args.rounds}: wall clock, processor time")
    for name, (wall, cpu) in best.items():
        print(
            f"{name:30s} {wall:8.2f} s {cpu:8.2f} s {1e3 * cpu / args.pictures:8.2f} ms a picture"
        )


def _times(command: list[str], folder: str) -> tuple[float, float]:
    """Runs a command; returns its wall clock and the processor time of it and its children."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, cpu


def write_files(folder: Path, count: int) -> None:
    """Writes truth t.json with t/ and predictions p.json with p/."""
    random = np.random.default_rng(0)
    categories = [
        {"id": i, "name": f"class {i}", "isthing": int(i <= 80)} for i in range(1, NUM_CLASSES + 1)
    ]
    sides = {"t": [], "p": []}
    for number in range(count):
        points = random.random((NUM_SEGMENTS, 2)) * [HEIGHT, WIDTH]
        classes = random.integers(1, NUM_CLASSES + 1, NUM_SEGMENTS)
        changed = np.where(random.random(NUM_SEGMENTS) < 0.2, random.permutation(classes), classes)
        moved = points + random.normal(0, 8, points.shape)
        for side, centers, own in (("t", points, classes), ("p", moved, changed)):
            entry = _write_map(folder / side, number, centers, own, random)
            sides[side].append(entry)
    for side, entries in sides.items():
        content = {"annotations": entries, "categories": categories}
        (folder / f"{side}.json").write_text(json.dumps(content))


def _write_map(
    folder: Path, number: int, points: np.ndarray, classes: np.ndarray, random: np.random.Generator
) -> dict:
    """Writes the cells around points, with wavy borders; returns the picture's annotation."""
    folder.mkdir(exist_ok=True)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    columns += 8 * np.sin(rows / 7 + number)
    distances = [(rows - y) ** 2 + (columns - x) ** 2 for y, x in points.tolist()]
    cells = np.argmin(distances, axis=0)
    ids = random.choice(2**24 - 1, len(points), replace=False) + 1
    pixels = (ids[cells][..., np.newaxis] >> np.array([0, 8, 16]) & 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"{number}.png")
    areas = np.bincount(cells.ravel(), minlength=len(points))
    infos = [
        {"id": i, "category_id": c, "area": a, "iscrowd": 0, "bbox": [0, 0, 1, 1]}
        for i, c, a in zip(ids.tolist(), classes.tolist(), areas.tolist(), strict=True)
        if a
    ]
    return {"image_id": number, "file_name": f"{number}.png", "segments_info": infos}


if __name__ == "__main__":
    main()
