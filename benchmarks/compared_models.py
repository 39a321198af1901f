"""Times the forward passes of two named models against each other.

    python benchmarks/compared_models.py mobilenet_mh_640 panoptic_deeplab_mobilenet_mh_640

Each gets one picture of noise at the same size and computes everything that its fusion takes.
MaskConver's masks and both fusions are left out. Runs alternate, so both see the same load of the
machine, and the ratio comes from one run. Processor time, summed over all threads, hardly depends
on that load. --xla compiles both. --second sets something of the second model alone, such
as --second PanopticDeepLab.dilated_pointwise=False.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from timing import in_turns, summary

from maskconver_tf.config.named_models import build_model, find_models
from maskconver_tf.planning.complexity import count_complexity


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs=2, help="names of models, see `maskconver models`")
    parser.add_argument("--size", type=int, default=640, help="side of the input in pixels")
    parser.add_argument("--num_classes", type=int, default=133, help="classes of both models")
    parser.add_argument("--runs", type=int, default=20, help="timed runs of each model")
    parser.add_argument("--xla", action="store_true", help="compile both with XLA")
    parser.add_argument(
        "--second",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a Gin setting of the second model",
    )
    args = parser.parse_args()

    size = (args.size, args.size)
    pixels = np.random.default_rng(0).integers(0, 256, [1, *size, 3], dtype=np.uint8)
    images, forwards, costs = tf.constant(pixels), [], []
    for model, bindings in zip(find_models(args.models), ([], args.second), strict=True):
        network, _ = build_model(model, args.num_classes, bindings)
        costs.append(count_complexity(network, size))
        forwards.append(_forward(network, images, args.xla))
        forwards[-1]()
    rows = [summary(times) for times in in_turns(forwards, args.runs)]
    print(f"| {args.size} px, {args.num_classes} classes | parameters | multiply-adds ", end="")
    print("| median | fastest | processor time, median | least |\n|---|---|---|---|---|---|---|")
    for name, cost, row in zip(args.models, costs, rows):
        counts = f"{cost.num_parameters / 1e6:.2f}M | {cost.multiply_adds / 1e9:.2f}G"
        print(f"| {name} | {counts} | " + " | ".join(f"{value:.3f} s" for value in row) + " |")
    counts = [
        costs[1].num_parameters / costs[0].num_parameters,
        costs[1].multiply_adds / costs[0].multiply_adds,
    ]
    ratios = [*counts, *(other / mine for mine, other in zip(*rows, strict=True))]
    print("| second / first | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")


def _forward(network, images: tf.Tensor, xla: bool) -> Callable[[], dict[str, tf.Tensor]]:
    """Returns a call of the traced model that gives every output."""
    return tf.function(
        lambda: network(images, training=False), jit_compile=xla or None, autograph=False
    )


if __name__ == "__main__":
    main()
