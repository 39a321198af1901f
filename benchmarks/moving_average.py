"""Compares statistics of batch norms for averaged weights by the loss on held-out scenes.

    python benchmarks/moving_average.py --decay 0.99 --seed 0

The model is that of tests/e2e/tiny.gin. All columns come from one training, whose weights and
statistics are averaged here in NumPy.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.config import configuration
from maskconver_tf.datasets.build.build import build_dataset
from maskconver_tf.datasets.synthetic.toy_scenes import write_toy_scenes
from maskconver_tf.models.build_network import build_network
from maskconver_tf.training import optimizers
from maskconver_tf.training.machines.process_settings import prepare_process
from maskconver_tf.training.step import TrainingStep
from maskconver_tf.training.train import train

TINY = Path(__file__).resolve().parents[1] / "tests/e2e/tiny.gin"
MOMENTUM = np.float32(0.99)
"""Of all batch norms of the model."""
SIZE, BATCH_SIZE, NUM_RE_ESTIMATED = (64, 96), 8, 20
COLUMNS = ("constant decay", "warm-up", "averaged own", "averaged batch", "re-estimated")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decay", type=float, default=0.99, help="of the averages (default: 0.99)")
    parser.add_argument("--seed", type=int, default=0, help="of the training (default: 0)")
    parser.add_argument("--steps", type=int, default=400, help="of the training (default: 400)")
    args = parser.parse_args()
    print(" ".join(f"{name:>15}" for name in ("step", *COLUMNS)))
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        for step, losses in Comparison(Path(folder), args.seed, args.steps).run(args.decay):
            print(f"{step:>15} " + " ".join(f"{loss:15.3f}" for loss in losses), flush=True)


def write_data(folder: Path) -> None:
    scenes = folder / "scenes"
    write_toy_scenes(scenes, num_train=128, num_val=32, seed=3, workers=1, progress=False)
    for part in ("train", "val"):
        pictures = (scenes / "images" / part, scenes / "panoptic" / part)
        truth = scenes / f"panoptic_{part}.json"
        build_dataset(*pictures, truth, folder / part, workers=1, progress=False)


class Comparison:
    """Trains the model, and scores it with other weights and statistics on the way."""

    def __init__(self, folder: Path, seed: int, num_steps: int):
        data = [f"{name}_DATA='{folder / part}'" for name, part in _PARTS.items()]
        length = [f"RunLength.total_steps={num_steps}", f"TrainingInput.batch_size={BATCH_SIZE}"]
        other = ["make_optimizer.warmup_steps=20", "make_optimizer.ema_decay=None"]
        configuration.load([TINY], [*data, *length, *other, f"train.seed={seed}"])
        arguments = configuration.arguments_of(train, supplied=["model_dir", "on_built"])
        prepare_process("float32", seed)
        self.task = arguments["task"]
        self.network = build_network(self.task.model(len(self.task.categories)), SIZE)
        optimizer = arguments["optimizer"](total_steps=num_steps, batch_size=BATCH_SIZE)
        optimizers.build_optimizer(optimizer, self.network)
        device = tf.distribute.OneDeviceStrategy("CPU:0")
        step = TrainingStep(self.task, self.network, optimizer, device)
        self.num_steps = num_steps
        self.replica_step = tf.function(step.replica_step, autograph=False)
        self.batches = self._batches(self.task.train_input)
        held_out = dataclasses.replace(self.task.train_input, data_dir=str(folder / "val"))
        held_out_batches = self._batches(held_out)
        self.held_out = [next(held_out_batches) for _ in range(4)]
        self.weights = self.network.trainable_variables
        self.statistics = [v for v in self.network.non_trainable_variables if "/moving_" in v.name]
        self._loss = tf.function(self._loss_of, autograph=False)
        self._forward = tf.function(
            lambda batch: self.network(batch[types.IMAGE], centers=batch, training=True),
            autograph=False,
        )

    def _batches(self, data) -> Iterator[dict[str, tf.Tensor]]:
        task = dataclasses.replace(self.task, train_input=data)
        return iter(task.batches(self.network)(0, tf.distribute.InputContext()))

    def _loss_of(self, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        outputs = self.network(batch[types.IMAGE], centers=batch, training=False)
        return self.task.loss(outputs, batch, lambda total: total)["loss"]

    def run(self, decay: float) -> Iterator[tuple[int, list[float]]]:
        """Trains; yields steps and the losses of `COLUMNS`."""
        constant = warm = read(self.weights)
        own = of_batches = before = read(self.statistics)
        recent: list[dict[str, tf.Tensor]] = []
        for t in range(self.num_steps):
            recent = [*recent, next(self.batches)][-NUM_RE_ESTIMATED:]
            self.replica_step(recent[-1])
            warm_decay = min(decay, (1 + t) / (10 + t))
            weights, after = read(self.weights), read(self.statistics)
            constant, warm = mix(constant, weights, decay), mix(warm, weights, warm_decay)
            own = mix(own, after, warm_decay)
            of_batches = mix(of_batches, batch_statistics(before, after), warm_decay)
            before = after
            if t + 1 in (50, 100, 200, 400, 800):
                losses = [self.score(constant, after)]
                losses += [self.score(warm, found) for found in (after, own, of_batches)]
                losses += [self.score(warm, self.re_estimated(warm, recent))]
                assign(self.weights, weights)
                assign(self.statistics, after)
                yield t + 1, losses

    def score(self, weights: Sequence[np.ndarray], statistics: Sequence[np.ndarray]) -> float:
        assign(self.weights, weights)
        assign(self.statistics, statistics)
        return float(np.mean([self._loss(batch) for batch in self.held_out]))

    def re_estimated(self, weights: Sequence[np.ndarray], batches: Sequence) -> list[np.ndarray]:
        """Returns the mean statistics of some batches under `weights`."""
        assign(self.weights, weights)
        found = []
        for batch in batches:
            before = read(self.statistics)
            self._forward(batch)
            found.append(batch_statistics(before, read(self.statistics)))
        return [np.mean(values, axis=0) for values in zip(*found, strict=True)]


_PARTS = {"TRAIN": "train", "EVAL": "val"}


def read(variables: Sequence[tf.Variable]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def assign(variables: Sequence[tf.Variable], values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def mix(old: Sequence[np.ndarray], new: Sequence[np.ndarray], decay: float) -> list[np.ndarray]:
    return [decay * a + (1 - decay) * b for a, b in zip(old, new, strict=True)]


def batch_statistics(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns what moved the batch norms' averages from `before` to `after`."""
    return [a + (b - a) / (1 - MOMENTUM) for a, b in zip(before, after, strict=True)]


if __name__ == "__main__":
    main()
