"""Trains a model: the root of `maskconver train`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError, check_whole_numbers
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.training import optimizers
from maskconver_tf.training.loop import Scores, TrainingRun
from maskconver_tf.training.machines.precision import set_precision
from maskconver_tf.training.machines.strategy import make_strategy
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.checkpoints import make_checkpoint_manager
from maskconver_tf.training.run_files.claim import claimed
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.step import Trainer
from maskconver_tf.training.tasks.evaluation_checks import check_same_classes
from maskconver_tf.training.tasks.panoptic_task import PanopticTask
from maskconver_tf.training.tasks.task import Task
from maskconver_tf.training.wandb_log import check_wandb, wandb_log


def train(
    model_dir: str,
    model: Callable[..., tf_keras.Model],
    loss: Callable,
    optimizer: Callable[..., tf_keras.optimizers.Optimizer],
    train_input: Any,
    eval_input: Any = None,
    targets: Callable | None = None,
    fusion: Any = None,
    task: Callable[..., Task] = PanopticTask,
    total_steps: int = 1000,
    steps_per_loop: int = 50,
    eval_interval: int = 0,
    checkpoint_interval: int = 500,
    keep_checkpoints: int = 3,
    strategy: str = "auto",
    tpu: str = "local",
    accumulation_steps: int = 1,
    max_skipped: int = 0,
    precision: str = "float32",
    jit_compile: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    init_from: str | None = None,
    background_writes: bool = True,
    wandb_project: str | None = None,
    on_built: Callable[[RunFolder], None] = lambda folder: None,
) -> Scores:
    """Trains to `total_steps`, or goes on from the newest checkpoint in the folder.

    Args:
      model_dir: the run's folder, see `run_folder`.
      model: makes the model from `num_classes`.
      loss: of a batch, see `Task`.
      optimizer: makes the optimizer from `total_steps` and the global `batch_size`.
      train_input: what to train on.
      eval_input: what to evaluate on; None for no evaluation.
      targets: makes the labels, see the task.
      fusion: makes the predictions of an evaluation, see the task.
      task: makes what is trained from the arguments of the same names.
      total_steps: length of the run.
      steps_per_loop: steps between two looks at the losses.
      eval_interval: steps between evaluations; 0 for one at the end.
      checkpoint_interval: steps between checkpoints, of which the first comes after the first loop.
      keep_checkpoints: how many to keep.
      strategy: see `make_strategy`; so is `tpu`.
      tpu: name or address, for the strategy "tpu".
      accumulation_steps: see `Trainer`; so is `max_skipped`.
      max_skipped: steps that are not finite to leave out before the run stops.
      precision: "float32" or "mixed_bfloat16".
      jit_compile: compile the step, and the network in evaluations, with XLA.
      deterministic: the same numbers from every run, at some cost in speed.
      seed: of the initial weights and everything random in the model.
      init_from: what a new run's weights start from, see `warm_start`; a run, an export or a
        checkpoint.
      background_writes: write checkpoints while training goes on, where the strategy allows it.
      wandb_project: of Weights & Biases, to log to besides TensorBoard; needs the extra `wandb`.
      on_built: called once everything is built, before the first step.

    Returns:
      The last evaluation: group -> metric -> percent, for panoptic segmentation "all", "things"
      and "stuff", each with "pq", "sq" and "rq"; empty without one.

    Raises:
      UserError: the folder belongs to another run, nothing in `init_from` fits, or the loss stops
        being finite.
      RunStopped: on SIGTERM or Ctrl-C, saved; or another worker is gone.
    """
    check_whole_numbers(
        "train", 1, total_steps=total_steps, checkpoint_interval=checkpoint_interval
    )
    check_whole_numbers(
        "train", 1, steps_per_loop=steps_per_loop, accumulation_steps=accumulation_steps
    )
    check_whole_numbers("train", 1, keep_checkpoints=keep_checkpoints)
    check_whole_numbers("train", 0, eval_interval=eval_interval, max_skipped=max_skipped, seed=seed)
    distribution = make_strategy(strategy, tpu)  # Several workers must join before any operation.
    workers = Workers.of(distribution)
    prepare_process(precision, seed, deterministic)
    check_wandb(wandb_project)
    work = task(model, loss, train_input, eval_input, targets, fusion)
    _check_batch(train_input, distribution, accumulation_steps)
    folder = RunFolder(local_or_remote_path(model_dir))
    with claimed(folder, work.categories, workers) as written:
        if eval_input is not None:
            check_same_classes(work.categories, eval_input, "the training data")
        network, updater = _built(work, distribution, folder, init_from, optimizer, total_steps)
        trainer = Trainer(
            work, network, updater, distribution, jit_compile, accumulation_steps, max_skipped
        )
        with distribution.scope():
            checkpoints = make_checkpoint_manager(
                written.checkpoints,
                network,
                updater,
                checkpoint_interval,
                keep_checkpoints,
                restore_from=folder.checkpoints,
                in_background=background_writes and workers.may_write_in_background,
            )
            on_built(written)  # Not before: a configuration that fits no checkpoint is not kept.
            with wandb_log(wandb_project if workers.is_chief else None, written) as log:
                run = TrainingRun(trainer, checkpoints, written, workers, log)
                return run.to_end(total_steps, steps_per_loop, eval_interval)


def _built(
    work: Task,
    distribution: tf.distribute.Strategy,
    folder: RunFolder,
    init_from: str | None,
    optimizer: Callable[..., tf_keras.optimizers.Optimizer],
    total_steps: int,
) -> tuple[tf_keras.Model, tf_keras.optimizers.Optimizer]:
    """The network with its first weights, and the optimizer with its slots for them."""
    with distribution.scope():
        network = work.network(folder, init_from)
        updater = optimizer(total_steps=total_steps, batch_size=work.train_input.batch_size)
        optimizers.prepare(updater, network)
    return network, updater


def prepare_process(precision: str, seed: int = 0, deterministic: bool = False) -> None:
    """Sets what TensorFlow keeps per process: seeds, determinism and the precision policy."""
    tf_keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    # Random layers draw from what a checkpoint can hold.
    tf_keras.backend.experimental.enable_tf_random_generator()
    set_precision("train", precision)


def _check_batch(
    train_input: Any, strategy: tf.distribute.Strategy, accumulation_steps: int
) -> None:
    batch_size = train_input.batch_size
    if batch_size % (strategy.num_replicas_in_sync * accumulation_steps):
        raise UserError(
            f"{type(train_input).__name__}.batch_size = {batch_size} does not divide by the "
            f"{strategy.num_replicas_in_sync} replicas of the strategy"
            f" times train.accumulation_steps = {accumulation_steps}; make it a multiple"
        )
