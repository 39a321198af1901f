"""Measures the mask loss beside a loss over dense masks, and the whole training step.

    python benchmarks/train_step.py [--runs 10] [--only mask_loss] [--xla]

The dense loss is a plain form of the usual one. Each slot has a float mask at half the input size.
The logits are upsampled to it bilinearly, and cross-entropy and Dice are computed for each slot.
Both losses get the same random segments and logits. The step is that of the mobile model: it
computes losses and gradients for a batch and updates the weights.

Each case runs in its own process. Its memory is the peak resident set during the case (labels,
logits, forward, backward) minus the resident set before it (TensorFlow and the traced graph; for a
step also the model). The last column is the peak of the whole process. Processor time is the sum
over all threads. On a shared machine it says more than the clock.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from timing import seconds

from maskconver_tf import types
from maskconver_tf.config import configuration
from maskconver_tf.input.targets import TargetBuilder
from maskconver_tf.losses.mask_losses import mask_losses
from maskconver_tf.planning.preflight.step_program import StepProgram
from maskconver_tf.training.train import train

BATCH = 4
NUM_SEGMENTS = 40
NUM_CLASSES = 133
MODEL = Path(__file__).parents[1] / "experiments/model/mobilenet_mh_640.gin"
Run = Callable[[], object]
"""Computes one round of a case and waits for the result."""


# ---- Cases: each traces its function, calls `start`, then makes its inputs -----------------------
def mask_loss(dense: bool, start: Callable[[], None], size: int = 256, num_slots: int = 100) -> Run:
    """Forward and backward from logits at stride 4."""
    labels = labels_of(size, num_slots)
    slot_map = labels[types.SLOT_MAP]
    present = tf.cast(labels[types.SLOT_CLASS_IDS] >= 0, tf.float32)
    losses = dense_mask_losses if dense else mask_losses

    @tf.function(autograph=False)
    def compute(logits: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(logits)
            bce, dice = losses(logits, targets)
            loss = tf.reduce_sum(present * (bce + dice))
        return loss, tape.gradient(loss, logits)

    shape = [BATCH, size // 4, size // 4, num_slots]
    targets = tf.TensorSpec([*slot_map.shape, num_slots]) if dense else slot_map
    compute.get_concrete_function(tf.TensorSpec(shape), targets)
    start()
    logits = tf.random.stateless_normal(shape, seed=[0, 0], stddev=3.0)
    targets = tf.one_hot(tf.cast(slot_map, tf.int32) - 1, num_slots) if dense else slot_map
    return lambda: compute(logits, targets)[0].numpy()


def dense_mask_losses(mask_logits: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """BCE and Dice `[B, K]` over dense targets `[B, H / 2, W / 2, K]`, which are 0 where void."""
    logits = tf.image.resize(mask_logits, targets.shape[1:3])
    valid = tf.reduce_sum(targets, axis=3, keepdims=True)
    cells = valid * tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    scores = valid * tf.sigmoid(logits)
    maps = (cells, valid, targets * scores, targets + scores)
    cross_entropy, num_valid, overlap, areas = (tf.reduce_sum(x, axis=[1, 2]) for x in maps)
    return cross_entropy / num_valid, 1.0 - (2.0 * overlap + 1.0) / (areas + 1.0)


def step(size: int, xla: bool, start: Callable[[], None], num_slots: int = 50) -> Run:
    """One step of the mobile model, built as `maskconver train` builds it."""
    settings = [f"TargetBuilder.num_slots={num_slots}", "make_optimizer.name='sgd'"]
    settings += ["TRAIN_DATA=''", "EVAL_DATA=''", f"INPUT_SIZE=({size}, {size})"]
    settings += [f"TrainingInput.batch_size={BATCH}"]
    configuration.load([MODEL], settings)
    arguments = configuration.arguments_of(train, supplied=["model_dir", "on_built"])
    trainer = StepProgram(arguments, NUM_CLASSES).training_step
    compute = tf.function(trainer.replica_step, autograph=False, jit_compile=xla or None)
    images = tf.random.stateless_uniform([BATCH, size, size, 3], [0, 0], 0, 256, tf.int32)
    batch = labels_of(size, num_slots) | {types.IMAGE: tf.cast(images, tf.uint8)}
    compute.get_concrete_function(batch)
    start()
    return lambda: compute(batch).numpy()


def labels_of(size: int, num_slots: int) -> dict[str, tf.Tensor]:
    """Labels of a batch of pictures with random overlapping rectangles and void around them."""
    rng = np.random.default_rng(0)
    build = TargetBuilder(num_slots, (3, 4, 5), (64, 128))
    examples = []
    for _ in range(BATCH):
        segment_map = np.zeros([size, size], np.int32)
        for number in range(1, NUM_SEGMENTS + 1):
            top, left, height, width = rng.integers([0, 0, size // 16, size // 16], size // 3 * 2)
            segment_map[top : top + height, left : left + width] = number
        class_ids = tf.constant(rng.integers(0, NUM_CLASSES, NUM_SEGMENTS), tf.int32)
        examples.append(build(segment_map, class_ids, tf.zeros([NUM_SEGMENTS], tf.bool)))
    return {name: tf.stack([one[name] for one in examples]) for name in examples[0]}


CASES = {
    "mask_loss_ours": lambda xla, start: mask_loss(False, start),
    "mask_loss_dense": lambda xla, start: mask_loss(True, start),
    "step_256": lambda xla, start: step(256, xla, start),
    "step_640": lambda xla, start: step(640, xla, start),
}


# ---- Measuring -----------------------------------------------------------------------------------
def measure(name: str, runs: int, xla: bool) -> dict[str, float]:
    """Median seconds and peak MiB of a case, which runs in this process."""
    before = []

    def start() -> None:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # Resets the peak.
        before.append(resident("VmRSS"))

    run = CASES[name](xla, start)
    run()  # The first round is not timed, but its memory counts.
    rounds = [seconds(run) for _ in range(runs)]
    clock, processors = (statistics.median(times) for times in zip(*rounds))
    peak = resident("VmHWM")
    return {"clock": clock, "processors": processors, "above": peak - before[0], "peak": peak}


def resident(field: str) -> float:
    """A field of /proc/self/status in MiB."""
    return int(re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10, help="timed rounds of each case")
    parser.add_argument("--only", default="", help="run only cases with names that begin with this")
    parser.add_argument("--xla", action="store_true", help="compile the steps with XLA")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(measure(args.case, args.runs, args.xla)))
        return
    print("| case | clock | processor time | memory of the case | whole process |")
    print("|---|---|---|---|---|")
    found = {}
    for name in (name for name in CASES if name.startswith(args.only)):
        options = ["--runs", str(args.runs), *["--xla"] * args.xla]
        command = [sys.executable, __file__, "--case", name, *options]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found[name] = row = json.loads(done.stdout)
        times = f"{1000 * row['clock']:.0f} ms | {1000 * row['processors']:.0f} ms"
        print(f"| {name} | {times} | {row['above']:.0f} MiB | {row['peak']:.0f} MiB |", flush=True)
    if {"mask_loss_ours", "mask_loss_dense"} <= found.keys():
        ours, dense = found["mask_loss_ours"], found["mask_loss_dense"]
        ratios = [dense[key] / ours[key] for key in ("clock", "processors", "above")]
        print("| dense / ours | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " | |")


if __name__ == "__main__":
    main()
