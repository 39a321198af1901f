"""What a path is that was given as a model: each wrong kind is told by name."""

from __future__ import annotations

import pytest

import maskconver_tf
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import RemotePath
from maskconver_tf.inference.model_folder import check_is_folder, describe_other, is_run


@pytest.fixture
def runs(tmp_path):
    """A folder of runs with one run, `demo`."""
    (tmp_path / "runs" / "demo" / "checkpoints").mkdir(parents=True)
    (tmp_path / "runs" / "demo" / "config.gin").touch()
    return tmp_path / "runs"


def _make_dataset(folder):
    (folder / "dataset.json").touch()


def _make_saved_model(folder):
    (folder / "saved_model.pb").touch()


def _make_versions(folder):
    (folder / "1").mkdir()
    _make_saved_model(folder / "1")


def _make_pictures(folder):
    for number in range(5):
        (folder / f"{number}.jpg").touch()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda folder: None, "found an empty folder"),
        (_make_dataset, "found a dataset folder, as `maskconver data build` writes"),
        (_make_saved_model, "found a SavedModel, as `maskconver export` or another tool writes"),
        (_make_versions, "found a SavedModel, as `maskconver export` or another tool writes"),
        (_make_pictures, "found a folder with other files (0.jpg, 1.jpg, 2.jpg, ...)"),
    ],
)
def test_a_folder_that_is_no_run_is_described(tmp_path, make, expected):
    make(tmp_path)
    assert not is_run(tmp_path)
    assert describe_other(tmp_path) == expected


def test_a_folder_of_runs_names_one(runs):
    expected = f"found a folder of runs (demo); perhaps you mean the run {runs / 'demo'}"
    assert describe_other(runs) == expected


def test_a_part_of_a_run_names_the_run(runs):
    run = runs / "demo"
    index = run / "checkpoints" / "ckpt-5.index"
    index.touch()
    meant = f"; perhaps you mean the run {run}"
    assert describe_other(run / "checkpoints") == f"found the folder 'checkpoints' of a run{meant}"
    assert describe_other(run / "config.gin") == f"found a file{meant}"
    assert describe_other(index) == f"found a file{meant}"


def test_a_file_elsewhere_is_a_file(tmp_path):
    (tmp_path / "model.pth").touch()
    assert describe_other(tmp_path / "model.pth") == "found a file"


def test_a_name_that_looks_the_same_is_shown_with_its_difference(runs):
    message = describe_other(runs / "dem0")
    assert message.startswith("no such folder; did you mean 'demo'")
    assert "character 4 is '0'" in message


@pytest.mark.parametrize("kind", ["file", "nothing"])
def test_load_takes_folders_only(tmp_path, kind):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=rf"{kind}: .*; give a run's --model_dir or an export"):
        maskconver_tf.load(tmp_path / kind)


@pytest.mark.parametrize("threshold", ["0.5", True, 1.5, -1, float("nan")])
def test_load_refuses_a_threshold_of_another_type_or_range(tmp_path, threshold):
    with pytest.raises(UserError, match=r"score_threshold = .* \(.*\): expected a number from 0"):
        maskconver_tf.load(tmp_path, threshold)


def test_a_folder_passes(tmp_path):
    check_is_folder(tmp_path, "a run")


def test_a_folder_in_a_bucket_is_not_listed(monkeypatch):
    monkeypatch.setattr(RemotePath, "is_file", lambda self: False)
    monkeypatch.setattr(RemotePath, "is_dir", lambda self: str(self) == "gs://bucket/folder")
    assert describe_other(RemotePath("gs://bucket/folder")) == "found a folder without a model"
