"""A training starts in a run's folder or a new one, never among other files."""

from __future__ import annotations

import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.claim import claim_run_folder
from maskconver_tf.training.run_files.foreign_files import check_no_foreign_files
from maskconver_tf.training.run_files.run_folder import RunFolder
from tests.unit.training.run_files.small_run import CATEGORIES

DATASET = ("dataset.json", "categories.json", "data-00000-of-00001.tfrecord")


def _fill(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}")


def _names(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (DATASET, "found a dataset folder, as `maskconver data build` writes"),
        (("saved_model.pb", "variables/variables.index"), "found a SavedModel"),
        (("1/saved_model.pb",), "found a SavedModel, as `maskconver export`"),
        (
            ("cat.jpg", "dog.jpg", "train.log"),
            r"found a folder with other files \(cat.jpg, dog.jpg, train.log\)",
        ),
        (("images/cat.jpg",), r"found a folder with other files \(images\)"),
        (("first/config.gin", "second/config.gin"), r"found a folder of runs \(first, second\)"),
    ],
)
def test_a_folder_of_something_else_is_refused_and_nothing_is_written(tmp_path, names, found):
    _fill(tmp_path, names)
    before = _names(tmp_path)
    claim = claim_run_folder(RunFolder(tmp_path), CATEGORIES, Workers(tf.distribute.get_strategy()))
    with pytest.raises(UserError) as refused, claim:
        pass
    assert refused.match(f"--model_dir {tmp_path}: {found}")
    assert refused.match("but a run needs a folder of its own; give the folder of the run .*[^.]$")
    assert _names(tmp_path) == before


@pytest.mark.parametrize("name", ["best", "checkpoints", "summaries"])
def test_a_folder_of_a_run_is_not_its_model_dir(tmp_path, name):
    _fill(tmp_path, ("run/config.gin", f"run/{name}/weights-1.index"))
    with pytest.raises(UserError, match=f"'{name}' of a run; perhaps you mean the run .*/run, but"):
        check_no_foreign_files(RunFolder(tmp_path / "run" / name))


def test_a_file_is_no_run_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: found a file, but a run needs a folder"):
        check_no_foreign_files(RunFolder(tmp_path / "file"))


@pytest.mark.parametrize(
    "names",
    [
        (),
        (".DS_Store", ".lock", "train.log", "nohup.out", "notes.md", "mine.gin"),
        ("categories.json", ".lock"),  # A run that was killed before its first checkpoint.
        ("run.json", "operative_config.gin", "summaries/events", "wandb/x", "wandb_id"),
        ("config.gin", "cat.jpg"),  # A run with files of its owner.
        ("checkpoints/ckpt-1.index", *DATASET),
    ],
)
def test_a_run_a_part_of_a_run_and_an_empty_folder_are_taken(tmp_path, names):
    _fill(tmp_path, names)
    check_no_foreign_files(RunFolder(tmp_path))
    check_no_foreign_files(RunFolder(tmp_path / "new"))


def test_a_folder_in_a_bucket_is_looked_at_too(tmp_path):
    """The bucket is TensorFlow's file system in memory."""
    folder = RunFolder(local_or_remote_path(f"ram://{tmp_path.name}/data"))
    check_no_foreign_files(folder)
    for name in DATASET:
        folder.path.mkdir()
        (folder.path / name).write_text("{}")
    with pytest.raises(UserError, match="found a dataset folder"):
        check_no_foreign_files(folder)
    run = RunFolder(local_or_remote_path(f"ram://{tmp_path.name}/run"))
    run.create_or_check(CATEGORIES)
    check_no_foreign_files(run)
