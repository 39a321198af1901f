"""Times an evaluation against the network alone, and against a loop in which all parts wait.

    python benchmarks/evaluation.py --model runs/demo --data data/val

The network alone computes all batches from pictures in memory. The loop reads, computes, fuses,
counts and writes one picture after the other. The evaluation does the same with overlap. All three
run on the same pictures, in turns, after one evaluation that is not timed. A score that differs
stops the program.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from maskconver_tf.config import roots
from maskconver_tf.evaluation.writing.coco_writer import CocoPanopticWriter
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.training.evaluators.panoptic_evaluator import PanopticEvaluator
from maskconver_tf.training.machines.strategy import make_strategy
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.run_folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of a panoptic run")
    parser.add_argument("--data", help="dataset folder (default: the run's own)")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each form")
    args = parser.parse_args()
    evaluator = load_evaluator(args.model, args.data)
    examples = list(evaluator.data.examples().as_numpy_iterator())
    forms: dict[str, Callable[[], Any]] = {
        "network alone": lambda: network_alone(evaluator, examples),
        "loop": lambda: loop(evaluator),
        "evaluation": lambda: overlapped(evaluator),
    }
    expected = overlapped(evaluator)
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(args.runs):
        for name, run in forms.items():
            began = time.perf_counter()
            found = run()
            seconds[name].append(time.perf_counter() - began)
            if found is not None and found != expected:
                raise SystemExit(f"{name}: another score than the evaluation")
    print_table({name: statistics.median(each) for name, each in seconds.items()}, len(examples))


def load_evaluator(model: str, data: str | None) -> PanopticEvaluator:
    arguments = roots.load_evaluation(RunFolder(local_or_remote_path(model)), data, [], {})
    restored = roots.restore_task(model, arguments["task"], arguments["compute"])
    workers = Workers.of(make_strategy("auto"))
    return arguments["task"].evaluator(restored.network, workers, restored.jit_compile)


def network_alone(evaluator: PanopticEvaluator, examples: list[dict]) -> None:
    size = evaluator.data.batch_size
    for first in range(0, len(examples), size):
        outputs = evaluator.infer_batch(examples[first : first + size])
        min(outputs.values(), key=lambda value: value.shape.num_elements()).numpy()


def loop(evaluator: PanopticEvaluator) -> dict:
    """Everything in one thread, as a plain program would do it."""
    score, size = evaluator.new_score(), evaluator.data.batch_size
    examples = evaluator.data.examples().as_numpy_iterator()
    with (
        tempfile.TemporaryDirectory() as folder,
        CocoPanopticWriter(Path(folder), evaluator.categories) as writer,
    ):
        numbers = itertools.count()
        while batch := list(itertools.islice(examples, size)):
            outputs = evaluator.infer_batch(batch)
            for position, example in enumerate(batch):
                prediction = evaluator.predict_one(example, outputs, position)
                score.add(example, prediction)
                writer.add(number := next(numbers), f"{number}.jpg", *prediction)
    return score.results(lambda counts: counts)


def overlapped(evaluator: PanopticEvaluator) -> dict:
    with tempfile.TemporaryDirectory() as folder, evaluator.writer(Path(folder)) as write:
        return evaluator.score(write)


def print_table(seconds: dict[str, float], count: int) -> None:
    print(f"{count} pictures, {os.cpu_count()} cores\n")
    print("| form | time | a picture | over the network |")
    print("|---|---|---|---|")
    for name, total in seconds.items():
        ratio = total / seconds["network alone"]
        print(f"| {name} | {total:.2f} s | {1000 * total / count:.1f} ms | {ratio:.2f} |")


if __name__ == "__main__":
    main()
