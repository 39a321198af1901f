"""Trains a model: the root of `maskconver train`."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import orbit
import tensorflow as tf
import tf_keras

from maskconver_tf.data.corrupt_records import corrupt_records_named
from maskconver_tf.data.pipeline import EvaluationInput, TrainingInput
from maskconver_tf.errors import UserError
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.losses.maskconver_loss import MaskConverLoss
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training import optimizers
from maskconver_tf.training.checkpoints import make_checkpoint_manager
from maskconver_tf.training.evaluator import Evaluator
from maskconver_tf.training.progress import ProgressLine
from maskconver_tf.training.run_folder import RunFolder
from maskconver_tf.training.strategy import make_strategy
from maskconver_tf.training.trainer import Trainer
from maskconver_tf.training.warm_start import initial_network


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
      optimizer: makes the optimizer from `total_steps`.
      fusion: thresholds of the evaluation.
      train_input: what to train on.
      eval_input: what to evaluate on; None for no evaluation.
      total_steps: length of the run.
      steps_per_loop: steps between two looks at the losses.
      eval_interval: steps between evaluations; 0 for one at the end.
      checkpoint_interval: steps between checkpoints.
      keep_checkpoints: how many to keep.
      strategy: see `make_strategy`.
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
    """
    prepare_process(precision, seed, deterministic)
    folder = RunFolder(Path(model_dir))
    categories = train_input.folder.categories
    folder.claim_for(categories)
    distribution = make_strategy(strategy)
    _check_batch(train_input.batch_size, distribution)
    with folder.locked(), distribution.scope():
        network = initial_network(model, folder, categories, train_input.input_size, init_from)
        updater = optimizer(total_steps=total_steps)
        optimizers.prepare(updater, network)
        batches = _distributed(train_input, targets(center_levels=network.center_levels))
        on_built(folder)
        manager = make_checkpoint_manager(
            folder.checkpoints, network, updater, checkpoint_interval, keep_checkpoints
        )
        progress = ProgressLine(updater.iterations, total_steps, train_input.batch_size)
        evaluator = None
        if eval_input is not None:
            evaluator = Evaluator(
                PanopticSegmenter(network, fusion, categories, eval_input.input_size, jit_compile),
                eval_input,
                categories,
                distribution,
                averaged=lambda: optimizers.averaged_weights(updater, network),
                on_scores=lambda scores: _keep_best(folder, network, updater, scores, progress),
            )
        with _output_for_people(progress, train_input):
            controller = orbit.Controller(
                strategy=distribution,
                trainer=Trainer(network, loss, updater, batches, distribution, jit_compile),
                evaluator=evaluator,
                global_step=updater.iterations,
                steps_per_loop=steps_per_loop,
                checkpoint_manager=manager,
                summary_dir=str(folder.summaries),
                train_actions=[progress],
            )
            return _run(controller, total_steps, eval_interval)


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
    tf_keras.mixed_precision.set_global_policy(precision)


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
    scores: dict[str, dict[str, float]],
    progress: ProgressLine,
) -> None:
    """Saves the weights of the highest PQ and says what the evaluation found."""
    step = int(optimizer.iterations.numpy())
    is_best = folder.save_best(model, scores["all"]["pq"], step)
    groups = ", ".join(f"PQ {group} {values['pq']:.1f}" for group, values in scores.items())
    progress.write(f"step {step}: {groups}" + (" (best so far)" if is_best else ""))
    progress.forget_pause()


def _check_batch(batch_size: int, strategy: tf.distribute.Strategy) -> None:
    if batch_size % strategy.num_replicas_in_sync:
        raise UserError(
            f"TrainingInput.batch_size = {batch_size} does not divide by the "
            f"{strategy.num_replicas_in_sync} replicas of the strategy; make it a multiple"
        )
