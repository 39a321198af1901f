"""Times layer norms with an epsilon that allows tf_keras's fused operation, and with the paper's.

    python benchmarks/layer_norm.py [--runs 20] [--xla]

tf_keras computes a layer norm by TensorFlow's fused batch norm if epsilon is at least 1.001e-5. The
paper's epsilon, 1e-6, does not allow it. Both norms run in turns, so both see the same load of the
machine. The shapes are those of ResNet50's heads and decoder at 640x640.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tf_keras
from timing import in_turns, summary

EPSILONS = {"composed": 1e-6, "fused": 1.1e-5}
SHAPES = ((1, 160, 160, 256), (1, 80, 80, 256), (1, 20, 20, 384))
PRECISIONS = ("float32", "mixed_bfloat16")


def norm_of(epsilon: float, precision: str, shape: tuple[int, ...]) -> tf_keras.layers.Layer:
    """Makes a norm over the last axis of such inputs."""
    policy = tf_keras.mixed_precision.Policy(precision)
    norm = tf_keras.layers.LayerNormalization(epsilon=epsilon, dtype=policy)
    norm.build(shape)
    return norm


def forward(norm: tf_keras.layers.Layer, x: tf.Tensor, xla: bool) -> Callable[[], tf.Tensor]:
    """Computes the norm."""
    compute = tf.function(norm, jit_compile=xla or None, autograph=False)
    return lambda: compute(x)


def backward(norm: tf_keras.layers.Layer, x: tf.Tensor, xla: bool) -> Callable[[], list]:
    """Computes the norm and the gradients of its input and weights."""

    def gradients(x: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = norm(x)
        return tape.gradient(y, [x, *norm.trainable_variables], output_gradients=x)

    compute = tf.function(gradients, jit_compile=xla or None, autograph=False)
    return lambda: compute(x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="timed runs of each norm")
    parser.add_argument("--xla", action="store_true", help="compile the norms with XLA")
    args = parser.parse_args()
    print("| input | precision | pass | composed | fused | fused / composed |")
    print("|---|---|---|---|---|---|")
    for shape in SHAPES:
        for precision in PRECISIONS:
            norms = [norm_of(epsilon, precision, shape) for epsilon in EPSILONS.values()]
            pixels = tf.random.stateless_normal(shape, seed=[0, 0])
            x = tf.cast(pixels, norms[0].compute_dtype)
            for title, make in (("forward", forward), ("with gradients", backward)):
                functions = [make(norm, x, args.xla) for norm in norms]
                in_turns(functions, 2)  # Traces and compiles.
                composed, fused = (1000 * summary(t)[0] for t in in_turns(functions, args.runs))
                times = f"{composed:.1f} ms | {fused:.1f} ms | {fused / composed:.2f}"
                print(f"| {shape} | {precision} | {title} | {times} |", flush=True)


if __name__ == "__main__":
    main()
