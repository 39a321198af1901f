"""Checkpoints written while training goes on: what they hold, and what becomes of errors."""

from __future__ import annotations

import contextlib
import resource
import signal
import threading

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.training import optimizers
from maskconver_tf.training.run_files.checkpoints import CheckpointManager, make_checkpoint_manager


class Run:
    """A model with weights, statistics, moving averages and draws, and its checkpoints."""

    def __init__(self, folder, in_background: bool = True):
        random = tf_keras.layers.Dropout(0.5, rng_type="stateful", seed=1)
        layers = [tf_keras.layers.Dense(64), tf_keras.layers.BatchNormalization(), random]
        self.model = tf_keras.Sequential([tf_keras.layers.Input([64]), *layers])
        self.optimizer = optimizers.make_optimizer(100, warmup_steps=0, ema_decay=0.9)
        optimizers.prepare(self.optimizer, self.model)
        self.manager = make_checkpoint_manager(
            folder, self.model, self.optimizer, interval=1, keep=2, in_background=in_background
        )

    def step(self) -> None:
        number = float(self.optimizer.iterations.numpy())
        with tf.GradientTape() as tape:
            outputs = self.model(
                tf.reshape(tf.sin(tf.range(256.0) + number), [4, 64]), training=True
            )
            loss = tf.reduce_sum(outputs**2)
        variables = self.model.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))

    def save(self) -> str | None:
        return self.manager.save(checkpoint_number=int(self.optimizer.iterations.numpy()))

    def values(self) -> list[np.ndarray]:
        return [v.numpy() for v in (*self.model.variables, *self.optimizer.variables)]


@pytest.fixture
def writer_waits(monkeypatch):
    """Holds whatever the background writes until the event is set."""
    may_write = threading.Event()
    write = tf.train.Checkpoint._write

    def wait_and_write(self, *args, **kwargs):
        if threading.current_thread() is not threading.main_thread():
            assert may_write.wait(60)
        return write(self, *args, **kwargs)

    monkeypatch.setattr(tf.train.Checkpoint, "_write", wait_and_write)
    return may_write


@pytest.fixture
def full_disk():
    """Files cannot grow over 1 KiB; a context manager."""

    @contextlib.contextmanager
    def full():
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)

    return full


def test_holds_the_moment_it_was_asked_for_and_all_of_it(tmp_path, writer_waits):
    """A run that goes on from it, draws and averages included, ends where the first one ends."""
    run = Run(tmp_path)
    run.step()
    path = run.save()
    run.step()
    assert run.manager.latest_checkpoint is None  # not published before it is whole
    run.step()
    writer_waits.set()
    run.manager.sync()
    assert run.manager.latest_checkpoint == path == tf.train.latest_checkpoint(str(tmp_path))

    other = Run(tmp_path)
    assert other.optimizer.iterations.numpy() == 1
    for _ in range(2):
        other.step()
    for expected, found in zip(run.values(), other.values(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_next_save_waits_for_the_one_before(tmp_path, writer_waits):
    run = Run(tmp_path)
    run.step()
    run.save()
    run.step()
    threading.Timer(0.3, writer_waits.set).start()
    run.save()
    assert (tmp_path / "ckpt-1.index").exists()
    run.manager.sync()
    assert (tmp_path / "ckpt-2.index").exists()


def test_full_disk_ends_the_run_at_the_next_step(tmp_path, full_disk):
    run = Run(tmp_path)
    run.step()
    first = run.save()
    run.manager.sync()
    run.step()
    with full_disk():
        run.save()
        tf.train.CheckpointManager.sync(run.manager)  # it has failed by now, and nobody knows
        with pytest.raises(UserError, match=r"^\S+: cannot be written \(/.+ too large.*\); free"):
            run.manager.check({"loss": 1.0})
    assert tf.train.latest_checkpoint(str(tmp_path)) == first
    run.step()
    run.save()  # told once, and space was freed
    run.manager.sync()
    assert (tmp_path / "ckpt-3.index").exists()


def test_full_disk_ends_the_run_at_its_end(tmp_path, full_disk):
    run = Run(tmp_path)
    run.step()
    told = pytest.raises(UserError, match="Nothing was saved before")
    with full_disk(), told, run.manager.closed_after():
        run.save()


def test_another_error_waits_for_the_writer_and_stays_the_one_told(tmp_path, full_disk):
    run = Run(tmp_path)
    run.step()
    with full_disk(), pytest.raises(ValueError, match="of the run"), run.manager.closed_after():
        run.save()
        raise ValueError("of the run")
    run.manager.check()


def test_in_the_foreground_all_is_written_when_save_returns(tmp_path):
    run = Run(tmp_path, in_background=False)
    run.step()
    assert run.save() == run.manager.latest_checkpoint
    assert isinstance(run.manager, CheckpointManager)
