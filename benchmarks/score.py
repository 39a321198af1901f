"""Times `maskconver score` against COCO's program and hotcoco on the same files.

It writes pictures of 480 x 640 with 15 segments, and runs each program in turn, several times. It
prints the best time of each, in seconds and per picture, and the memory of its largest process.
"decoding alone" reads both id maps of each picture in one process and counts nothing: no evaluation
with this decoder can take less processor time. COCO's program is panopticapi-lite, which
packages panopticapi's evaluation; it runs in one process. Each library is left out if the given
Python lacks it:

    python -m venv other && other/bin/pip install hotcoco pillow numpy
    other/bin/pip install --no-deps panopticapi-lite
    python benchmarks/score.py --pictures 500 --other other/bin/python

`--distinct 200` draws 200 pictures only; the others are hard links to them under other names.
"""

from __future__ import annotations

import argparse
import json
import os
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
_DECODING = """
import pathlib
from maskconver_tf.evaluation.scoring.score_pictures import reuse_freed_memory
from maskconver_tf.files.encoded_pictures.rgb_pixels import read_rgb_pixels
reuse_freed_memory()
for path in pathlib.Path("t").iterdir():
    for side in "tp":
        read_rgb_pixels(pathlib.Path(side, path.name).read_bytes())
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=500, help="number (default: 500)")
    parser.add_argument("--distinct", type=int, help="pictures to draw (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each program (default: 3)")
    parser.add_argument("--other", help="Python with hotcoco and panopticapi-lite")
    args = parser.parse_args()
    commands = {
        "decoding alone, one process": [sys.executable, "-c", _DECODING],
        "maskconver score --workers 1": [sys.executable, "-c", _OURS, "--workers", "1"],
        "maskconver score": [sys.executable, "-c", _OURS],
        "maskconver score --boundary": [sys.executable, "-c", _OURS, "--boundary"],
    }
    if args.other:
        commands["COCO's program, one process"] = [args.other, "-c", _COCO]
        commands["hotcoco"] = [args.other, "-c", _HOTCOCO]
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), args.pictures, args.distinct or args.pictures)
        best = dict.fromkeys(commands, (np.inf, np.inf, np.inf))
        for _ in range(args.rounds):
            for name, command in commands.items():
                best[name] = tuple(np.minimum(best[name], _costs(command, folder)))
    print(f"{args.pictures} pictures, best of {args.rounds}: wall clock, processor time, memory")
    for name, (wall, cpu, memory) in best.items():
        each = 1e3 * cpu / args.pictures
        print(f"{name:30s} {wall:8.2f} s {cpu:8.2f} s {each:8.2f} ms a picture {memory:6.0f} MB")


def _costs(command: list[str], folder: str) -> tuple[float, float, float]:
    """Runs a command.

    Returns:
      its wall clock and the processor time of it and its children in seconds; the most memory that
      one of these processes had, in MB.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, cwd=folder, stdout=errors, stderr=errors)
        memory, found = 0.0, 0
        while not found:
            memory = max(memory, _most_memory(process.pid))
            time.sleep(0.05)
            found, status, usage = os.wait4(process.pid, os.WNOHANG)
        if status:
            errors.seek(0)
            sys.exit(f"{command}: {errors.read().decode()}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, memory


def _most_memory(pid: int) -> float:
    """Returns the most memory that a process or a child of it has had, in MB; 0 after its end."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    own = text.partition("VmHWM:")[2].split()
    return max([float(own[0]) / 1024 if own else 0.0, *map(_most_memory, map(int, children))])


def write_files(folder: Path, count: int, distinct: int) -> None:
    """Writes truth t.json with t/ and predictions p.json with p/; draws `distinct` pictures."""
    random = np.random.default_rng(0)
    categories = [
        {"id": i, "name": f"class {i}", "isthing": int(i <= 80)} for i in range(1, NUM_CLASSES + 1)
    ]
    sides = {"t": [], "p": []}
    for number in range(distinct):
        points = random.random((NUM_SEGMENTS, 2)) * [HEIGHT, WIDTH]
        classes = random.integers(1, NUM_CLASSES + 1, NUM_SEGMENTS)
        changed = np.where(random.random(NUM_SEGMENTS) < 0.2, random.permutation(classes), classes)
        moved = points + random.normal(0, 8, points.shape)
        for side, centers, own in (("t", points, classes), ("p", moved, changed)):
            entry = _write_map(folder / side, number, centers, own, random)
            sides[side].append(entry)
    for side, entries in sides.items():
        for number in range(distinct, count):
            name = f"{number}.png"
            os.link(folder / side / f"{number % distinct}.png", folder / side / name)
            entries.append(entries[number % distinct] | {"image_id": number, "file_name": name})
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
