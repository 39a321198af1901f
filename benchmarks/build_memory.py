"""Measures the memory of `maskconver data build` and `data check` for growing numbers of pictures.

    python benchmarks/build_memory.py --counts 100,1000,10000,100000

Pictures have 16 x 16 pixels, because the benchmark asks how much the commands keep for each
picture, not how much one picture needs. All entries name the same few files, which saves disk
space. Each command runs in its own process, with two workers. The table shows its peak resident
set.
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

_NUM_FILES = 64
_NUM_SEGMENTS = 8
_MEASURE = """
import resource, sys
from maskconver_tf.cli.main import main
status = main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
sys.exit(status)
"""


def write_source(root: Path, count: int) -> dict[str, str]:
    """Writes a dataset in COCO panoptic layout; returns its options."""
    rng = np.random.default_rng(0)
    for kind in ("images", "panoptic"):
        (root / kind).mkdir(parents=True)
    segments = [
        {"id": i + 1, "category_id": i + 1, "iscrowd": 0, "area": 32, "bbox": [0, 2 * i, 16, 2]}
        for i in range(_NUM_SEGMENTS)
    ]
    for i in range(_NUM_FILES):
        Image.fromarray(rng.integers(0, 256, [16, 16, 3], np.uint8)).save(root / f"images/{i}.png")
        ids = np.repeat(np.arange(1, _NUM_SEGMENTS + 1, dtype=np.uint8), 32).reshape(16, 16)
        Image.fromarray(np.stack([ids, ids * 0, ids * 0], -1)).save(root / f"panoptic/{i}.png")
    images, annotations = [], []
    for i in range(count):
        name = f"{i % _NUM_FILES}.png"
        images.append({"id": i, "file_name": name, "width": 16, "height": 16})
        annotations.append({"image_id": i, "file_name": name, "segments_info": segments})
    categories = [{"id": i + 1, "name": str(i), "isthing": i % 2} for i in range(_NUM_SEGMENTS)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "panoptic.json").write_text(json.dumps(content))
    paths = {"images": "images", "panoptic": "panoptic", "annotations": "panoptic.json"}
    return {name: str(root / path) for name, path in paths.items()}


def measure(command: list[str]) -> tuple[int, float]:
    """Peak memory of a command in MiB, and its seconds."""
    start = time.monotonic()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *command], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        sys.exit(done.stderr)
    return int(done.stdout.split()[-1]), time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", default="100,1000,10000", help="numbers of pictures")
    args = parser.parse_args()
    print("| pictures | annotations | build | check | seconds of build, check |")
    print("|---|---|---|---|---|")
    for count in map(int, args.counts.split(",")):
        with tempfile.TemporaryDirectory() as root:
            options = write_source(Path(root, "source"), count)
            source = [f"--{name}={path}" for name, path in options.items()]
            size = os.path.getsize(options["annotations"]) / 2**20
            built, build_seconds = measure(
                ["data", "build", *source, f"--out={root}/built", "--workers=2"]
            )
            checked, check_seconds = measure(
                ["data", "check", f"{root}/built", "--workers=2", "--ceiling_pictures=0"]
            )
        print(
            f"| {count} | {size:.1f} MiB | {built} MiB | {checked} MiB "
            f"| {build_seconds:.0f}, {check_seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
