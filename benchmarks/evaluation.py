"""Times an evaluation against the network alone, and against a loop in which all parts wait.

    python benchmarks/evaluation.py --model runs/demo --data data/val

The network alone computes all batches from pictures in memory. The loop reads, computes, fuses,
counts and writes one picture after the other. The evaluation does the same with overlap. All three
run on the same pictures, in turns, after one evaluation that is not timed. A score that differs
stops the program. Processor time is the sum over all cores: no overlap takes less time than this
sum divided by the number of cores.
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
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from maskconver_tf.config import roots
from maskconver_tf.evaluation.writing.coco_writer import CocoPanopticWriter
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.training.evaluators.panoptic_evaluator import PanopticEvaluator
from maskconver_tf.training.machines.strategy import make_strategy
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.run_folder import RunFolder


class Time(NamedTuple):
    """Seconds by the clock, and seconds of processor time."""

    clock: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of a panoptic run")
    parser.add_argument("--data", help="dataset folder (default: the run's own)")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each form")
    parser.add_argument("--score_threshold", type=float, help="in place of the run's own")
    args = parser.parse_args()
    thresholds = {} if args.score_threshold is None else {"score_threshold": args.score_threshold}
    evaluator = load_evaluator(args.model, args.data, thresholds)
    examples = list(evaluator.data.examples().as_numpy_iterator())
    forms: dict[str, Callable[[], Any]] = {
        "network alone": lambda: network_alone(evaluator, examples),
        "loop": lambda: loop(evaluator),
        "evaluation": lambda: overlapped(evaluator),
    }
    expected = overlapped(evaluator)
    times: dict[str, list[Time]] = {name: [] for name in forms}
    for _ in range(args.runs):
        for name, run in forms.items():
            clock, processor = time.perf_counter(), time.process_time()
            found = run()
            times[name].append(Time(time.perf_counter() - clock, time.process_time() - processor))
            if found is not None and found != expected:
                raise SystemExit(f"{name}: another score than the evaluation")
    print_table({name: median(each) for name, each in times.items()}, len(examples))


def median(times: list[Time]) -> Time:
    return Time(*(statistics.median(each) for each in zip(*times, strict=True)))


def load_evaluator(
    model: str, data: str | None, thresholds: dict[str, float] | None = None
) -> PanopticEvaluator:
    folder = RunFolder(local_or_remote_path(model))
    arguments = roots.load_evaluation(folder, data, [], thresholds or {})
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


def print_table(times: dict[str, Time], count: int) -> None:
    cores = os.cpu_count()
    print(f"{count} pictures, {cores} cores\n")
    print("| form | time | a picture | over the network | processor time a picture | a core |")
    print("|---|---|---|---|---|---|")
    for name, (clock, processor) in times.items():
        cells = f"{clock:.2f} s", f"{1000 * clock / count:.1f} ms"
        ratio = f"{clock / times['network alone'].clock:.2f}"
        work = 1000 * processor / count
        print(f"| {name} | {' | '.join(cells)} | {ratio} | {work:.1f} ms | {work / cores:.1f} ms |")


if __name__ == "__main__":
    main()
