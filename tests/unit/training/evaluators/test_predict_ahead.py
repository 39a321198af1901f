"""An evaluation that never waits gives what a plain loop gives, in the same order."""

import threading
import time

import pytest
import tensorflow as tf

from maskconver_tf.training.evaluators.predict_ahead import predict_ahead

EXAMPLES = [{"id": number} for number in range(23)]


def run(infer, finish, batch_size=4, in_thread=True):
    found = predict_ahead(iter(EXAMPLES), batch_size, infer, finish, in_thread)
    return [(example["id"], prediction) for example, prediction in found]


@pytest.mark.parametrize("in_thread", [True, False])
@pytest.mark.parametrize("batch_size", [1, 4, 23, 50])
def test_all_examples_in_order(batch_size, in_thread):
    def finish(example, outputs, position):
        time.sleep(0.002 * (example["id"] % 3))
        return outputs[position] + 1

    found = run(lambda batch: [10 * each["id"] for each in batch], finish, batch_size, in_thread)
    assert found == [(number, 10 * number + 1) for number in range(23)]


def test_the_next_batch_is_computed_while_this_one_is_finished():
    second_batch = threading.Event()
    calls = []

    def infer(batch):
        calls.append(len(batch))
        if len(calls) == 2:
            second_batch.set()
        return batch

    def finish(example, outputs, position):
        assert second_batch.wait(10)  # Would time out if the network waited for this.
        return position

    assert len(run(infer, finish)) == 23
    assert calls == [4, 4, 4, 4, 4, 3]


def test_no_two_calls_of_the_network_run_at_a_time():
    running = threading.Lock()

    def infer(batch):
        assert running.acquire(blocking=False)
        time.sleep(0.005)
        running.release()
        return batch

    assert len(run(infer, lambda example, outputs, position: None)) == 23


@pytest.mark.parametrize("where", ["infer", "finish"])
def test_errors_reach_the_caller(where):
    def infer(batch):
        if where == "infer" and batch[0]["id"] == 8:
            raise ValueError("broken")
        return batch

    def finish(example, outputs, position):
        if where == "finish" and example["id"] == 9:
            raise ValueError("broken")
        return position

    seen = []
    before = threading.active_count()  # Other tests of the process may have left threads.
    with pytest.raises(ValueError, match="broken"):
        for example, _ in predict_ahead(iter(EXAMPLES), 4, infer, finish, True):
            seen.append(example["id"])
    assert seen == list(range(8 if where == "infer" else 9))[: len(seen)]
    assert threading.active_count() <= before


def test_closing_it_early_ends_the_threads():
    before = threading.active_count()
    found = predict_ahead(iter(EXAMPLES), 4, lambda batch: batch, lambda *_: 0, True)
    next(found)
    assert threading.active_count() > before
    found.close()
    assert threading.active_count() == before


def test_threads_have_the_strategy_of_the_caller():
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    with strategy.scope():
        found = run(
            lambda batch: tf.distribute.get_strategy(),
            lambda example, outputs, position: (outputs, tf.distribute.get_strategy()),
        )
    assert all(pair == (strategy, strategy) for _, pair in found)
