"""Settings that `train` had once belong to a task, `RunLength`, `Compute` and `Saving` now."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskconver_tf.config import configuration
from maskconver_tf.errors import UserError
from maskconver_tf.training.run_settings import Compute, RunLength, Saving
from maskconver_tf.training.tasks.panoptic_task import PanopticTask
from maskconver_tf.training.tasks.semantic_task import SemanticTask
from maskconver_tf.training.train import train

OLD = """
from __gin__ import dynamic_registration
from maskconver_tf.data import pipeline
from maskconver_tf.training.tasks import semantic_task
from maskconver_tf.training import optimizers
from maskconver_tf.training import train

train.train.accumulation_steps = 2
train.train.optimizer = @optimizers.make_optimizer
train.train.train_input = @pipeline.TrainingInput()
train.train.total_steps = 30
train.train.keep_checkpoints = 1
pipeline.TrainingInput.data_dir = 'here'
pipeline.TrainingInput.input_size = (64, 64)
"""
SEMANTIC = "train.train.task = @semantic_task.SemanticTask\n"
NEW_BASE = "experiments/model/tiny.gin"
DATA = ["TRAIN_DATA=''", "EVAL_DATA=''"]


@pytest.fixture
def old_file(tmp_path, monkeypatch):
    monkeypatch.setattr(configuration, "_noted", set())
    path = tmp_path / "old.gin"
    path.write_text(OLD)
    yield path
    configuration.reset()


def value(owner: type, parameter: str) -> object:
    """What Gin would pass."""
    return configuration.argument(owner, parameter)


@pytest.mark.parametrize(("text", "task"), [("", PanopticTask), (SEMANTIC, SemanticTask)])
def test_an_old_configuration_sets_what_has_the_parameters_now(old_file, text, task):
    old_file.write_text(OLD + text)
    configuration.load([old_file], ["train.eval_interval=7"], note_renamed=False)
    assert configuration.bound_class(train, "task") is task
    assert configuration.bound_class(task, "train_input").__name__ == "TrainingInput"
    assert value(RunLength, "total_steps") == 30
    assert value(RunLength, "eval_interval") == 7
    assert value(Compute, "accumulation_steps") == 2
    assert value(Saving, "keep_checkpoints") == 1
    assert configuration.argument(train, "length") == RunLength(30, eval_interval=7)
    saved = configuration.bound_config()
    assert "run_settings.RunLength.total_steps = 30" in saved
    assert "train.train.total_steps" not in saved
    copy = old_file.with_name("copy.gin")
    copy.write_text(saved)
    configuration.load([copy])
    assert configuration.bound_config() == saved


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("train.total_steps=4", "RunLength.total_steps=5"),
        ("RunLength.total_steps=4", "train.total_steps=5"),
    ],
)
def test_the_later_of_an_old_and_a_new_name_wins(old_file, first, second):
    configuration.load([NEW_BASE], [*DATA, first, second])
    assert value(RunLength, "total_steps") == 5


def test_an_old_reference_overrides_that_of_a_new_file(old_file):
    configuration.load([NEW_BASE], [*DATA, "train.eval_input=None"])
    assert value(PanopticTask, "eval_input") is None
    assert value(Compute, "strategy") == "auto"


def test_the_command_line_takes_new_names_with_an_old_file(old_file, capsys):
    settings = ["RunLength.total_steps=8", "Compute.precision='mixed_bfloat16'"]
    configuration.load([old_file], [*settings, "PanopticTask.eval_input=None"], note_renamed=False)
    assert (value(RunLength, "total_steps"), value(Compute, "accumulation_steps")) == (8, 2)
    assert value(Compute, "precision") == "mixed_bfloat16"
    assert value(PanopticTask, "eval_input") is None
    (line,) = capsys.readouterr().err.splitlines()  # No note of an old name; one of old defaults.
    assert line.startswith(f"{old_file}: this run was trained before some settings existed")


def test_a_note_names_each_setting_that_moved(old_file, capsys):
    configuration.load([old_file], ["train.total_steps=9"])
    lines = capsys.readouterr().err.splitlines()
    old = (
        f"{old_file}:10: 'train.train_input' is now 'PanopticTask.train_input'; the old name still"
    )
    assert any(line.startswith(old) for line in lines)
    assert any(
        line.startswith("--gin.train.total_steps=9: 'train.total_steps' is now 'RunLength.total_st")
        for line in lines
    )


def test_settings_that_no_class_has_are_still_refused(old_file):
    with pytest.raises(UserError, match="'train' has no parameter 'total_stesp'"):
        configuration.load([NEW_BASE], [*DATA, "train.total_stesp=9"])


def test_every_shipped_file_has_new_names_alone(capsys):
    root = Path(__file__).resolve().parents[4]
    for path in sorted((root / "experiments").rglob("*.gin")):
        for name in ("total_steps", "eval_input", "strategy", "checkpoint_interval", "loss"):
            assert f"train.{name}" not in path.read_text(), path
