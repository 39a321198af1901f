"""Trains a model: the root of `maskconver train`."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orbit
import tensorflow as tf
import tf_keras

from maskconver_tf.data.categories import Categories
from maskconver_tf.data.corrupt_records import corrupt_records_named
from maskconver_tf.data.pipeline import EvaluationInput, TrainingInput
from maskconver_tf.data.remote_path import any_path
from maskconver_tf.errors import UserError
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.losses.maskconver_loss import MaskConverLoss
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training import optimizers
from maskconver_tf.training.checkpoints import leave_out_damaged, make_checkpoint_manager
from maskconver_tf.training.disk_errors import writing
from maskconver_tf.training.evaluator import Evaluator
from maskconver_tf.training.precision import set_precision
from maskconver_tf.training.progress import ProgressLine
from maskconver_tf.training.run_folder import RunFolder
from maskconver_tf.training.stopping import StopRequest, StopRequested
from maskconver_tf.training.strategy import make_strategy
from maskconver_tf.training.trainer import Trainer
from maskconver_tf.training.warm_start import initial_network
from maskconver_tf.training.whole_file import write_whole
from maskconver_tf.training.workers import Workers


def train(
    model_dir: str,
    model: Callable[..., tf_keras.Model],
    targets: Callable,
    loss: MaskConverLoss,
    optimizer: Callable[..., tf_keras.optimizers.Optimizer],
    fusion: PanopticFusion,
    train_input: TrainingInput,
    eval_input: EvaluationInput | None = None,
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
    on_built: Callable[[RunFolder], None] = lambda folder: None,
) -> dict[str, dict[str, float]]:
    """Trains to `total_steps`, or goes on from the newest checkpoint in the folder.

    Args:
      model_dir: the run's folder, see `run_folder`.
      model: makes the model from `num_classes`.
      targets: makes the `TargetBuilder` from `center_levels`.
      loss: of a batch.
      optimizer: makes the optimizer from `total_steps` and the global `batch_size`.
      fusion: thresholds of the evaluation.
      train_input: what to train on.
      eval_input: what to evaluate on; None for no evaluation.
      total_steps: length of the run.
      steps_per_loop: steps between two looks at the losses.
      eval_interval: steps between evaluations; 0 for one at the end.
      checkpoint_interval: steps between checkpoints.
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
      on_built: called once everything is built, before the first step.

    Returns:
      The last evaluation: "all", "things" and "stuff", each with "pq", "sq" and "rq" in percent;
      empty without one.

    Raises:
      UserError: the folder belongs to another run, nothing in `init_from` fits, or the loss stops
        being finite.
      RunStopped: on SIGTERM or Ctrl-C, saved; or another worker is gone.
    """
    distribution = make_strategy(strategy, tpu)  # Several workers must join before any operation.
    workers = Workers.of(distribution)
    prepare_process(precision, seed, deterministic)
    folder = RunFolder(any_path(model_dir))
    categories = train_input.folder.categories
    _check_batch(train_input.batch_size, distribution, accumulation_steps)
    stop = StopRequest(workers)
    with _claimed(folder, categories, workers) as written, distribution.scope():
        network = initial_network(model, folder, categories, train_input.input_size, init_from)
        updater = optimizer(total_steps=total_steps, batch_size=train_input.batch_size)
        optimizers.prepare(updater, network)
        batches = _distributed(train_input, targets(center_levels=network.center_levels))
        on_built(written)
        kept = (checkpoint_interval, keep_checkpoints, folder.checkpoints)
        manager = make_checkpoint_manager(written.checkpoints, network, updater, *kept)
        progress = _progress(updater, total_steps, train_input, workers)
        spoilt = functools.partial(_save_bad_batch, written, train_input)
        options = (jit_compile, accumulation_steps, max_skipped, spoilt)
        trainer = Trainer(network, loss, updater, batches, distribution, *options)
        evaluator = None
        if eval_input is not None:
            averaged = functools.partial(optimizers.averaged_weights, updater, network)
            keep_best = functools.partial(_keep_best, written, network, updater, progress)
            built_for = (network, fusion, categories, eval_input.input_size, jit_compile)
            hooks = (averaged, keep_best, stop.check_alone)
            segmenter = PanopticSegmenter(*built_for)
            evaluator = Evaluator(segmenter, eval_input, categories, workers, *hooks)
        with _output_for_people(progress, train_input), stop.listening():
            actions = [progress, stop]
            controller = _controller(trainer, evaluator, manager, steps_per_loop, written, actions)
            return _run_to_end(controller, total_steps, eval_interval, stop, written)


def _progress(
    updater: tf_keras.optimizers.Optimizer,
    total_steps: int,
    train_input: TrainingInput,
    workers: Workers,
) -> ProgressLine:
    return ProgressLine(updater.iterations, total_steps, train_input.batch_size, workers.is_chief)


def _controller(
    trainer: Trainer,
    evaluator: Evaluator | None,
    manager: tf.train.CheckpointManager,
    steps_per_loop: int,
    folder: RunFolder,
    actions: list[Callable],
) -> orbit.Controller:
    return orbit.Controller(
        strategy=trainer.strategy,
        trainer=trainer,
        evaluator=evaluator,
        global_step=trainer.optimizer.iterations,
        steps_per_loop=steps_per_loop,
        checkpoint_manager=manager,
        summary_dir=str(folder.summaries),
        train_actions=actions,
    )


@contextlib.contextmanager
def _claimed(folder: RunFolder, categories: Categories, workers: Workers) -> Iterator[RunFolder]:
    """Makes the folder this run's; yields the folder that this process writes into.

    All workers must take part in writing, and only the chief's counts: the others' goes into a
    folder that is deleted.
    """
    with contextlib.ExitStack() as stack:
        if workers.is_chief:
            folder.claim_for(categories)
            stack.enter_context(folder.locked())
            leave_out_damaged(folder.checkpoints)
        workers.wait()
        if workers.is_chief:
            yield folder
            return
        scratch = RunFolder(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        scratch.claim_for(categories)
        scratch.take_best_score(folder)
        yield scratch


@contextlib.contextmanager
def _output_for_people(progress: ProgressLine, train_input: TrainingInput) -> Iterator[None]:
    """Keeps Orbit's lines from the progress line, closes it, and names records that are corrupt."""
    with (
        contextlib.closing(progress),
        contextlib.redirect_stdout(io.StringIO()),
        corrupt_records_named(train_input.folder),
    ):
        yield


