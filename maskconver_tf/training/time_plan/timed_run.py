"""Trains for a given time: measures steps and evaluations, and renews the plan on the way."""

from __future__ import annotations

import collections
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.files.paths import RemotePath
from maskconver_tf.training.time_plan.plan import Costs, Segment, TimePlan, write_plan

_MEASURED_SHARE = 0.05
"""Share of the time that measuring may take before the first plan, at most ..."""
_MEASURED_S = 10.0
"""... this many seconds."""
_CHUNKS = 10
"""The plan is renewed at least so often."""
_LOOP_SHARE = 0.02
"""Largest share of the time between two reports, after which a run can stop."""
_KEPT_CHUNKS = 3
"""The rate is that of the last chunks, because other programs may start or stop."""


class TimedRun:
    """Takes a controller through a run whose length is a time.

    Args:
      controller: Orbit's controller, or one with the same methods.
      plan: started for the step of the controller.
      eval_interval: steps between two evaluations; 0 for one at the end.
      file: where the plan is kept.
      follow: called with each new segment, before the next step.
      write: prints a line for people.
      picture_times: times at which pictures of the evaluation were ready, on `clock`; filled while
        an evaluation runs.
      clock: the time in seconds.
    """

    def __init__(
        self,
        controller: Any,
        plan: TimePlan,
        eval_interval: int,
        file: Path | RemotePath,
        follow: Callable[[Segment], None],
        write: Callable[[str], None],
        picture_times: list[float],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._controller = controller
        self._plan = plan
        self._eval_interval = eval_interval
        self._file = file
        self._follow = follow
        self._write = write
        self._picture_times = picture_times
        self._clock = clock
        self._used_before = plan.used[1]
        self._begun: float | None = None
        self._chunks: collections.deque = collections.deque(maxlen=_KEPT_CHUNKS)
        self._evaluated_at = -1
        self._scores: Any = None

    def run(self) -> Any:
        """Trains to the end of the time; returns the last evaluation, None if no time was left."""
        if self._plan.used[1] >= self._plan.seconds:
            return None
        try:
            self._measure()
            while self._step() < self._plan.last_step:
                self._train(self._next_stop())
                if self._is_evaluation_due():
                    self._evaluate()
                self._renew()
            if self._has_evaluator() and self._evaluated_at != self._step():
                self._evaluate()
        finally:
            self._record()
        self._controller.save_checkpoint()
        return self._scores

    # ---- Measuring -------------------------------------------------------------------------------
    def _measure(self) -> None:
        """Takes the first steps, then makes the first plan of this process."""
        loop_steps = self._controller.steps_per_loop
        self._follow(self._plan.segments[-1])
        self._train_loops(self._step() + 1, 1)  # Compiles; the time begins when it is over.
        self._begun = self._clock()
        self._chunks.clear()
        enough, count, measured = min(_MEASURED_S, _MEASURED_SHARE * self._plan.seconds), 1, 0.0
        while measured < enough:
            measured += self._train_loops(self._step() + count, count)
            count = min(2 * count, loop_steps)
        longest = _LOOP_SHARE * self._plan.seconds / self._costs().step_seconds
        self._controller.steps_per_loop = max(1, min(loop_steps, int(longest)))
        if self._has_evaluator() and self._plan.evaluation_seconds is None:
            self._evaluate()
        self._renew()
        self._tell_plan()

    def _tell_plan(self) -> None:
        costs, step = self._costs(), self._step()
        left = max(0.0, self._plan.seconds - self._used())
        evaluation = f", {costs.evaluation_seconds:.1f} s an evaluation" * self._has_evaluator()
        self._write(
            f"step {step}: {costs.step_seconds:.2f} s a step{evaluation}; the run ends in "
            f"{left / 60:.1f} minutes, at about step {self._plan.last_step}"
        )

    def _costs(self) -> Costs:
        steps, seconds = (sum(column) for column in zip(*self._chunks))
        return Costs(seconds / steps, self._plan.evaluation_seconds or 0.0)

    def _used(self) -> float:
        """Returns the seconds used by the run, also before this process."""
        now = self._clock()
        return self._used_before + now - (now if self._begun is None else self._begun)

    # ---- Parts of the run ------------------------------------------------------------------------
    def _train(self, until: int) -> None:
        self._train_loops(until, self._controller.steps_per_loop)

    def _train_loops(self, until: int, loop_steps: int) -> float:
        """Trains until a step; returns the seconds."""
        first, begun = self._step(), self._clock()
        self._controller.steps_per_loop = loop_steps
        self._controller.train(until, checkpoint_at_completion=False)
        seconds = self._clock() - begun
        self._chunks.append((self._step() - first, seconds))
        return seconds

    def _evaluate(self) -> None:
        begun, is_first = self._clock(), self._plan.evaluation_seconds is None
        self._picture_times.clear()
        self._scores = self._controller.evaluate()
        seconds = self._clock() - begun
        if is_first:
            seconds = without_start(self._picture_times, seconds)
        self._plan.evaluation_seconds = seconds
        self._evaluated_at = self._step()

    def _renew(self) -> None:
        self._plan.renew(self._step(), self._used(), self._costs(), self._interval())
        self._follow(self._plan.segments[-1])
        self._record()

    def _record(self) -> None:
        self._plan.used = (self._step(), self._used())
        write_plan(self._file, self._plan)

    def _next_stop(self) -> int:
        """Returns the step of the next evaluation or renewal."""
        step, last = self._step(), self._plan.last_step
        stops = [last, step + max(1, math.ceil(last / _CHUNKS))]
        if self._interval():
            stops.append((step // self._interval() + 1) * self._interval())
        return min(stops)

    def _is_evaluation_due(self) -> bool:
        step, interval = self._step(), self._interval()
        is_due = step >= self._plan.last_step or (interval and step % interval == 0)
        return bool(self._has_evaluator() and is_due)

    def _interval(self) -> int:
        return self._eval_interval if self._has_evaluator() else 0

    def _has_evaluator(self) -> bool:
        return self._controller.evaluator is not None

    def _step(self) -> int:
        return int(self._controller.global_step.numpy())


def without_start(times: Sequence[float], seconds: float) -> float:
    """Estimates the seconds of an evaluation without its compilation.

    Args:
      times: when each picture was ready; the first one, and perhaps another one, waited for a
        compilation.
      seconds: of the whole evaluation.
    """
    if len(times) < 4:
        return seconds
    gaps = np.diff(times)
    rest = float(gaps.sum() - gaps.max()) / (len(gaps) - 1)
    return min(rest * len(times), seconds)
