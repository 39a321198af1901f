"""A run learns, describes itself, saves on SIGTERM, and stops when its loss is not finite."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf

from maskconver_tf.cli.main import main
from maskconver_tf.config import configuration
from maskconver_tf.input.pipeline import TrainingInput
from maskconver_tf.planning.show_inputs import show_inputs
from maskconver_tf.training.evaluate import evaluate
from maskconver_tf.training.restore import restore_segmenter
from maskconver_tf.training.tasks.classification_task import ClassificationTask
from maskconver_tf.training.train import train
from tests.e2e.conftest import ONE_LEVEL
from tests.lint.gin_rules import leaves


def test_learns_its_scenes_by_heart(trained):
    score = json.loads((trained / "best" / "score.json").read_text())
    assert score["pq"] > 20.0
    assert score["step"] == 400


def test_run_folder_describes_itself(trained):
    config = (trained / "config.gin").read_text()
    assert "run_settings.RunLength.total_steps = 400" in config
    assert "evaluate.evaluate.eval_input" in config
    # Defaults are only in the operative configuration.
    assert "gaussian_iou" not in config
    assert "gaussian_iou" in (trained / "operative_config.gin").read_text()
    assert json.loads((trained / "categories.json").read_text())[0]["name"] == "ball"
    started = json.loads((trained / "run.json").read_text())
    assert started["seed"] == 0
    assert started["packages"]["tensorflow"] == tf.__version__
    results = json.loads((trained / "results.json").read_text())
    assert (results["step"], results["all"]["pq"] > 20.0) == (400, True)
    events = b"".join(path.read_bytes() for path in (trained / "summaries").glob("events*"))
    for tag in (
        b"pq_of_class/ball",
        b"mask_dice_loss/level_4",
        b"gradient_norm",
        b"learning_rate",
        b"examples_per_second",
        b"input_bound_share",
        b"prediction/",
        b"operative_config",
        b"gaussian_iou",
    ):
        assert tag in events


def test_a_complete_run_says_so_and_another_configuration_changes_nothing(
    trained, tiny_arguments, tmp_path, capsys
):
    run = shutil.copytree(trained, tmp_path / "run")
    assert (
        main(tiny_arguments(run, "RunLength.total_steps=400", "PanopticTask.eval_input=None")) == 0
    )
    assert "step 400/400: nothing is left to train; raise" in capsys.readouterr().err
    before = (run / "config.gin").read_text()
    assert main(tiny_arguments(run, "MaskConver.width=48")) == 2
    assert "/ckpt-400: the checkpoint does not fit the model: " in capsys.readouterr().err
    assert (run / "config.gin").read_text() == before


def test_an_empty_folder_name_is_not_the_current_folder(
    tiny_arguments, tmp_path, monkeypatch, capsys
):
    """A shell passes an empty name where its variable is not set."""
    monkeypatch.chdir(tmp_path)
    assert main(tiny_arguments("")) == 2
    assert "--model_dir is empty; expected a folder, such as runs/demo" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "TrainingInput.batch_size=0",
            "TrainingInput.batch_size = 0 (a whole number): expected a whole number",
        ),
        ("TargetBuilder.label_stride=3", "TargetBuilder.label_stride = 3: expected a divisor of 4"),
    ],
)
def test_a_wrong_setting_is_one_message(tiny_arguments, tmp_path, capsys, setting, message):
    assert main(tiny_arguments(tmp_path / "run", setting)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"maskconver: error: {message}")


def _start(arguments: list[str]) -> subprocess.Popen:
    """Starts `maskconver` in its own process, with one CPU device as on a user's machine."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import sys; from maskconver_tf.cli.main import main; sys.exit(main({arguments!r}))",
        ],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def _wait_for(path: Path, process: subprocess.Popen) -> None:
    """Waits until the process has written a file, has ended or has taken too long."""
    deadline = time.monotonic() + 300
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def _pictures(dataset: Path, step: int) -> list[dict]:
    return TrainingInput(str(dataset), (64, 96), batch_size=4).pictures_of(step)


def test_sigterm_saves_and_asks_for_a_restart(tiny_arguments, tmp_path):
    """Without the signal nothing is saved between the first loop and the end."""
    run = tmp_path / "run"
    settings = [
        "RunLength.total_steps=100000",
        "RunLength.steps_per_loop=2",
        "PanopticTask.eval_input=None",
    ]
    settings += ["Saving.checkpoint_interval=100000", *ONE_LEVEL]
    process = _start(tiny_arguments(run, *settings))
    _wait_for(run / "checkpoints" / "ckpt-2.index", process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) == 75
    assert int(tf.train.latest_checkpoint(str(run / "checkpoints")).rsplit("-", 1)[1]) > 2


def test_loss_that_is_not_finite_stops_with_the_step(tiny_arguments, dataset, tmp_path, capsys):
    settings = [
        "RunLength.total_steps=8",
        "RunLength.steps_per_loop=4",
        "PanopticTask.eval_input=None",
    ]
    settings += ["make_optimizer.learning_rate=1e30", "make_optimizer.warmup_steps=0", *ONE_LEVEL]
    assert main(tiny_arguments(tmp_path / "run", *settings)) == 2
    message = capsys.readouterr().err
    assert "not finite at step 1: " in message
    assert "learning_rate" in message
    noted = json.loads((tmp_path / "run/not_finite.json").read_text())
    assert noted["step"] == 1
    assert noted["terms"]
    # A step takes four of the eight pictures, so the second step has other pictures than the first.
    first = {one["file_name"] for one in _pictures(dataset, 0)}
    assert {one["file_name"] for one in noted["pictures"]}.isdisjoint(first)
    assert len(noted["pictures"]) == 4
    assert not list(tmp_path.glob("run/checkpoints/ckpt-*"))


def test_every_experiment_builds(dataset, labelled, tmp_path, experiment):
    """Builds everything as `maskconver train` does. No setting may be without effect."""

    class Built(Exception):
        pass

    def stop(folder) -> None:
        configuration.check_all_used(other_roots=[evaluate, restore_segmenter, show_inputs])
        raise Built

    configuration.load([experiment])
    classifies = issubclass(configuration.bound_class(train, "task"), ClassificationTask)
    data = labelled if classifies else dataset
    settings = [f"{name}_DATA='{data}'" for name in ("TRAIN", "EVAL")]
    configuration.load([experiment], [*settings, *_smaller(experiment)])
    with pytest.raises(Built):
        configuration.configurable(train)(model_dir=str(tmp_path / "run"), on_built=stop)


def _smaller(experiment: Path) -> list[str]:
    """Settings that build the paper's models in seconds."""
    if experiment.parent.name != "paper" and not experiment.stem.startswith("coco_"):
        return []
    trunk = ["resnet.depth=10", "resnet.width_multiplier=0.25", "ConvNeXtUNet.repeats=(1, 1, 1)"]
    settings = ["INPUT_SIZE=(64, 64)", *(trunk if "resnet50" in experiment.stem else [])]
    if experiment.stem.startswith("coco_"):  # Its weights are not on this machine.
        settings.append(
            f"{'resnet' if 'resnet50' in experiment.stem else 'mobilenet'}.weights=None"
        )
    return settings


def pytest_generate_tests(metafunc):
    if "experiment" in metafunc.fixturenames:
        root = Path(__file__).resolve().parents[2]
        names = [path.relative_to(root / "experiments").as_posix() for path in leaves(root)]
        metafunc.parametrize("experiment", leaves(root), ids=names)
