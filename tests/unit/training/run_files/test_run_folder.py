"""A run's folder: locked, in a bucket (TensorFlow's file system in memory), on a bad disk."""

from __future__ import annotations

import json
import resource
import signal

import pytest
import tensorflow as tf

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.training.run_files import run_lock
from maskconver_tf.training.run_files.checkpoints import (
    CheckpointManager,
    leave_out_damaged,
    load_weights,
)
from maskconver_tf.training.run_files.run_folder import RunFolder

CATEGORIES = Categories.from_coco(
    [{"id": 1, "name": "ball", "isthing": 1, "color": [1, 2, 3]}], "the test"
)


@pytest.fixture(params=["disk", "bucket"])
def folder(request, tmp_path) -> RunFolder:
    bucket = f"ram://{tmp_path.name}/run"
    return RunFolder(
        local_or_remote_path(bucket if request.param == "bucket" else tmp_path / "run")
    )


@pytest.fixture
def short_lease(monkeypatch):
    monkeypatch.setattr(run_lock, "_RENEWED_S", 0.05)
    monkeypatch.setattr(run_lock, "_WATCHED_S", 0.5)


def manager_of(folder: RunFolder, value: float = 0.0):
    variable = tf.Variable([value] * 1000)
    checkpoint = tf.train.Checkpoint(model=variable)
    return variable, CheckpointManager(checkpoint, str(folder.checkpoints), max_to_keep=9)


def _replace(path: str, content: bytes) -> None:
    tf.io.gfile.remove(path)  # The file system in memory would append.
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(content)


def test_second_training_is_refused_and_the_next_is_not(folder, short_lease):
    folder.claim_for(CATEGORIES)
    assert [c.name for c in folder.categories().entries] == ["ball"]
    refused = pytest.raises(UserError, match="another process is training")
    with folder.locked(), refused, folder.locked():
        pass
    with folder.locked():
        pass


def test_lease_of_the_dead_is_taken_over(tmp_path, short_lease):
    folder = RunFolder(local_or_remote_path(f"ram://{tmp_path.name}/dead"))
    folder.claim_for(CATEGORIES)
    (folder.path / ".lock").write_text("a machine that is gone 7\n")
    with folder.locked():
        assert "a machine that is gone" not in (folder.path / ".lock").read_text()


def test_damaged_newest_checkpoint_is_left_out_with_a_line(folder, capsys):
    variable, manager = manager_of(folder)
    for step in (1, 2, 3):
        variable.assign([float(step)] * 1000)
        manager.save(step)
    data = str(folder.checkpoints / "ckpt-3.data-00000-of-00001")
    with tf.io.gfile.GFile(data, "rb") as file:
        content = file.read()
    _replace(data, content[:1000])
    # And the kill came before the second was noted.
    first = str(folder.checkpoints / "ckpt-1")
    tf.compat.v1.train.update_checkpoint_state(str(folder.checkpoints), first)
    leave_out_damaged(folder.checkpoints)
    message = capsys.readouterr().err
    assert "ckpt-3: damaged" in message
    assert message.rstrip().endswith("goes on from " + str(folder.checkpoints / "ckpt-2"))
    newest = tf.train.latest_checkpoint(str(folder.checkpoints))
    restored, again = manager_of(folder, -1.0)
    load_weights(again.checkpoint, newest)
    assert restored.numpy()[0] == 2.0
    assert [path[-6:] for path in again.checkpoints] == ["ckpt-1", "ckpt-2"]


def test_what_a_kill_left_of_a_checkpoint_is_deleted(folder):
    _, manager = manager_of(folder)
    manager.save(1)
    half = str(folder.checkpoints / "ckpt-2_temp")
    tf.io.gfile.makedirs(half)
    with tf.io.gfile.GFile(f"{half}/part-00000-of-00001.data-00000-of-00001", "wb") as file:
        file.write(b"half")
    leave_out_damaged(folder.checkpoints)
    assert not tf.io.gfile.exists(half)
    assert tf.train.latest_checkpoint(str(folder.checkpoints)).endswith("ckpt-1")


def test_only_damaged_checkpoints_stop_the_run(folder):
    _, manager = manager_of(folder)
    path = manager.save(1)
    _replace(f"{path}.index", b"")
    with pytest.raises(UserError, match="none of 1 checkpoints can be read"):
        leave_out_damaged(folder.checkpoints)


def test_full_disk_ends_with_the_last_good_state(tmp_path):
    folder = RunFolder(tmp_path / "run")
    variable, manager = manager_of(folder)
    good = manager.save(1)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))  # No file grows any more.
        with pytest.raises(UserError, match="cannot be written") as raised:
            manager.save(2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert f"{good} is the last good state" in str(raised.value)
    leave_out_damaged(folder.checkpoints)
    variable.assign(variable + 1.0)
    load_weights(manager.checkpoint, tf.train.latest_checkpoint(str(folder.checkpoints)))
    assert variable.numpy()[0] == 0.0


def test_other_classes_are_refused_once_there_is_a_checkpoint(folder):
    others = Categories.from_coco([{"id": 7, "name": "kite", "isthing": 1}], "the test")
    folder.claim_for(others)
    folder.claim_for(CATEGORIES)  # The first start left nothing.
    _, manager = manager_of(folder)
    manager.save(1)
    folder.claim_for(CATEGORIES)
    with pytest.raises(UserError, match="this run was trained for 1 classes .ball."):
        folder.claim_for(others)


def test_folder_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        UserError, match=r"file/run: cannot be written .*choose another --model_dir"
    ):
        RunFolder(tmp_path / "file" / "run").claim_for(CATEGORIES)


def test_bucket_out_of_reach_is_one_message(monkeypatch):
    def refuse(path):
        raise tf.errors.PermissionDeniedError(None, None, "401 Anonymous caller")

    monkeypatch.setattr(tf.io.gfile, "exists", refuse)
    monkeypatch.setattr(tf.io.gfile, "makedirs", refuse)
    for use in (
        RunFolder(local_or_remote_path("gs://b/x")).categories,
        local_or_remote_path("gs://b/x").mkdir,
    ):
        with pytest.raises(UserError, match=r"gs://b/x.*Anonymous caller.*credentials"):
            use()


def test_best_weights_are_kept_and_restored(folder):
    def model(value: float) -> tf.Module:
        module = tf.Module()
        module.weight = tf.Variable(value)
        return module

    assert folder.save_best(model(1.0), score=30.0, step=5)
    assert not folder.save_best(model(2.0), score=30.0, step=9)
    assert folder.save_best(model(3.0), score=31.0, step=12)
    assert json.loads(folder.best_score.read_text()) == {"pq": 31.0, "step": 12}
    restored = model(0.0)
    folder.restore(restored)
    assert restored.weight.numpy() == 3.0
    _replace(f"{folder.best / 'weights-12'}.data-00000-of-00001", b"")
    with pytest.raises(UserError, match=r"weights-12: damaged \(.*delete that folder"):
        folder.restore(restored)
    folder.best_score.unlink()
    folder.best_score.write_text("")
    with pytest.raises(UserError, match=r"score.json: no JSON .*; delete .*best: the newest"):
        folder.restore(restored)
