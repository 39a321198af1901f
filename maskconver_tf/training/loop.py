"""A training from its newest checkpoint to its end: steps, evaluations, checkpoints and stops."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import time
from collections.abc import Callable, Iterator

import numpy as np
import orbit
import tensorflow as tf

from maskconver_tf.files.disk_errors import explain_write_errors
from maskconver_tf.files.whole_file import write_text_whole
from maskconver_tf.training.evaluators.evaluator import EvaluationHooks, Evaluator, Scores
from maskconver_tf.training.machines.stopping import StopRequest, StopRequested
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.moving_averages import averaged_weights
from maskconver_tf.training.progress import Progress
from maskconver_tf.training.run_files.checkpoints import CheckpointManager
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.run_settings import RunLength
from maskconver_tf.training.step import TrainingStep
from maskconver_tf.training.time_plan.plan import Segment, TimePlan, read_plan
from maskconver_tf.training.time_plan.run_progress import RunProgress
from maskconver_tf.training.time_plan.timed_run import TimedRun
from maskconver_tf.training.wandb_log import WandbLog


class AdjustableController(orbit.Controller):
    """Orbit's controller, but the length of its loops may change during a run."""

    @property
    def steps_per_loop(self) -> int:
        return self._steps_per_loop

    @steps_per_loop.setter
    def steps_per_loop(self, steps: int) -> None:
        self._steps_per_loop = steps


