"""Signals and errors that end a run."""

from __future__ import annotations

import os
import signal

import pytest
import tensorflow as tf

from maskconver_tf.errors import RunStopped
from maskconver_tf.training.machines.stopping import StopRequest, StopRequested
from maskconver_tf.training.machines.workers import Workers

GRAPH_ERROR = """Graph execution error:

Detected at node CollectiveReduceV2 defined at (most recent call last):
  File "cli.py", line 56, in main

  File "train.py", line 115, in train

Collective ops is aborted
The error could be from a previous operation.
\t [[{{node CollectiveReduceV2}}]] [Op:__inference_loop_fn_1]"""


def _request(num_workers: int = 1) -> StopRequest:
    return StopRequest(Workers(tf.distribute.get_strategy(), num_workers))


@pytest.mark.parametrize(
    ("error", "num_workers", "message"),
    [
        (tf.errors.UnavailableError, 1, "a connection was lost (no route). Start again"),
        (tf.errors.DeadlineExceededError, 1, "a connection was lost (no route). Start again"),
        (tf.errors.UnavailableError, 2, "another worker is gone (no route). Start all workers"),
        (tf.errors.AbortedError, 2, "another worker is gone (no route). Start all workers"),
        (tf.errors.CancelledError, 2, "another worker is gone (Collective ops is aborted). Start"),
        (tf.errors.InternalError, 2, "another worker is gone (no route). Start all workers"),
    ],
)
def test_an_error_that_another_start_may_cure_asks_for_it(error, num_workers, message):
    text = GRAPH_ERROR if error is tf.errors.CancelledError else "no route\nat node x"
    stopped = _request(num_workers).convert_connection_error(error(None, None, text))
    assert isinstance(stopped, RunStopped) and stopped.status == 75
    assert str(stopped).startswith(message)
    assert "continues from the last checkpoint" in str(stopped)


@pytest.mark.parametrize("error", [tf.errors.AbortedError, tf.errors.InvalidArgumentError])
def test_other_errors_stay_as_they_are(error):
    raised = error(None, None, "wrong shape")
    assert _request().convert_connection_error(raised) is raised


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_the_first_signal_requests_a_stop_and_the_second_ends_the_process(number, status):
    request = _request()
    before = signal.getsignal(number)
    with request.listening():
        request()  # There was no signal yet.
        os.kill(os.getpid(), number)
        with pytest.raises(StopRequested):
            request()
        assert signal.getsignal(number) is before  # The second one ends the process at once.
    stopped = request.run_stopped(step=7)
    assert stopped.status == status
    assert str(stopped).startswith(f"stopped by {signal.Signals(number).name} and saved at step 7.")
