"""A `tf.data` service prepares the same examples, and its address is checked."""

import collections

import pytest
import tensorflow as tf

from maskconver_tf.errors import RunStopped, UserError
from maskconver_tf.input import data_service
from tests.unit.input.tiny_dataset import RANDOM, assert_equal, take


def _counted(batches):
    """Counts how often each example occurs, by all its bytes."""
    return collections.Counter(
        tuple(array.tobytes() for array in example)
        for batch in batches
        for example in zip(*(batch[name] for name in sorted(batch)))
    )


@pytest.mark.parametrize("address", ["localhost:5050", "grpc://localhost", "grpc://host:66000"])
def test_a_malformed_address_is_refused(data_dir, address):
    with pytest.raises(UserError, match=f"service = '{address}': expected .* such as grpc://host"):
        take(data_dir, 1, service=address)


def test_a_run_stops_for_a_restart_if_no_service_answers(data_dir, monkeypatch, capsys):
    monkeypatch.setattr(data_service, "_SERVICE_PATIENCE", 0.2)
    with pytest.raises(
        RunStopped, match="service = 'grpc://localhost:1': cannot connect to a tf.data dispatcher"
    ):
        take(data_dir, 1, service="grpc://localhost:1")
    assert "waiting for the dispatcher" in capsys.readouterr().err


@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_of_a_service_prepare_the_same_examples(data_dir, num_workers):
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer()
    workers = [
        service.WorkerServer(service.WorkerConfig(dispatcher.target.split("://")[1]))
        for _ in range(num_workers)
    ]
    settings = RANDOM | {"batch_size": 7}
    found = take(data_dir, 4, service=dispatcher.target, **settings)
    expected = take(data_dir, 4 * num_workers + 8, **settings)
    # Each worker has its own epochs. Their examples come in turn, and none comes twice.
    assert _counted(found) <= _counted(expected)
    if num_workers == 1:
        assert_equal(found, expected[:4])
    del workers
