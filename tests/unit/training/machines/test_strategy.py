"""Strategies by name, and the messages if a device is missing."""

from __future__ import annotations

import socket

import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.training.machines.strategy import distribute, make_strategy


@pytest.mark.parametrize("name", ["gpu", "mirrored"])
def test_a_missing_gpu_is_one_message(monkeypatch, name):
    only = {"CPU": tf.config.list_logical_devices("CPU")[:1], "GPU": []}
    monkeypatch.setattr(tf.config, "list_logical_devices", only.get)
    with pytest.raises(UserError, match=rf'"{name}": TensorFlow sees no GPU.*use strategy "cpu"'):
        make_strategy(name)


def test_an_unreachable_tpu_is_one_message(monkeypatch):
    def resolver(tpu):
        # urllib and Google's client libraries raise such errors. TensorFlow adds long lists.
        raise OSError(f"no route to {tpu}\nRegistered devices: [CPU]")

    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", resolver)
    match = r'no TPU answers at "mine" \(no route to mine\)\. On a TPU VM .*the name or'
    with pytest.raises(UserError, match=match):
        make_strategy("tpu", "mine")


def test_an_address_where_nobody_listens_is_not_waited_for():
    with socket.socket() as unused:
        unused.bind(("localhost", 0))
        address = f"grpc://localhost:{unused.getsockname()[1]}"
        with pytest.raises(UserError, match=f'no TPU answers at "{address}" .*refused'):
            make_strategy("tpu", address)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", "neither TF_CONFIG nor MASKCONVER_WORKERS"),
        ("{", "TF_CONFIG is not JSON"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "= 1: expected 0 to 0",
        ),
    ],
)
def test_a_wrong_tf_config_is_one_message(monkeypatch, config, message):
    monkeypatch.setenv("TF_CONFIG", config)
    monkeypatch.delenv("MASKCONVER_WORKERS", raising=False)
    with pytest.raises(UserError, match=message):
        make_strategy("multi_worker")


def test_a_worker_says_whom_it_waits_for(monkeypatch, capsys):
    config = '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}'
    monkeypatch.setenv("TF_CONFIG", config)
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda: "joined")
    assert make_strategy("multi_worker") == "joined"
    assert capsys.readouterr().err == "worker b:2: waiting for all workers: a:1, b:2\n"


def test_an_unknown_strategy_is_named():
    with pytest.raises(UserError, match=r"'cuda' \(text\): expected one of auto, cpu"):
        make_strategy("cuda")


def test_a_single_cpu_reads_its_batches_directly():
    """Another iterator between them would search for numbers of threads."""
    batches = tf.data.Dataset.range(3)
    assert distribute(lambda context: batches, make_strategy("cpu")) is batches


def test_replicas_get_their_batches_from_the_strategy():
    names = [device.name for device in tf.config.list_logical_devices("CPU")]
    contexts = []

    def make(context):
        contexts.append(context)
        return tf.data.Dataset.range(3)

    batches = distribute(make, tf.distribute.MirroredStrategy(names))
    assert [context.num_replicas_in_sync for context in contexts] == [len(names)]
    assert next(iter(batches)) is not None
