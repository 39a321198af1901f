"""`maskconver train --heart` tells a broken input, a short training and a good one apart."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.cli.main import main
from maskconver_tf.config import configuration
from maskconver_tf.config.special_runs import heart
from maskconver_tf.datasets.build.build import build_dataset
from maskconver_tf.planning.learn_by_heart.verdict import describe


@pytest.fixture
def build_changed(scenes, tmp_path):
    """`build_changed(change)`: the scenes as a dataset, each picture through `change(pixels)`."""

    def build(change) -> Path:
        changed = tmp_path / "images"
        changed.mkdir()
        for file in (scenes / "images/train").iterdir():
            Image.fromarray(change(np.asarray(Image.open(file)))).save(changed / file.name)
        out, listed = tmp_path / "records", scenes / "panoptic_train.json"
        build_dataset(changed, scenes / "panoptic/train", listed, out, workers=1, progress=False)
        return out

    return build


@pytest.fixture
def learn(tiny_arguments, tmp_path, capsys):
    """`learn(dataset, *options)`: exit status and output of `train --heart`."""

    def run(dataset: Path | None, *options: str) -> tuple[int, str]:
        argv = tiny_arguments(tmp_path / "run")
        argv += ["--train_data", str(dataset)] if dataset else []
        return main([*argv, "--heart", *options]), capsys.readouterr().out

    return run


def test_shifted_labels_are_a_broken_input(learn, build_changed, tmp_path):
    status, out = learn(build_changed(lambda pixels: np.roll(pixels, (-12, -16), (0, 1))))
    assert status == 1
    assert "broken input; no training can cure it, so nothing was trained" in out
    assert "pixels too low and" in out and "pixels too far right" in out
    assert not (tmp_path / "run").exists()


def test_a_few_steps_are_a_short_training(learn, tmp_path):
    enough = ("--gin.MaskConver.num_proposals=60", "--gin.TargetBuilder.num_slots=60")
    status, out = learn(None, "--total_steps", "20", *enough)
    assert status == 1
    assert "not learned by heart: PQ " in out
    assert "The input is right" in out and "The training was too short" in out
    assert "--total_steps 40" in out
    assert "broken" not in out
    used = (tmp_path / "run" / "operative_config.gin").read_text()
    for setting in ("ema_decay = None", "flip = False", "max_examples = 8", "eval_interval = 0"):
        assert setting in used


def test_a_trained_run_is_scored_at_many_thresholds(trained):
    """The run of the other tests. Its model is too small to reach three quarters of the ceiling."""
    configuration.load([trained / "config.gin"], note_renamed=False)
    report = heart._examine()
    assert report.borders_agree
    configuration.load([trained / "config.gin"], note_renamed=False)
    outcome = heart._score(str(trained), [(1, 20.0), (400, 2.0)], 400, report.borders_agree)
    best = json.loads((trained / "best/score.json").read_text())["pq"]
    assert outcome.pq[0.2] == pytest.approx(best, abs=1e-6)  # The threshold of the evaluation.
    assert outcome.pq[outcome.best_threshold] >= best > 20
    assert best < outcome.ceiling <= 100
    reached = dataclasses.replace(outcome, ceiling=outcome.pq[outcome.best_threshold])
    assert "learned by heart: PQ " in describe(reached)


def test_an_earlier_stage_is_refused(labelled, tmp_path, capsys):
    gin = Path(__file__).parents[1] / "tiny_classification.gin"
    argv = ["train", "--gin_file", str(gin), "--model_dir", str(tmp_path / "run"), "--heart"]
    assert main([*argv, "--train_data", str(labelled)]) == 2
    assert "--heart: this configuration trains" in capsys.readouterr().err
