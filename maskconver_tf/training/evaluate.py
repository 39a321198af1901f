"""Scores a trained model of any task: the root of `maskconver evaluate`."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.evaluation_record import (
    RECORD_FILE,
    EvaluationRecord,
    absolute,
    best_weights,
    write_evaluation_record,
)
from maskconver_tf.evaluation.results import write_results
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.inference.drawing.picture_rows import stack_rows
from maskconver_tf.inference.tiles.chosen_tile import (
    GivenTile,
    choose_tile,
    known_window,
    warn_of_large_pictures,
)
from maskconver_tf.training.evaluators.checks import check_local_folder, check_same_classes
from maskconver_tf.training.evaluators.evaluator import NUM_PICTURES, Evaluator, Results
from maskconver_tf.training.evaluators.panoptic_evaluator import PanopticEvaluator
from maskconver_tf.training.evaluators.tiled_evaluator import TiledEvaluator
from maskconver_tf.training.machines.strategy import make_strategy
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.restore import RestoredNetwork
from maskconver_tf.training.run_files.kept_thresholds import with_class_names
from maskconver_tf.training.tasks.panoptic_task import PanopticTask
from maskconver_tf.training.tasks.task import Task


def evaluate(
    task: Task,
    restored: RestoredNetwork,
    out: str,
    eval_input: object = None,
    strategy: str = "auto",
    num_pictures: int = NUM_PICTURES,
    tile: GivenTile | None = None,
    on_scored: Callable[[Evaluator], None] = lambda evaluator: None,
) -> Results:
    """Scores a restored network, writes the results into a folder, and prints the table.

    The folder gets `results.json`. For segmentation it also gets `overview.png`, which shows the
    first pictures beside truth and prediction. For panoptic segmentation it also gets
    `predictions.json` and `predictions/*.png`, which COCO's own evaluation reads, and
    `evaluation.json`, with which `maskconver report` finds the truth.

    Args:
      task: the run's task.
      restored: the network with the run's best weights.
      out: folder for the results.
      eval_input: the dataset to score on. It must have the class list of the model. None for the
        evaluation input of the task.
      strategy: the devices, as for `Compute`; not "multi_worker".
      num_pictures: number of pictures in the overview.
      tile: predict in these windows, for panoptic segmentation; None scales each picture to the
        input.
      on_scored: called with the evaluator when all pictures are scored.

    Returns:
      The content of `results.json`: group -> metric -> percent. `per_class`, if present, holds
      class -> metric -> percent. `baselines`, if present, holds the scores of answers without a
      model.

    Raises:
      UserError: the dataset has other classes than the model, there is no dataset, or the strategy
        has several workers.
    """
    if eval_input is not None:
        task = dataclasses.replace(task, eval_input=eval_input)
    if task.eval_input is None:
        raise UserError(
            "evaluate.eval_input is not set; expected the dataset to score on. Give --eval_data "
            f"DIR, or bind evaluate.eval_input = @{task.eval_input_class}()"
        )
    check_same_classes(restored.categories, task.eval_input, "the model")
    workers = _only_worker(strategy)
    evaluator = _evaluator(task, restored, workers, tile)
    folder = check_local_folder(out)
    (folder / RECORD_FILE).unlink(missing_ok=True)  # It would describe other predictions.
    clock = _Clock(getattr(evaluator.data, "batch_size", 1))
    results = _score_and_write(evaluator, folder, num_pictures, clock)
    if evaluator.written_files:
        write_evaluation_record(folder, _record(task, evaluator, restored, clock))
    on_scored(evaluator)
    return results


def _evaluator(
    task: Task, restored: RestoredNetwork, workers: Workers, tile: GivenTile | None
) -> Evaluator:
    if not isinstance(task, PanopticTask):
        return task.evaluator(restored.network, workers, restored.jit_compile)
    segmenter = task.segmenter(restored.network, restored.jit_compile, restored.recalibration)
    window = known_window(restored.model_dir, segmenter.input_size)
    if tile is None:
        warn_of_large_pictures(task.eval_input.data_dir, window)
        return PanopticEvaluator(segmenter, task.eval_input, workers)
    size = choose_tile(tile, window)
    return TiledEvaluator(segmenter, task.eval_input, workers, size)


class _Clock:
    """Measures the time of a picture, without the first batch, which TensorFlow traces."""

    def __init__(self, first_batch: int):
        self._first_batch = first_batch
        self._count, self._begin, self._end = 0, 0.0, 0.0

    def picture(self) -> None:
        self._count += 1
        self._end = time.perf_counter()
        if self._count <= self._first_batch:
            self._begin = self._end

    @property
    def milliseconds(self) -> float | None:
        timed = self._count - self._first_batch
        return 1000 * (self._end - self._begin) / timed if timed > 0 else None


def _record(
    task: PanopticTask, evaluator: Evaluator, restored: RestoredNetwork, clock: _Clock
) -> EvaluationRecord:
    run = local_or_remote_path(restored.model_dir) if restored.model_dir else None
    devices = tf.config.list_logical_devices()
    return EvaluationRecord(
        dataset=absolute(evaluator.data.folder.path),
        model=absolute(run) if run is not None else "",
        weights=best_weights(run) if run is not None else "",
        num_parameters=restored.network.count_params(),
        input_size=tuple(evaluator.data.input_size),
        milliseconds=clock.milliseconds,
        device=devices[-1].device_type if devices else "",
        fusion=type(task.fusion).__name__,
        thresholds=with_class_names(dataclasses.asdict(task.fusion), restored.categories),
    )


def _only_worker(strategy: str) -> Workers:
    """Makes the strategy; an evaluation runs in one process, on one or several devices.

    Raises:
      UserError: the strategy has several workers.
    """
    workers = Workers.of(make_strategy(strategy))
    if workers.count > 1:
        raise UserError(
            f'evaluate.strategy = "{strategy}": found {workers.count} workers, but an evaluation '
            'runs in one process. Use "mirrored" for several GPUs of one machine, or "auto"'
        )
    return workers


def _score_and_write(
    evaluator: Evaluator, folder: Path, num_pictures: int, clock: _Clock
) -> Results:
    rows, comparison = [], evaluator.comparison()
    with evaluator.writer(folder) as write:

        def keep(index: int, example: dict, prediction: object) -> None:
            if index < num_pictures:
                row = evaluator.draw_row(example, prediction)
                if row is not None:
                    rows.append(row)
            write(index, example, prediction)
            if comparison is not None:
                comparison.add(index, example, prediction)
            clock.picture()

        results = evaluator.score(keep, is_command=True)
    if comparison is not None:
        results = results | {"baselines": comparison.results(results)}
    write_results(folder / "results.json", results)
    if rows:
        Image.fromarray(stack_rows(rows)).save(folder / "overview.png")
    print(evaluator.format_results(results))
    files = ["results.json", *(["overview.png"] if rows else []), *evaluator.written_files]
    print(f"{folder}: {', '.join(files)}")
    return results
