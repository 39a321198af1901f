"""Times the fusion against the plain one, which computes every product of every pixel.

    python benchmarks/fusion.py

Masks are smooth blobs that cover the picture, one a proposal, with soft borders and noise, as a
trained model gives them; --masks noise draws every logit by itself, the worst case. Several
proposals share a blob if there are more proposals than --blobs. Both forms run on the same
proposals, in turns, after one call that is not timed. Times are processor time, summed over cores:
other programs change it less than --clock wall. Memory is what a fresh process needs above
its state before the first call, less the finished map; the map alone has 4 bytes a pixel.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.unit.postprocess.plain_fusion import PlainFusion

STRIDE = 4
EMBEDDING_WIDTH = 256
CASES = ((480, 640, 20), (480, 640, 256), (3000, 4000, 20), (3000, 4000, 256), (6000, 8000, 20))
NUM_CLASSES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--masks", choices=("blobs", "noise"), default="blobs", help="kind (default: blobs)"
    )
    parser.add_argument("--blobs", type=int, default=20, help="number of different blobs")
    parser.add_argument("--grid", type=int, default=160, help="side of the mask grid in cells")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each form")
    parser.add_argument(
        "--clock", choices=("processor", "wall"), default="processor", help="default: processor"
    )
    parser.add_argument(
        "--case",
        type=int,
        nargs=3,
        action="append",
        metavar=("H", "W", "N"),
        help="height and width of the picture, and number of proposals; may be repeated",
    )
    parser.add_argument("--memory_of", choices=("plain", "border"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    cases = args.case or CASES
    if args.memory_of:
        print(json.dumps(peak_memory(args, *cases[0])))
        return
    print(
        "| picture | proposals | segments | plain | by border | ratio | memory: plain | by border |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for case in cases:
        print(row(args, *case), flush=True)


def row(args: argparse.Namespace, height: int, width: int, count: int) -> str:
    """Times one case and returns its row of the table."""
    proposals = random_proposals(args, height, width, count)
    fusions = {"plain": PlainFusion(0.01), "border": PanopticFusion(0.01)}
    calls = {name: caller(fusion, proposals, height, width) for name, fusion in fusions.items()}
    found, expected = calls["border"](), calls["plain"]()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    times: dict[str, list[float]] = {name: [] for name in calls}
    clock = time.perf_counter if args.clock == "wall" else time.process_time
    for _ in range(args.runs):
        for name, call in calls.items():
            start = clock()
            call()
            times[name].append(clock() - start)
    plain, border = (statistics.median(times[name]) for name in ("plain", "border"))
    memory = [measure(args, name, height, width, count) for name in ("plain", "border")]
    segments = len(found[types.SEGMENT_IDS])
    return (
        f"| {height}x{width} | {count} | {segments} | {1000 * plain:.0f} ms | "
        f"{1000 * border:.0f} ms | {plain / border:.1f} | {memory[0]:.0f} MB | {memory[1]:.0f} MB |"
    )


def caller(fusion, proposals: dict[str, tf.Tensor], height: int, width: int):
    """Returns a call of the traced fusion, of arrays for which nothing can be computed ahead."""
    is_thing = tf.constant([True, False] * (NUM_CLASSES // 2))

    @tf.function(autograph=False)
    def fuse(proposals, content_size, image_size):
        return fusion(proposals, content_size, image_size, is_thing, STRIDE)

    rows, columns = content_cells(proposals[types.MASK_FEATURES].shape[0], height, width)
    content_size = tf.constant([rows * STRIDE, columns * STRIDE])
    image_size = tf.constant([height, width])
    return lambda: {k: v.numpy() for k, v in fuse(proposals, content_size, image_size).items()}


def content_cells(grid: int, height: int, width: int) -> tuple[int, int]:
    """Cells of a picture that is scaled to fit a square grid."""
    scale = grid / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def random_proposals(
    args: argparse.Namespace, height: int, width: int, count: int
) -> dict[str, tf.Tensor]:
    """Makes proposals whose masks are products of embeddings and features, as a model's are."""
    rng = np.random.default_rng(0)
    logits = noise(rng, args.grid, count) if args.masks == "noise" else blobs(rng, args, count)
    # Embeddings pick one of the first features; the other features are multiplied by zeros.
    width = max(EMBEDDING_WIDTH, count)
    features = np.zeros([args.grid, args.grid, width], np.float32)
    features[..., :count] = logits
    return {
        types.PROPOSAL_SCORES: tf.constant(np.sort(rng.uniform(0.02, 1, count))[::-1], tf.float32),
        types.PROPOSAL_CLASS_IDS: tf.constant(rng.integers(0, NUM_CLASSES, count), tf.int32),
        types.MASK_EMBEDDINGS: tf.eye(count, width),
        types.MASK_FEATURES: tf.constant(features),
    }


def noise(rng: np.random.Generator, grid: int, count: int) -> np.ndarray:
    return rng.normal(scale=4.0, size=[grid, grid, count])


def blobs(rng: np.random.Generator, args: argparse.Namespace, count: int) -> np.ndarray:
    """Logits of blobs: each is high where its smooth random field is the largest of all."""
    number = min(args.blobs, count)
    seeds = rng.normal(size=[8, 8, number]).astype(np.float32)
    fields = tf.image.resize(seeds, [args.grid, args.grid], "bicubic").numpy()
    rest = np.sort(fields, axis=2)
    others = np.where(fields == rest[..., -1:], rest[..., -2:-1], rest[..., -1:])
    logits = np.clip(30.0 * (fields - others), -9.0, 9.0)
    logits = np.concatenate([logits] * (-(-count // number)), axis=2)[..., :count]
    coarse = rng.normal(scale=0.7, size=[args.grid // 4, args.grid // 4, count])
    return logits + tf.image.resize(coarse, [args.grid, args.grid], "bicubic").numpy()


def measure(args: argparse.Namespace, name: str, height: int, width: int, count: int) -> float:
    """Runs `peak_memory` in a fresh process; MB."""
    command = [sys.executable, __file__, "--memory_of", name, "--masks", args.masks]
    command += ["--blobs", str(args.blobs), "--grid", str(args.grid)]
    command += ["--case", str(height), str(width), str(count)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def peak_memory(args: argparse.Namespace, height: int, width: int, count: int) -> float:
    """Most memory of one call above the state before it and above the map's own; MB."""
    fusion = PlainFusion(0.01) if args.memory_of == "plain" else PanopticFusion(0.01)
    small = random_proposals(args, 16, 16, 2)
    caller(fusion, small, 16, 16)()  # Starts the threads and loads the kernels.
    call = caller(fusion, random_proposals(args, height, width, count), height, width)
    before, peak, done = resident(), 0.0, threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    call()
    done.set()
    watcher.join()
    return max(0.0, peak - before - 4e-6 * height * width)


def resident() -> float:
    """Resident memory of this process; MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
