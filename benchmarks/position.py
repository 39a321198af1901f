"""Measures the window around each center: the time of its two forms, and their errors.

    python benchmarks/position.py

The first table has the time of the mask product with softplus and gradient: without a window, with
the window added (training), and with the window as more channels. The second table has the largest
error of a window, inside it, as a dot product of 4 plain channels and of our 10 channels, in
float32 and through float16. docs/decisions/position.md explains both.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from maskconver_tf.ops.centers import cell_middles
from maskconver_tf.ops.masks import mask_logits
from maskconver_tf.ops.positions import add_windows, append_windows, falloff_in_pixels

STRIDE, LEVEL, NUM_CENTERS = 4, 3, 64
RUNS = 8


def main() -> None:
    print("| B, mask grid, D, K | no window | added | as more channels |\n|---|---|---|---|")
    for sizes in ((8, 32, 64, 64), (4, 64, 128, 128), (1, 160, 256, 128)):
        times = [f"{1e3 * seconds:.1f} ms" for seconds in measure_times(*sizes)]
        batch, grid, width, slots = sizes
        print(f"| {batch}, {grid} x {grid}, {width}, {slots} | " + " | ".join(times) + " |")
    kinds = [f"{n} channels, {dtype}" for n in (4, 10) for dtype in ("float32", "float16")]
    print("\n| input | s | " + " | ".join(kinds) + " |\n" + "|---" * 6 + "|")
    for size in (640, 1280):
        for falloff in (0.05, 0.5, 3.0):
            errors = [f"{error:.1g}" for error in measure_errors(size, falloff)]
            print(f"| {size} px | {falloff} | " + " | ".join(errors) + " |")


def measure_times(batch: int, grid: int, width: int, slots: int) -> list[float]:
    """Returns the smallest time of each form in seconds; the forms alternate."""
    rng = np.random.default_rng(0)
    features = tf.constant(rng.normal(size=[batch, grid, grid, width]), tf.float32)
    embeddings = tf.constant(rng.normal(size=[batch, slots, width]) / 100, tf.float32)
    centers = tf.constant(rng.uniform(0, grid * STRIDE, [batch, slots, 2]), tf.float32)
    falloff = tf.constant(rng.uniform(0, 0.001, [batch, slots, 2]), tf.float32)
    forms = [
        lambda f, e, s: mask_logits(f, e),
        lambda f, e, s: add_windows(mask_logits(f, e), centers, s, STRIDE),
        lambda f, e, s: mask_logits(*append_windows(f, e, centers, s, STRIDE)),
    ]
    steps = [_gradient_of(form) for form in forms]
    times = [[] for _ in steps]
    for _ in range(RUNS + 1):  # The first run traces.
        for step, results in zip(steps, times):
            start = time.perf_counter()
            step(features, embeddings, falloff)[0].numpy()
            results.append(time.perf_counter() - start)
    return [min(results[1:]) for results in times]


def _gradient_of(form: Callable[..., tf.Tensor]) -> Callable:
    @tf.function(autograph=False)
    def step(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(tf.nn.softplus(form(*inputs)))
        return loss, tape.gradient(loss, inputs, unconnected_gradients="zero")

    return step


def measure_errors(size: int, falloff: float) -> list[float]:
    """Returns the largest error inside the windows: plain and ours, in float32 and float16."""
    rng = np.random.default_rng(0)
    cells = rng.integers(0, size // 2**LEVEL, [1, NUM_CENTERS, 2])
    cells[0, 0] = 0  # In a corner the terms are largest.
    levels = tf.fill([1, NUM_CENTERS], LEVEL)
    centers = cell_middles(levels, tf.constant(cells))
    raw = tf.constant(falloff * rng.uniform(0.5, 1, [1, NUM_CENTERS, 1]), tf.float32)
    s = falloff_in_pixels(tf.repeat(raw, 2, axis=-1), levels, levels > 0)
    grid = size // STRIDE
    nothing = tf.zeros([1, grid, grid, 0]), tf.zeros([1, NUM_CENTERS, 0])
    pairs = [_plain(centers, s, size), append_windows(*nothing, centers, s, STRIDE)]
    middles = (np.arange(grid) + 0.5) * STRIDE
    y, x = (np.square(middles[:, np.newaxis] - centers[0, :, axis].numpy()) for axis in (0, 1))
    window = -s[0, :, 0].numpy().astype(np.float64) * (y[:, np.newaxis] + x[np.newaxis])
    inside = window > -10
    return [
        np.abs(_product(pair, dtype) - window)[inside].max()
        for pair in pairs
        for dtype in (np.float32, np.float16)
    ]


def _plain(centers: tf.Tensor, s: tf.Tensor, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Four channels, with coordinates from -1 to 1."""
    middles = ((np.arange(size // STRIDE) + 0.5) * STRIDE * 2 / size - 1).astype(np.float32)
    y, x = np.meshgrid(middles, middles, indexing="ij")
    cy, cx = np.moveaxis(centers.numpy() * 2 / size - 1, -1, 0)
    scaled = s[..., 0].numpy() * (size / 2) ** 2
    features = np.stack([y**2 + x**2, y, x, np.ones_like(y)], -1)[np.newaxis]
    constant = -scaled * (cy**2 + cx**2)
    return features, np.stack([-scaled, 2 * scaled * cy, 2 * scaled * cx, constant], -1)


def _product(pair: tuple, dtype: type) -> np.ndarray:
    features, embeddings = (np.asarray(x).astype(dtype).astype(np.float32)[0] for x in pair)
    return features @ embeddings.T


if __name__ == "__main__":
    main()
