"""Damaged and half-written checkpoints, on a disk and in a bucket."""

from __future__ import annotations

import gc
import logging.handlers
import resource
import signal

import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.training.run_files.checkpoint_reading import (
    restore_checkpoint,
    skip_damaged_checkpoints,
)
from maskconver_tf.training.run_files.run_folder import RunFolder
from tests.unit.training.run_files.small_run import make_manager, replace_file


def test_a_damaged_newest_checkpoint_is_skipped_with_a_line(folder, capsys):
    variable, manager = make_manager(folder)
    for step in (1, 2, 3):
        variable.assign([float(step)] * 1000)
        manager.save(step)
    data = str(folder.checkpoints / "ckpt-3.data-00000-of-00001")
    with tf.io.gfile.GFile(data, "rb") as file:
        content = file.read()
    replace_file(data, content[:1000])
    # The process was killed before the file `checkpoint` named the second checkpoint.
    first = str(folder.checkpoints / "ckpt-1")
    tf.compat.v1.train.update_checkpoint_state(str(folder.checkpoints), first)
    skip_damaged_checkpoints(folder.checkpoints)
    message = capsys.readouterr().err
    assert "ckpt-3: damaged" in message
    assert message.rstrip().endswith("continues from " + str(folder.checkpoints / "ckpt-2"))
    newest = tf.train.latest_checkpoint(str(folder.checkpoints))
    restored, again = make_manager(folder, -1.0)
    restore_checkpoint(again.checkpoint, newest)
    assert restored.numpy()[0] == 2.0
    assert [path[-6:] for path in again.checkpoints] == ["ckpt-1", "ckpt-2"]


def test_a_half_written_checkpoint_is_deleted(folder):
    _, manager = make_manager(folder)
    manager.save(1)
    half = str(folder.checkpoints / "ckpt-2_temp")
    tf.io.gfile.makedirs(half)
    with tf.io.gfile.GFile(f"{half}/part-00000-of-00001.data-00000-of-00001", "wb") as file:
        file.write(b"half")
    skip_damaged_checkpoints(folder.checkpoints)
    assert not tf.io.gfile.exists(half)
    assert tf.train.latest_checkpoint(str(folder.checkpoints)).endswith("ckpt-1")


def test_only_damaged_checkpoints_stop_the_run(folder):
    _, manager = make_manager(folder)
    path = manager.save(1)
    replace_file(f"{path}.index", b"")
    with pytest.raises(UserError, match="none of 1 checkpoints is readable"):
        skip_damaged_checkpoints(folder.checkpoints)


def test_a_full_disk_leaves_the_last_good_state(tmp_path):
    folder = RunFolder(tmp_path / "run")
    variable, manager = make_manager(folder)
    good = manager.save(1)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))  # No file can grow beyond it.
        with pytest.raises(UserError, match="cannot be written") as raised:
            manager.save(2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert f"{good} is the last good state" in str(raised.value)
    skip_damaged_checkpoints(folder.checkpoints)
    variable.assign(variable + 1.0)
    restore_checkpoint(manager.checkpoint, tf.train.latest_checkpoint(str(folder.checkpoints)))
    assert variable.numpy()[0] == 0.0


def test_a_checkpoint_of_another_model_is_told_without_hundreds_of_warnings(tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable(1.0), b=tf.Variable(2.0)).write(str(tmp_path / "ck"))
    warned = logging.handlers.BufferingHandler(1000)
    tf.get_logger().addHandler(warned)
    try:
        with pytest.raises(UserError, match="does not fit the model"):
            restore_checkpoint(tf.train.Checkpoint(c=tf.Variable(0.0)), path)
        gc.collect()  # TensorFlow lists what it did not restore when the last reference is gone.
    finally:
        tf.get_logger().removeHandler(warned)
    assert not warned.buffer
