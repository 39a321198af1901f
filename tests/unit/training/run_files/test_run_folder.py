"""A run's folder, on a disk and in a bucket: its classes, its best weights, its errors."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.training.run_files.run_folder import RunFolder, join_first_names
from tests.unit.training.run_files.small_run import CATEGORIES, make_manager, replace_file


def test_other_classes_are_refused_once_there_is_a_checkpoint(folder):
    others = Categories.from_coco([{"id": 7, "name": "kite", "isthing": 1}], "the test")
    folder.create_or_check(others)
    folder.create_or_check(CATEGORIES)  # The first run has left no checkpoint.
    _, manager = make_manager(folder)
    manager.save(1)
    folder.create_or_check(CATEGORIES)
    with pytest.raises(UserError, match="this run was trained for 1 classes .ball."):
        folder.create_or_check(others)


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        UserError, match=r"file/run: cannot be written .*choose another --model_dir"
    ):
        RunFolder(tmp_path / "file" / "run").create_or_check(CATEGORIES)


def test_an_unreachable_bucket_is_one_message(monkeypatch):
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


def test_best_weights_are_saved_and_restored(folder):
    def model(value: float) -> tf.Module:
        module = tf.Module()
        module.weight = tf.Variable(value)
        return module

    assert folder.save_if_best(model(1.0), score=30.0, step=5)
    assert not folder.save_if_best(model(2.0), score=30.0, step=9)
    assert folder.save_if_best(model(3.0), score=31.0, step=12)
    assert json.loads(folder.best_score.read_text()) == {"pq": 31.0, "step": 12}
    restored = model(0.0)
    folder.restore(restored)
    assert restored.weight.numpy() == 3.0
    replace_file(f"{folder.best / 'weights-12'}.data-00000-of-00001", b"")
    with pytest.raises(UserError, match=r"weights-12: damaged \(.*delete that folder"):
        folder.restore(restored)
    folder.best_score.unlink()
    folder.best_score.write_text("")
    with pytest.raises(UserError, match=r"score.json: not JSON .* Delete .*best: then the newest"):
        folder.restore(restored)


def test_a_message_names_the_first_classes():
    assert join_first_names(("a", "b", "c")) == "a, b, c"
    assert join_first_names(["a", "b", "c", "d"]) == "a, b, c, ..."
    assert join_first_names(["a", "b", "c"], count=2) == "a, b, ..."
    assert join_first_names([]) == ""
