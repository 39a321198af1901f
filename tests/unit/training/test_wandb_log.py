"""The log to Weights & Biases, with a fake module that records the calls."""

from __future__ import annotations

import json
import sys
import types

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.wandb_log import check_wandb_installed, open_wandb_log


class FakeRun:
    def __init__(self, asked: dict):
        self.asked, self.logged, self.finished = asked, [], False

    def define_metric(self, name: str, step_metric: str) -> None:
        self.metric = (name, step_metric)

    def log(self, values: dict) -> None:
        self.logged.append(values)

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def wandb(monkeypatch):
    """A fake module `wandb`. Its `runs` are the started runs."""
    module = types.ModuleType("wandb")
    module.runs = []
    module.Settings = lambda **settings: settings
    module.Image = lambda array: ("picture", array.shape)

    def init(**asked):
        module.runs.append(FakeRun(asked))
        return module.runs[-1]

    module.init = init
    monkeypatch.setitem(sys.modules, "wandb", module)
    return module


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.provenance.write_text(json.dumps({"seed": 3}))
    folder.operative_config.write_text("RunLength.total_steps = 7\n")
    return folder


def test_numbers_pictures_and_settings_are_logged(wandb, folder):
    with open_wandb_log("scenes", folder) as log:
        log(5, {"loss": np.float32(1.5), "prediction/a.jpg": np.zeros([4, 6, 3], np.uint8)})
    (run,) = wandb.runs
    assert run.logged == [{"step": 5, "loss": 1.5, "prediction/a.jpg": ("picture", (4, 6, 3))}]
    assert run.metric == ("*", "step")
    assert run.finished
    assert run.asked["project"] == "scenes"
    assert run.asked["config"]["run"] == {"seed": 3}
    assert "total_steps = 7" in run.asked["config"]["operative_config"]


def test_a_folder_resumes_its_own_run(wandb, folder, tmp_path):
    other = RunFolder(tmp_path)
    for each in (folder, folder, other):
        with open_wandb_log("scenes", each):
            pass
    first, again, another = (run.asked["id"] for run in wandb.runs)
    assert first == again != another
    assert {run.asked["resume"] for run in wandb.runs} == {"allow"}


def test_without_a_project_the_package_is_not_imported(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "wandb", None)
    check_wandb_installed(None)
    with open_wandb_log(None, folder) as log:
        assert log is None


def test_a_missing_package_is_one_message(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)  # As if it were not installed.
    with pytest.raises(UserError, match=r"Saving.wandb_project = 'scenes'.*maskconver_tf\[wandb\]"):
        check_wandb_installed("scenes")


def test_an_error_of_wandb_is_one_message(wandb, folder):
    def refuse(**asked):
        raise RuntimeError("no API key")

    wandb.init = refuse
    raised = pytest.raises(UserError, match="no API key.*WANDB_MODE=offline")
    with raised, open_wandb_log("scenes", folder):
        pass
