"""Ends a run on request without losing a step: SIGTERM of a scheduler, Ctrl-C of a person."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

import tensorflow as tf

from maskconver_tf.errors import RunStopped
from maskconver_tf.files.disk_errors import short_reason
from maskconver_tf.training.machines.workers import Workers

_AGAIN = 75
"""EX_TEMPFAIL: whoever started the run should start it again."""

_BY_A_PERSON = 130
"""What shells report of a program that Ctrl-C ended."""

_OF_NETWORK = (tf.errors.UnavailableError, tf.errors.DeadlineExceededError)
_OF_WORKERS = (tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.InternalError)
"""What collective operations end with besides, when a worker dies."""


class StopRequested(Exception):
    """Raised between two loops of steps, when it is time to save and end."""


class StopRequest:
    """Remembers a signal until the loop of steps at hand is over; an Orbit train action.

    Args:
      workers: all of them stop at the same step, whichever got the signal.
    """

    def __init__(self, workers: Workers):
        self._workers = workers
        self._signal = 0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Within it the first SIGTERM or SIGINT is a request, the next ends the process at once."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Signals are the main thread's.
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
        """Raises `StopRequested` if any worker was asked to stop; the same on all of them."""
        self._signal = self._agreed()
        if self._signal:
            raise StopRequested

    def _agreed(self) -> int:
        """The signal that any worker got; where they got several, SIGTERM."""
        asked = [self._signal == signal.SIGTERM, self._signal == signal.SIGINT]
        terminated, interrupted = self._workers.sum([float(each) for each in asked])
        return signal.SIGTERM if terminated else signal.SIGINT if interrupted else 0

    def check_alone(self) -> None:
        """The same, in the midst of an evaluation: a single process need not finish it."""
        if self._signal and self._workers.count == 1:
            raise StopRequested

    def stopped(self, step: int) -> RunStopped:
        """What ends the run once it is saved."""
        name = signal.Signals(self._signal).name
        status = _BY_A_PERSON if self._signal == signal.SIGINT else _AGAIN
        return RunStopped(
            f"stopped by {name} and saved at step {step}; the same command goes on from there",
            status,
        )

    def lost_connection(self, error: tf.errors.OpError) -> Exception:
        """What to end with after an error: itself, or `RunStopped` where another try may help."""
        several = self._workers.count > 1
        if not isinstance(error, (*_OF_NETWORK, *(_OF_WORKERS if several else ()))):
            return error
        what = "another worker is gone" if several else "a connection was lost"
        start = "start all workers" if several else "start"
        return RunStopped(
            f"{what} ({short_reason(error)}); {start} again with the same command, which goes on "
            "from the last checkpoint"
        )