class TrainingLoop:
    """Repeats a training step and writes into the run's folder.

    Args:
      step: with its task, model and optimizer.
      checkpoints: manager, restored.
      folder: what this process writes into.
      workers: of the run.
      log: of Weights & Biases.
      on_report: see `train`.
    """

    def __init__(
        self,
        step: TrainingStep,
        checkpoints: CheckpointManager,
        folder: RunFolder,
        workers: Workers,
        log: WandbLog | None = None,
        on_report: Callable[[int, dict], None] = lambda step, report: None,
    ):
        self._step = step
        self._task = step.task
        self._checkpoints = checkpoints
        self._folder = folder
        self._workers = workers
        self._log = log
        self._on_report = on_report
        self._stop = StopRequest(workers)
        self._picture_times: list[float] = []
        step.on_not_finite = self._note_bad_batch

    def run(self, length: RunLength, progress: RunProgress | None = None) -> Scores:
        """Trains to the end of the run, see `train`; returns the last evaluation.

        Args:
          length: of the run.
          progress: what the learning rate follows, for a length in minutes.

        Raises:
          RunStopped: somebody asked the run to stop, and it saved; or another worker is gone.
        """
        iterations, batch_size = self._step.optimizer.iterations, self._task.train_input.batch_size
        total = length.total_steps
        self._progress = Progress(iterations, total, batch_size, self._workers.is_chief)
        if self._step.steps_done >= total and not length.minutes:
            done = f"step {self._step.steps_done}/{total}: nothing is left to train"
            self._progress.write(f"{done}; raise --total_steps to go on")
        with self._output_for_people(), self._stop.listening(), self._checkpoints.wait_at_end():
            controller, path = self._controller(length.steps_per_loop), self._folder.path
            try:
                with explain_write_errors(path, "The last checkpoint stands", only_if_named=True):
                    return self._run_or_stop(controller, length, progress)
            except tf.errors.OpError as error:
                raise self._stop.convert_connection_error(error) from error

    def _run_or_stop(
        self, controller: orbit.Controller, length: RunLength, progress: RunProgress | None
    ) -> Scores:
        try:
            if length.minutes:
                return self._run_for_minutes(controller, length, progress)
            return _run(controller, length, self._last_evaluated_step())
        except StopRequested:
            controller.save_checkpoint()
            self._checkpoints.sync()
            raise self._stop.run_stopped(self._step.steps_done) from None

    def _last_evaluated_step(self) -> int:
        """Returns what the chief's folder says, so that all workers evaluate together."""
        own = self._folder.last_evaluated_step() if self._workers.is_chief else 0
        return int(self._workers.sum(float(own)))

    def _run_for_minutes(
        self, controller: orbit.Controller, length: RunLength, progress: RunProgress
    ) -> Scores:
        plan = read_plan(self._folder.time_plan) or TimePlan(60 * length.minutes)
        plan.start_or_go_on(self._step.steps_done, 60 * length.minutes, length.total_steps)

        def follow(segment: Segment) -> None:
            progress.follow(segment)
            self._progress.set_total(segment.last_step)

        if plan.used[1] >= plan.seconds:
            done = f"step {self._step.steps_done}: the {length.minutes:g} minutes are over"
            self._progress.write(f"{done}; raise --minutes to go on")
        run = TimedRun(
            controller,
            plan,
            length.eval_interval,
            self._folder.time_plan,
            follow,
            self._progress.write,
            self._picture_times,
        )
        scores = run.run()
        return scores or (controller.evaluate() if controller.evaluator else {})

    def _controller(self, steps_per_loop: int) -> orbit.Controller:
        return AdjustableController(
            strategy=self._step.strategy,
            trainer=self._step,
            evaluator=self._evaluator(),
            global_step=self._step.optimizer.iterations,
            steps_per_loop=steps_per_loop,
            checkpoint_manager=self._checkpoints,
            summary_dir=str(self._folder.summaries),
            train_actions=[
                self._progress,
                self._log_steps,
                self._checkpoints.check_background_write,
                self._stop,
            ],
        )

    def _evaluator(self) -> Evaluator | None:
        if self._task.eval_input is None:
            return None
        step = self._step
        hooks = EvaluationHooks(
            averaged=functools.partial(averaged_weights, step.optimizer, step.model),
            on_picture=self._note_picture,
            show=self._show,
            on_scores=self._keep_best,
        )
        return self._task.evaluator(step.model, self._workers, step.jit_compile, hooks)

    @contextlib.contextmanager
    def _output_for_people(self) -> Iterator[None]:
        """Hides Orbit's own lines, closes the progress bar, and names corrupt data."""
        with (
            contextlib.closing(self._progress),
            contextlib.redirect_stdout(io.StringIO()),
            self._task.explain_read_errors(),
        ):
            yield

    def _note_picture(self) -> None:
        self._picture_times.append(time.monotonic())
        self._stop.check_during_evaluation()

    def _keep_best(self, scores: Scores) -> None:
        """Saves the weights if their score is the best, and prints the scores."""
        step, metric = self._step.steps_done, self._task.metric
        # There is no score if neither truth nor prediction has a segment.
        score = scores["all"][metric] if scores else 0.0
        is_best = self._folder.save_if_best(self._step.model, score, step, metric)
        results = json.dumps({"step": step, **scores}, indent=1) + "\n"
        write_text_whole(self._folder.results_file, results)
        self._log_values({f"{m}/{g}": x for g, found in scores.items() for m, x in found.items()})
        name = self._task.metric_name
        groups = ", ".join(f"{name} {group} {found[metric]:.1f}" for group, found in scores.items())
        groups = groups or "no segment in truth or prediction"
        self._progress.write(f"step {step}: {groups}" + (" (best so far)" if is_best else ""))

    def _show(self, values: dict[str, float | np.ndarray]) -> None:
        """Writes numbers and pictures of an evaluation into the summaries and the log."""
        for name, value in values.items():
            if np.ndim(value):
                tf.summary.image(name, value[np.newaxis])
            else:
                tf.summary.scalar(name, value)
        self._log_values(values)

    def _log_steps(self, output: dict) -> None:
        values = {name: float(value) for name, value in output.items()}
        self._log_values(values)
        self._on_report(self._step.steps_done, values)

    def _log_values(self, values: dict[str, float | np.ndarray]) -> None:
        if self._log is not None:
            self._log(self._step.steps_done, values)

    def _note_bad_batch(self, step: int, terms: list[str]) -> str:
        """Writes which pictures the bad batch held; returns a sentence that names the file."""
        pictures = self._task.pictures_of(step)
        content = {"step": step, "terms": terms, "pictures": pictures}
        write_text_whole(self._folder.not_finite, json.dumps(content, indent=1) + "\n")
        return f"The batch's pictures are in {self._folder.not_finite}. " if pictures else ""


def _run(controller: orbit.Controller, length: RunLength, last_evaluation: int) -> Scores:
    """Trains to the end and evaluates on the way; returns the scores of the last evaluation.

    Evaluations come at multiples of the interval, also in a run that resumes between two of them. A
    run that stopped during an evaluation repeats it.
    """
    total, interval = length.total_steps, length.eval_interval or length.total_steps
    if controller.evaluator is None:
        controller.train(total)
        return {}
    step, scores = int(controller.global_step.numpy()), None
    if 0 < step < total and step % interval == 0 and step != last_evaluation:
        scores = controller.evaluate()
    while step < total:
        until = min((step // interval + 1) * interval, total)
        controller.train(until, checkpoint_at_completion=False)
        scores, step = controller.evaluate(), until
    controller.save_checkpoint()
    # A run that was complete before is only evaluated.
    return scores or controller.evaluate()