def _distributed(train_input: TrainingInput, build_targets: Callable) -> Callable:
    """First step -> the batches from there on, over the replicas of the strategy in scope."""
    _report_left_out(train_input)
    strategy = tf.distribute.get_strategy()
    return lambda first_step: strategy.distribute_datasets_from_function(
        lambda context: train_input.batches(build_targets, first_step, context)
    )


def prepare_process(precision: str, seed: int = 0, deterministic: bool = False) -> None:
    """Sets what TensorFlow keeps per process: seeds, determinism and the precision policy."""
    tf_keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    set_precision("train", precision)


def _run_to_end(
    controller: orbit.Controller,
    total_steps: int,
    eval_interval: int,
    stop: StopRequest,
    folder: RunFolder,
) -> dict[str, dict[str, float]]:
    """Runs; saves and raises `RunStopped` when asked to stop."""
    try:
        with writing(folder.path, "The last checkpoint stands.", only_named=True):
            return _run(controller, total_steps, eval_interval)
    except StopRequested:
        controller.save_checkpoint()
        raise stop.stopped(int(controller.global_step.numpy())) from None
    except tf.errors.OpError as error:
        raise stop.lost_connection(error) from error


def _save_bad_batch(
    folder: RunFolder, train_input: TrainingInput, step: int, terms: list[str]
) -> str:
    """Notes what was in the batch that was not finite; returns a sentence that says so."""
    pictures = train_input.pictures_of(step)
    content = {"step": step, "terms": terms, "pictures": pictures}
    write_whole(folder.not_finite, json.dumps(content, indent=1) + "\n")
    return f"The batch's pictures are in {folder.not_finite}. " if pictures else ""


def _run(
    controller: orbit.Controller, total_steps: int, eval_interval: int
) -> dict[str, dict[str, float]]:
    """Trains to the end with evaluations on the way; returns the last one's scores."""
    if controller.evaluator is None:
        controller.train(total_steps)
        return {}
    scores = controller.train_and_evaluate(
        train_steps=total_steps, eval_steps=-1, eval_interval=eval_interval or total_steps
    )
    # A run that was complete already is only evaluated.
    return scores or controller.evaluate()


def _report_left_out(train_input: TrainingInput) -> None:
    """Says how many records `skip_corrupt` leaves out, and where the first one is."""
    if corrupt := train_input.corrupt_records:
        count = sum(record.num_lost for record in corrupt)
        shard = train_input.folder.shard_paths[corrupt[0].shard]
        message = (
            f"{count} records cannot be read and are left out, the first of them record "
            f"{corrupt[0].position} of {shard}"
        )
        print(message, file=sys.stderr)


def _keep_best(
    folder: RunFolder,
    model: tf_keras.Model,
    optimizer: tf_keras.optimizers.Optimizer,
    progress: ProgressLine,
    scores: dict[str, dict[str, float]],
) -> None:
    """Saves the weights of the highest PQ and says what the evaluation found."""
    step = int(optimizer.iterations.numpy())
    # Where neither truth nor prediction has a segment, there is no score at all.
    pq = scores["all"]["pq"] if scores else 0.0
    is_best = folder.save_best(model, pq, step)
    groups = ", ".join(f"PQ {group} {values['pq']:.1f}" for group, values in scores.items())
    groups = groups or "no segment in truth or prediction"
    progress.write(f"step {step}: {groups}" + (" (best so far)" if is_best else ""))
    progress.forget_pause()


def _check_batch(
    batch_size: int, strategy: tf.distribute.Strategy, accumulation_steps: int
) -> None:
    if batch_size % (strategy.num_replicas_in_sync * accumulation_steps):
        raise UserError(
            f"TrainingInput.batch_size = {batch_size} does not divide by the "
            f"{strategy.num_replicas_in_sync} replicas of the strategy"
            f" times train.accumulation_steps = {accumulation_steps}; make it a multiple"
        )
