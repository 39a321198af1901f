"""Trains a model: the root of `maskconver train`."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.setting_checks import (
    check_functions,
    check_objects,
    check_texts,
    check_whole_numbers,
    given,
)
from maskconver_tf.training.evaluators.checks import check_same_classes
from maskconver_tf.training.evaluators.evaluator import Scores
from maskconver_tf.training.loop import TrainingLoop
from maskconver_tf.training.machines.process_settings import LARGEST_SEED, prepare_process
from maskconver_tf.training.machines.strategy import make_strategy
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.optimizers import build_optimizer
from maskconver_tf.training.run_files.checkpoints import make_checkpoint_manager
from maskconver_tf.training.run_files.claim import claim_run_folder
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.run_settings import Compute, RunLength, Saving
from maskconver_tf.training.step import TrainingStep
from maskconver_tf.training.tasks.task import Task
from maskconver_tf.training.time_plan.run_progress import RunProgress
from maskconver_tf.training.wandb_log import check_wandb_installed, open_wandb_log


def train(
    model_dir: str,
    task: Task,
    optimizer: Callable[..., tf_keras.optimizers.Optimizer],
    length: RunLength,
    compute: Compute,
    saving: Saving,
    max_skipped: int = 0,
    seed: int = 0,
    init_from: str | None = None,
    on_built: Callable[[RunFolder], None] = lambda folder: None,
    on_report: Callable[[int, dict], None] = lambda step, report: None,
) -> Scores:
    """Trains to the end of the run, or goes on from the newest checkpoint in the folder.

    Args:
      model_dir: the run's folder, see `RunFolder`.
      task: what the run learns: model, loss, inputs and evaluation.
      optimizer: makes the optimizer from `total_steps` and the global `batch_size`.
      length: how long the run is, and how often it evaluates.
      compute: where the run computes, and how.
      saving: what the run keeps, and how often it saves.
      max_skipped: skip at most this many steps that are not finite; the next one stops the run.
      seed: of the initial weights and of everything random in the model.
      init_from: a run, an export or a checkpoint that a new run's weights start from, see
        `warm_start`. None for random weights.
      on_built: called once everything is built, before the first step.
      on_report: called after each loop of steps with the step and the loop's mean losses.

    Returns:
      The last evaluation: group -> metric -> percent, for panoptic segmentation "all", "things"
      and "stuff", each with "pq", "sq" and "rq". Empty without an evaluation.

    Raises:
      UserError: the folder belongs to another run, nothing in `init_from` fits, or the loss stops
        being finite.
      RunStopped: SIGTERM or Ctrl-C stopped the run after it saved; or another worker is gone.
    """
    _check_arguments(task, optimizer, length, compute, saving)
    check_whole_numbers("train", 0, max_skipped=max_skipped)
    check_whole_numbers("train", 0, LARGEST_SEED, seed=seed)
    check_texts("train", "runs/earlier", **given(init_from=init_from))
    # Several workers must join before any operation.
    strategy = make_strategy(compute.strategy, compute.tpu)
    workers = Workers.of(strategy)
    check_wandb_installed(saving.wandb_project)
    _check_batch_size(task, strategy, compute)
    _check_minutes(length, compute, workers)
    prepare_process(compute.precision, seed, compute.deterministic)
    with strategy.scope():  # First of all, because its settings may be wrong.
        progress = RunProgress() if length.minutes else None
        built_optimizer = _make_optimizer(optimizer, task, length, progress)
    folder = RunFolder(local_or_remote_path(model_dir))
    with claim_run_folder(folder, task.categories, workers) as written:
        if task.eval_input is not None:
            check_same_classes(task.categories, task.eval_input, "the training data")
        with strategy.scope():
            network = task.network(folder, init_from)
            build_optimizer(built_optimizer, network)
        step = TrainingStep(
            task,
            network,
            built_optimizer,
            strategy,
            compute.jit_compile,
            compute.accumulation_steps,
            max_skipped,
        )
        with strategy.scope():
            checkpoints = make_checkpoint_manager(
                written.checkpoints,
                network,
                built_optimizer,
                saving.checkpoint_interval,
                saving.keep_checkpoints,
                restore_from=folder.checkpoints,
                in_background=saving.background_writes and workers.may_write_in_background,
            )
            on_built(written)  # Not earlier: a configuration that fits no checkpoint is not kept.
            project = saving.wandb_project if workers.is_chief else None
            with open_wandb_log(project, written) as log:
                loop = TrainingLoop(step, checkpoints, written, workers, log, on_report)
                return loop.run(length, progress)


def _check_arguments(
    task: object, optimizer: object, length: object, compute: object, saving: object
) -> None:
    check_objects(
        "train",
        task=(task, "train_input", "@PanopticTask()"),
        length=(length, "total_steps", "@RunLength()"),
        compute=(compute, "accumulation_steps", "@Compute()"),
        saving=(saving, "keep_checkpoints", "@Saving()"),
    )
    check_functions("train", optimizer=(optimizer, "@make_optimizer"))


def _make_optimizer(
    optimizer: Callable[..., tf_keras.optimizers.Optimizer],
    task: Task,
    length: RunLength,
    progress: RunProgress | None,
) -> tf_keras.optimizers.Optimizer:
    sizes = {"total_steps": length.total_steps, "batch_size": task.train_input.batch_size}
    return optimizer(**sizes, **given(progress=progress))


def _check_minutes(length: RunLength, compute: Compute, workers: Workers) -> None:
    if length.minutes and compute.deterministic:
        raise UserError(
            f"RunLength.minutes = {length.minutes:g}: found Compute.deterministic = True, which "
            "asks for the same weights in every run, but the number of steps in a time depends on "
            "the machine. Give --total_steps, or set Compute.deterministic = False"
        )
    if length.minutes and workers.count > 1:
        raise UserError(
            f"RunLength.minutes = {length.minutes:g}: found {workers.count} workers, which must "
            "agree on the number of steps; give --total_steps. `maskconver preflight --measure` "
            "prints the seconds of a step"
        )


def _check_batch_size(task: Task, strategy: tf.distribute.Strategy, compute: Compute) -> None:
    batch_size, replicas = task.train_input.batch_size, strategy.num_replicas_in_sync
    parts = replicas * compute.accumulation_steps
    if batch_size % parts:
        raise UserError(
            f"{type(task.train_input).__name__}.batch_size = {batch_size}: expected a multiple of "
            f"{parts}, because the strategy has {replicas} replicas and "
            f"Compute.accumulation_steps = {compute.accumulation_steps}; change one of them"
        )
