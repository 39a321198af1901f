"""Old runs keep the defaults of their time, new ones write theirs down, and a note says so."""

from __future__ import annotations

import ast

import pytest

from maskconver_tf.config import configuration, names
from maskconver_tf.config.old_configurations import earlier_defaults
from maskconver_tf.config.old_configurations.earlier_defaults import Derived, value_of

EARLIER = {
    "gin_zoo.adam.betas": (0.5, 0.5),
    "gin_zoo.Net.depth": value_of("gin_zoo.Net.width"),
    "gin_zoo.sgd.rate": Derived(lambda value: value("gin_zoo.Net.width") / 4),
}
"""`Net.depth` had the value of `Net.width` once. Today it is 1 unless somebody sets it."""
RUN = """
from __gin__ import dynamic_registration
import gin_zoo

WIDTH = 16
gin_zoo.train.steps = 3
gin_zoo.train.net = @gin_zoo.Net()
gin_zoo.Net.width = %WIDTH
"""


@pytest.fixture(autouse=True)
def table(monkeypatch):
    monkeypatch.setattr(earlier_defaults, "EARLIER", EARLIER)
    monkeypatch.setattr(configuration, "_noted", set())


@pytest.fixture
def run(folder):
    """The configuration of an old run, in the run's folder."""
    (folder / "run").mkdir()
    (folder / "run/categories.json").write_text("[]")
    (folder / "run/config.gin").write_text(RUN)
    return folder / "run/config.gin"


def trained(zoo) -> tuple:
    return configuration.configurable(zoo.train)(model_dir="run")


# ---- An old run ----------------------------------------------------------------------------------
@pytest.mark.parametrize("options", [{}, {"note_renamed": False}])
def test_an_old_run_keeps_the_earlier_value_and_one_note_says_so(zoo, run, capsys, options):
    for _ in range(2):
        configuration.load([run], **options)
        assert trained(zoo)[:4] == ("run", 3, 16, 16)
        configuration.check_all_used()
    [note] = capsys.readouterr().err.splitlines()
    assert note.startswith(f"{run}: ")
    assert "Net.depth = 16 (default now 1)" in note
    assert "adam" not in note  # Nothing builds it.


def test_a_value_that_the_run_or_the_user_sets_stays(zoo, run, capsys):
    configuration.load([run], ["gin_zoo.Net.depth=5"])
    assert trained(zoo)[3] == 5
    run.write_text(RUN + "gin_zoo.Net.depth = 6\n")
    configuration.load([run])
    assert trained(zoo)[3] == 6
    assert capsys.readouterr().err == ""


def test_an_earlier_value_follows_other_settings_of_the_command_line(zoo, run):
    configuration.load([run], ["WIDTH=4"])
    assert trained(zoo)[2:4] == (4, 4)
    configuration.load([run], ["gin_zoo.Net.width=2", "train.optimizer=@gin_zoo.sgd()"])
    assert trained(zoo)[2:] == (2, 2, None, ("sgd", 0.5))


def test_an_earlier_value_may_follow_a_default(zoo, run):
    run.write_text(RUN.replace("gin_zoo.Net.width = %WIDTH\n", "").replace("WIDTH = 16\n", ""))
    configuration.load([run])
    assert trained(zoo)[2:4] == (8, 8)


def test_each_scope_keeps_its_own_value(zoo, run):
    run.write_text(RUN.replace("@gin_zoo", "@big/gin_zoo") + "big/gin_zoo.Net.width = 32\n")
    configuration.load([run])
    assert trained(zoo)[2:4] == (32, 32)
    configuration.load([run], ["big/gin_zoo.Net.depth=3"])
    assert trained(zoo)[2:4] == (32, 3)


def test_a_class_that_the_run_does_not_build_gets_nothing(zoo, run):
    configuration.load([run])
    assert "adam" not in configuration.bound_config()
    configuration.load([run], ["train.optimizer=@gin_zoo.adam()"])
    assert trained(zoo)[-1] == ("adam", 0.1, (0.5, 0.5))


# ---- An experiment -------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["mine.gin", "other/config.gin"])
def test_an_experiment_has_the_defaults_of_today(zoo, run, folder, capsys, name):
    (folder / "other").mkdir()
    (folder / name).write_text(RUN)
    configuration.load([name])
    assert trained(zoo)[3] == 1
    configuration.check_all_used()
    assert capsys.readouterr().err == ""


def test_a_new_run_writes_its_value_down_so_that_no_row_reaches_it(zoo, run, folder, capsys):
    (folder / "mine.gin").write_text(RUN)
    configuration.load(["mine.gin"])
    run.write_text(configuration.bound_config())
    configuration.load([run])
    assert trained(zoo)[3] == 1
    assert capsys.readouterr().err == ""


def test_an_old_run_that_goes_on_writes_its_earlier_value_down(zoo, run, capsys):
    configuration.load([run])
    run.write_text(configuration.bound_config())
    capsys.readouterr()
    configuration.load([run])
    assert trained(zoo)[3] == 16


# ---- An experiment that continues a run ----------------------------------------------------------
@pytest.fixture
def experiment(folder):
    (folder / "mine.gin").write_text(RUN)
    return "mine.gin"


def test_an_experiment_that_continues_an_old_run_keeps_its_value(zoo, run, experiment, capsys):
    configuration.load([experiment], continued=run)
    assert trained(zoo)[3] == 16
    assert capsys.readouterr().err.startswith(f"{run}: ")
    configuration.load([experiment], ["gin_zoo.Net.depth=2"], continued=run)
    assert trained(zoo)[3] == 2


def test_an_experiment_that_continues_a_newer_run_keeps_its_value(zoo, run, experiment):
    run.write_text(RUN + "DEPTH = 7\ngin_zoo.Net.depth = %DEPTH\n")
    configuration.load([experiment], continued=run)
    assert trained(zoo)[3] == 7


@pytest.mark.parametrize("text", [None, "gin_zoo.train.steps = (", ""])
def test_a_run_without_a_whole_configuration_changes_nothing(zoo, run, experiment, text):
    run.unlink() if text is None else run.write_text(text)
    configuration.load([experiment], continued=run)
    assert trained(zoo)[3] == 1


# ---- The table -----------------------------------------------------------------------------------
def test_every_row_is_a_setting_of_today_with_a_literal_default(monkeypatch):
    monkeypatch.undo()
    configuration.reset()  # Earlier tests lock it.
    for name, row in earlier_defaults.EARLIER.items():
        selector, _, parameter = name.rpartition(".")
        found = names._importable(selector)
        assert found and found.selector == selector, f"{name}: no such function or class"
        names.check_parameter(found, parameter)
        values = [earlier_defaults.default_of(name)]
        values += [] if isinstance(row, Derived) else [row]
        assert [ast.literal_eval(repr(value)) for value in values] == values, name
