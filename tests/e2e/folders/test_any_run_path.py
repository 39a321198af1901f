"""The commands on a run work in folders of any name, through links, and from another folder.

Each name is the run's relative path once, so that it comes first and last. `tf.function` runs
eagerly there: paths matter here, and tracing takes most of the time. An export cannot run eagerly,
so exports are made in a folder whose name has all special characters, and in a path of all names.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

import maskconver_tf
from maskconver_tf.cli.main import main
from maskconver_tf.errors import UserError
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.checkpoint_reading import newest_checkpoint
from maskconver_tf.training.run_files.claim import claim_run_folder
from maskconver_tf.training.run_files.run_folder import RunFolder
from tests.e2e.folders.folder_names import EVERYTHING, NAMES, NESTED

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "old_layout.tar.xz"


@pytest.fixture
def old(tmp_path) -> Path:
    """A dataset folder, a run, an export and a picture, all tiny."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "old_layout"


@pytest.fixture
def eager() -> Iterator[None]:
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def _resume(folder: Path) -> None:
    """Trains two more steps and keeps two checkpoints."""
    data = [f"--train_data={folder}/data", f"--eval_data={folder}/data"]
    options = ["--total_steps=1502", *data, "--gin.Compute.deterministic=False"]
    options += ["--gin.Saving.checkpoint_interval=1", "--gin.Saving.keep_checkpoints=2"]
    options += ["--gin.RunLength.steps_per_loop=1"]
    start = ["train", f"--gin_file={folder}/run/config.gin", f"--model_dir={folder}/run"]
    assert main([*start, *options]) == 0
    kept = sorted(path.name for path in (folder / "run/checkpoints").glob("*.index"))
    assert kept == ["ckpt-1501.index", "ckpt-1502.index"]
    assert len(list((folder / "run/best").glob("*.index"))) == 1


def _predict(model: str, folder: Path) -> None:
    picture, out = os.path.join(".", folder, "picture.png"), folder / "pictures"
    assert main(["predict", f"--model={model}", picture, f"--out={out}"]) == 0
    assert json.loads((out / "picture.json").read_text())["segments"]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", NAMES)
def test_a_run_resumes_scores_and_predicts_in_a_folder_of_any_name(
    old, tmp_path, monkeypatch, capsys, name
):
    monkeypatch.chdir(tmp_path)
    folder = Path(name)
    old.rename(folder)
    _resume(folder)
    assert main(["evaluate", f"--model={folder}/run", f"--out={folder}/scored"]) == 0
    _predict(f"{folder}/run", folder)
    printed = capsys.readouterr()
    assert "damaged" not in printed.err and "/maskconver-" not in printed.out + printed.err
    assert os.listdir() == [name]


@pytest.mark.parametrize("name", [EVERYTHING, NESTED])
def test_a_run_resumes_and_exports_in_a_folder_of_any_name(old, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    folder = Path(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    old.rename(folder)
    _resume(folder)
    run, out = f"{folder}/run", f"{folder}/out"
    assert main(["export", f"--model={run}", f"--out={out}", "--skip_measure"]) == 0
    assert os.listdir(out) == ["1"]
    assert maskconver_tf.load(run).categories
    _predict(out, folder)


def test_a_run_and_an_export_behind_a_link_load(old, tmp_path):
    (tmp_path / "link").symlink_to(old)
    (tmp_path / "run").symlink_to("link/run")
    (tmp_path / "nowhere").symlink_to("gone")
    assert maskconver_tf.load(tmp_path / "run").categories
    assert maskconver_tf.load(tmp_path / "link/exported").categories
    with pytest.raises(UserError, match="nowhere: no such folder; give a run's --model_dir"):
        maskconver_tf.load(tmp_path / "nowhere")
    with claim_run_folder(
        RunFolder(tmp_path / "run"),
        RunFolder(old / "run").categories(),
        Workers(tf.distribute.get_strategy()),
    ) as run:
        assert newest_checkpoint(run.checkpoints) == str(tmp_path / "run/checkpoints/ckpt-1500")


def test_evaluate_from_another_folder_is_told_of_eval_data(old, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "--model", "old_layout/run", "--out", "scored"]) == 2
    message = capsys.readouterr().err
    assert "the path is relative. Give --eval_data DIR" in message
    assert "data build" not in message
