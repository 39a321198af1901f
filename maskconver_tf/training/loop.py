"""A run from its newest checkpoint to its end: steps, evaluations, checkpoints, and stops."""

from __future__ import annotations

import contextlib
import functools
import io
import json
from collections.abc import Iterator

import numpy as np
import orbit
import tensorflow as tf

from maskconver_tf.files.disk_errors import explain_write_errors
from maskconver_tf.files.whole_file import write_text_whole
from maskconver_tf.training import optimizers
from maskconver_tf.training.machines.stopping import StopRequest, StopRequested
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.progress import Progress
from maskconver_tf.training.run_files.checkpoints import CheckpointManager
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.step import Trainer
from maskconver_tf.training.wandb_log import WandbLog

Scores = dict[str, dict[str, float]]


class TrainingRun:
    """Ties a trainer to a folder.

    Args:
      trainer: with its task, model and optimizer.
      checkpoints: manager, restored.
      folder: what this process writes into.
      workers: of the run.
      log: of Weights & Biases.
    """

    def __init__(
        self,
        trainer: Trainer,
        checkpoints: CheckpointManager,
        folder: RunFolder,
        workers: Workers,
        log: WandbLog | None = None,
    ):
        self._trainer = trainer
        self._task = trainer.task
        self._checkpoints = checkpoints
        self._folder = folder
        self._workers = workers
        self._log = log
        self._stop = StopRequest(workers)
        trainer.on_not_finite = self._note_bad_batch

    def to_end(self, total_steps: int, steps_per_loop: int, eval_interval: int) -> Scores:
        """Trains to `total_steps`, see `train`; returns the last evaluation.

        Raises:
          RunStopped: when asked to stop, saved; or another worker is gone.
        """
        step, batch_size = self._trainer.optimizer.iterations, self._task.train_input.batch_size
        self._progress = Progress(step, total_steps, batch_size, self._workers.is_chief)
        if self._trainer.step >= total_steps:
            done = f"step {self._trainer.step}/{total_steps}: nothing is left to train"
            self._progress.write(f"{done}; raise train.total_steps to go on")
        with self._output_for_people(), self._stop.listening(), self._checkpoints.closed_after():
            controller = self._controller(steps_per_loop)
            try:
                with explain_write_errors(
                    self._folder.path, "The last checkpoint stands.", only_if_named=True
                ):
                    return self._run_or_stop(controller, total_steps, eval_interval)
            except tf.errors.OpError as error:
                raise self._stop.lost_connection(error) from error

    def _run_or_stop(self, controller: orbit.Controller, *steps: int) -> Scores:
        try:
            return _run(controller, *steps)
        except StopRequested:
            controller.save_checkpoint()
            self._checkpoints.sync()
            raise self._stop.stopped(self._trainer.step) from None

    def _controller(self, steps_per_loop: int) -> orbit.Controller:
        return orbit.Controller(
            strategy=self._trainer.strategy,
            trainer=self._trainer,
            evaluator=self._evaluator(),
            global_step=self._trainer.optimizer.iterations,
            steps_per_loop=steps_per_loop,
            checkpoint_manager=self._checkpoints,
            summary_dir=str(self._folder.summaries),
            train_actions=[self._progress, self._log_steps, self._checkpoints.check, self._stop],
        )

    def _evaluator(self) -> orbit.AbstractEvaluator | None:
        if self._task.eval_input is None:
            return None
        trainer = self._trainer
        return self._task.evaluator(
            trainer.model,
            self._workers,
            averaged=functools.partial(
                optimizers.averaged_weights, trainer.optimizer, trainer.model
            ),
            on_scores=self._keep_best,
            show=self._show,
            on_picture=self._stop.check_alone,
            jit_compile=trainer.jit_compile,
        )

    @contextlib.contextmanager
    def _output_for_people(self) -> Iterator[None]:
        """Keeps Orbit's lines from the progress line, closes it, and names data that is corrupt."""
        with (
            contextlib.closing(self._progress),
            contextlib.redirect_stdout(io.StringIO()),
            self._task.reading(),
        ):
            yield

    def _keep_best(self, scores: Scores) -> None:
        """Saves the weights of the highest score and says what the evaluation found."""
        step, metric = self._trainer.step, self._task.metric
        # Where neither truth nor prediction has a segment, there is no score at all.
        score = scores["all"][metric] if scores else 0.0
        is_best = self._folder.save_best(self._trainer.model, score, step, metric)
        results = json.dumps({"step": step, **scores}, indent=1) + "\n"
        write_text_whole(self._folder.results, results)
        self._log_values({f"{m}/{g}": x for g, found in scores.items() for m, x in found.items()})
        name = self._task.metric_name
        groups = ", ".join(f"{name} {group} {found[metric]:.1f}" for group, found in scores.items())
        groups = groups or "no segment in truth or prediction"
        self._progress.write(f"step {step}: {groups}" + (" (best so far)" if is_best else ""))

    def _show(self, values: dict[str, float | np.ndarray]) -> None:
        """Numbers and pictures of an evaluation, into the summaries and the log."""
        for name, value in values.items():
            if np.ndim(value):
                tf.summary.image(name, value[np.newaxis])
            else:
                tf.summary.scalar(name, value)
        self._log_values(values)

    def _log_steps(self, output: dict) -> None:
        self._log_values({name: float(value) for name, value in output.items()})

    def _log_values(self, values: dict[str, float | np.ndarray]) -> None:
        if self._log is not None:
            self._log(self._trainer.step, values)

    def _note_bad_batch(self, step: int, terms: list[str]) -> str:
        """Notes what was in the batch that was not finite; returns a sentence that says so."""
        pictures = self._task.pictures_of(step)
        content = {"step": step, "terms": terms, "pictures": pictures}
        write_text_whole(self._folder.not_finite, json.dumps(content, indent=1) + "\n")
        return f"The batch's pictures are in {self._folder.not_finite}. " if pictures else ""


def _run(controller: orbit.Controller, total_steps: int, eval_interval: int) -> Scores:
    """Trains to the end with evaluations on the way; returns the last one's scores."""
    if controller.evaluator is None:
        controller.train(total_steps)
        return {}
    scores = controller.train_and_evaluate(
        train_steps=total_steps, eval_steps=-1, eval_interval=eval_interval or total_steps
    )
    # A run that was complete already is only evaluated.
    return scores or controller.evaluate()
