"""A dataset folder, a run and an export from before the rooms moved still work and score the same.

`fixtures/old_layout.tar.xz` was written by the commit before the move, with a model of 8 channels:
its run has 1500 steps on three generated scenes. `expected/` holds what that commit then scored,
predicted, and trained in 20 more steps.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf.cli.main import main

ARCHIVE = Path(__file__).with_name("fixtures") / "old_layout.tar.xz"


@pytest.fixture
def old(tmp_path, monkeypatch) -> Path:
    """The unpacked folder. It is the current folder, since the paths in the run are relative."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path / "old_layout")
    return tmp_path / "old_layout"


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _assert_same_scores(found: dict, expected: dict) -> None:
    """Today's results have more fields."""
    assert found.keys() >= expected.keys()
    for name, value in expected.items():
        if isinstance(value, dict):
            _assert_same_scores(found[name], value)
        else:
            assert found[name] == (pytest.approx(value, abs=0.5) if value else value), name


def _share_of_equal_pixels(found: Path, expected: Path) -> float:
    return float(np.mean(np.asarray(Image.open(found)) == np.asarray(Image.open(expected))))


def test_an_old_run_scores_the_same(old, capsys):
    assert main(["evaluate", "--model", "run", "--out", "scored"]) == 0
    assert "is now" not in capsys.readouterr().err  # Nobody wrote the old names by hand.
    expected = _read(old / "expected/results.json")
    # Two false stars had no pixel above one half. The fusion drops such masks since then.
    assert expected["per_class"]["star"]["fp"] == 2
    expected["per_class"]["star"]["fp"] = 0
    _assert_same_scores(_read(old / "scored/results.json"), expected)
    maps = (old / "scored/predictions/000001.png", old / "expected/evaluated_000001.png")
    assert _share_of_equal_pixels(*maps) > 0.99


@pytest.mark.parametrize("model", ["run", "exported"])
def test_an_old_run_and_an_old_export_predict_the_same(old, model):
    assert main(["predict", "--model", model, "picture.png", "--out", "pictures"]) == 0
    found = _read(old / "pictures/picture.json")["segments"]
    expected = _read(old / "expected/000002.json")["segments"]
    names = [one["name"] for one in expected]
    if model == "run":
        # The star of 17 pixels has no pixel above one half. The fusion drops such masks since then.
        names.remove("star")
    assert [one["name"] for one in found] == names
    ids = (old / "pictures/picture_ids.png", old / "expected/000002_ids.png")
    assert _share_of_equal_pixels(*ids) > 0.99


def test_an_old_run_trains_on_from_its_old_configuration(old):
    arguments = ["train", "--gin_file", "run/config.gin", "--model_dir", "run"]
    # The old run was deterministic. A process that has computed already cannot become so.
    assert main([*arguments, "--total_steps", "1520", "--gin.Compute.deterministic=False"]) == 0
    config = (old / "run/config.gin").read_text()
    assert "run_settings.RunLength.total_steps = 1520" in config
    assert "maskconver_tf.data" not in config
    scores, expected = (
        _read(old / "run/results.json"),
        _read(old / "expected/continued_results.json"),
    )
    assert scores["step"] == expected["step"]
    assert scores["all"]["pq"] == pytest.approx(expected["all"]["pq"], abs=2.0)
    reader = tf.train.load_checkpoint(str(old / "run/best/weights-1520"))
    for name, total in _read(old / "expected/continued_weights.json").items():
        found = np.abs(reader.get_tensor(name).astype(np.float64)).sum()
        assert found == pytest.approx(total, rel=0.02, abs=0.02), name
