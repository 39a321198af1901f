"""Checkpoints written in the background: their content and their errors."""

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
    """A model with weights, statistics, moving averages and random draws, and its checkpoints."""

    def __init__(self, folder, in_background: bool = True):
        random = tf_keras.layers.Dropout(0.5, rng_type="stateful", seed=1)
        layers = [tf_keras.layers.Dense(64), tf_keras.layers.BatchNormalization(), random]
        self.model = tf_keras.Sequential([tf_keras.layers.Input([64]), *layers])
        self.optimizer = optimizers.make_optimizer(100, warmup_steps=0, ema_decay=0.9)
        optimizers.build_optimizer(self.optimizer, self.model)
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
    """Makes the write in the background wait until the event is set."""
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
    """A context manager in which no file can grow beyond 1 KiB."""

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


def test_a_checkpoint_holds_the_whole_state_at_the_moment_of_the_save(tmp_path, writer_waits):
    """A run that resumes from it ends as the first one does, with all random draws and averages."""
    run = Run(tmp_path)
    run.step()
    path = run.save()
    run.step()
    assert run.manager.latest_checkpoint is None  # It is not whole yet.
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


def test_a_save_waits_for_the_one_before(tmp_path, writer_waits):
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
        tf.train.CheckpointManager.sync(run.manager)  # It has failed by now, unnoticed.
        with pytest.raises(UserError, match=r"^\S+: cannot be written \(/.+ too large.*\); free"):
            run.manager.check_background_write({"loss": 1.0})
    assert tf.train.latest_checkpoint(str(tmp_path)) == first
    run.step()
    run.save()  # The error is reported once, and there is space again.
    run.manager.sync()
    assert (tmp_path / "ckpt-3.index").exists()


def test_full_disk_ends_the_run_at_its_end(tmp_path, full_disk):
    run = Run(tmp_path)
    run.step()
    raised = pytest.raises(UserError, match="Nothing was saved before")
    with full_disk(), raised, run.manager.wait_at_end():
        run.save()


def test_an_error_of_the_run_waits_for_the_writer_and_hides_its_error(tmp_path, full_disk):
    run = Run(tmp_path)
    run.step()
    with full_disk(), pytest.raises(ValueError, match="of the run"), run.manager.wait_at_end():
        run.save()
        raise ValueError("of the run")
    run.manager.check_background_write()


def test_in_the_foreground_save_returns_after_the_write(tmp_path):
    run = Run(tmp_path, in_background=False)
    run.step()
    assert run.save() == run.manager.latest_checkpoint
    assert isinstance(run.manager, CheckpointManager)
