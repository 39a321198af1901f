"""What ends a run and may be tried again, and what may not."""

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
        (tf.errors.UnavailableError, 1, "a connection was lost (no route); start again"),
        (tf.errors.DeadlineExceededError, 1, "a connection was lost (no route); start again"),
        (tf.errors.UnavailableError, 2, "another worker is gone (no route); start all workers"),
        (tf.errors.AbortedError, 2, "another worker is gone (no route); start all workers"),
        (tf.errors.CancelledError, 2, "another worker is gone (Collective ops is aborted); start"),
        (tf.errors.InternalError, 2, "another worker is gone (no route); start all workers"),
    ],
)
def test_what_another_try_may_mend_asks_for_it(error, num_workers, message):
    text = GRAPH_ERROR if error is tf.errors.CancelledError else "no route\nat node x"
    stopped = _request(num_workers).lost_connection(error(None, None, text))
    assert isinstance(stopped, RunStopped) and stopped.status == 75
    assert str(stopped).startswith(message)
    assert "goes on from the last checkpoint" in str(stopped)


@pytest.mark.parametrize("error", [tf.errors.AbortedError, tf.errors.InvalidArgumentError])
def test_what_it_may_not_stays_what_it_is(error):
    raised = error(None, None, "wrong shape")
    assert _request().lost_connection(raised) is raised


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_the_first_signal_is_a_request_and_says_so(number, status):
    request = _request()
    before = signal.getsignal(number)
    with request.listening():
        request()  # Nobody asked.
        os.kill(os.getpid(), number)
        with pytest.raises(StopRequested):
            request()
        assert signal.getsignal(number) is before  # The second one ends the process at once.
    stopped = request.stopped(step=7)
    assert stopped.status == status
    assert str(stopped).startswith(f"stopped by {signal.Signals(number).name} and saved at step 7;")
