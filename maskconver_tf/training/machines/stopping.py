"""Ends a run on SIGTERM (from a scheduler) or Ctrl-C (from a person) without losing a step."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

import tensorflow as tf

from maskconver_tf.errors import RunStopped
from maskconver_tf.files.disk_errors import short_reason
from maskconver_tf.training.machines.workers import Workers

_START_AGAIN_STATUS = 75
"""EX_TEMPFAIL: asks the caller to start the run again."""

_CTRL_C_STATUS = 130
"""The status that shells report for a program that Ctrl-C ended."""

_NETWORK_ERRORS = (tf.errors.UnavailableError, tf.errors.DeadlineExceededError)
_DEAD_WORKER_ERRORS = (tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.InternalError)
"""Further errors of collective operations when another worker dies."""


class StopRequested(Exception):
    """Raised between two loops of steps when the run must save and end."""


class StopRequest:
    """Remembers a signal until the current loop of steps ends. An Orbit train action.

    Args:
      workers: if any of them gets a signal, all of them stop at the same step.
    """

    def __init__(self, workers: Workers):
        self._workers = workers
        self._signal = 0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Listens for SIGTERM and SIGINT: the first is a request, the second ends the process."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Only the main thread may handle signals.
            return
        before = {s: signal.signal(s, self._receive) for s in (signal.SIGTERM, signal.SIGINT)}
        self._before = before
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number: int, frame) -> None:
        self._signal = number
        signal.signal(number, self._before[number])

    def __call__(self, output: dict | None = None) -> None:
        """Raises `StopRequested` on all workers if any worker got a signal."""
        self._signal = self._agree_on_signal()
        if self._signal:
            raise StopRequested

    def _agree_on_signal(self) -> int:
        """Returns the signal that any worker got, or 0. SIGTERM wins over SIGINT."""
        got = [self._signal == signal.SIGTERM, self._signal == signal.SIGINT]
        terminated, interrupted = self._workers.sum([float(each) for each in got])
        return signal.SIGTERM if terminated else signal.SIGINT if interrupted else 0

    def check_during_evaluation(self) -> None:
        """Raises `StopRequested` in the middle of an evaluation if this is the only worker.

        Several workers must finish the evaluation together.
        """
        if self._signal and self._workers.count == 1:
            raise StopRequested

    def run_stopped(self, step: int) -> RunStopped:
        """Returns the exception that ends the run after it has saved at `step`."""
        name = signal.Signals(self._signal).name
        status = _CTRL_C_STATUS if self._signal == signal.SIGINT else _START_AGAIN_STATUS
        return RunStopped(
            f"stopped by {name} and saved at step {step}. Run the same command again to continue "
            "from this step",
            status,
        )

    def convert_connection_error(self, error: tf.errors.OpError) -> Exception:
        """Returns `RunStopped` for an error that another start may cure, otherwise the error."""
        several = self._workers.count > 1
        if not isinstance(error, (*_NETWORK_ERRORS, *(_DEAD_WORKER_ERRORS if several else ()))):
            return error
        cause = "another worker is gone" if several else "a connection was lost"
        start = "Start all workers" if several else "Start"
        return RunStopped(
            f"{cause} ({short_reason(error)}). {start} again with the same command; the run "
            "continues from the last checkpoint",
            _START_AGAIN_STATUS,
        )
