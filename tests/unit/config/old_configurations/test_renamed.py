"""Old names of modules and functions: they load, a note names them, and new names are saved."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from maskconver_tf.config import configuration
from maskconver_tf.config.old_configurations import renamed

PACKAGE = Path(configuration.__file__).parents[1]
OLD_IMPORTS = ("from old_house import old_zoo", "import old_house.old_zoo as old_zoo")
OLD_FILE = """
from __gin__ import dynamic_registration
from old_house import old_zoo

old_zoo.learn:
    steps = 3
    net = @old_zoo.Net()
old_zoo.Net.width = 16
"""


@pytest.fixture(autouse=True)
def old_house(monkeypatch):
    """`gin_zoo` was called `old_house.old_zoo`, and its `train` was called `learn`."""
    monkeypatch.setattr(renamed, "MODULES", {"old_house.old_zoo": "gin_zoo"})
    monkeypatch.setattr(renamed, "SELECTORS", {"old_house.old_zoo.learn": "gin_zoo.train"})
    monkeypatch.setattr(configuration, "_noted", set())


@pytest.fixture
def old_file(folder):
    (folder / "old.gin").write_text(OLD_FILE)
    return "old.gin"


# ---- Loading -------------------------------------------------------------------------------------
def test_an_old_file_configures_what_replaced_the_old_names(train_with, old_file):
    assert train_with(files=[old_file]) == ("run", 3, 16, 1, None, None)
    configuration.check_all_used()


@pytest.mark.parametrize("statement", OLD_IMPORTS)
def test_an_old_module_keeps_the_name_that_the_file_gives_it(train_with, folder, statement):
    text = OLD_FILE.replace(OLD_IMPORTS[0], f"{statement}").replace(
        "old_zoo.learn", "old_zoo.train"
    )
    (folder / "old.gin").write_text(text)
    assert train_with(files=["old.gin"])[:3] == ("run", 3, 16)


def test_an_old_module_may_have_an_alias(train_with, folder):
    text = OLD_FILE.replace("old_zoo\n", "old_zoo as z\n", 1).replace("old_zoo.", "z.")
    (folder / "old.gin").write_text(text)
    assert train_with(files=["old.gin"])[:3] == ("run", 3, 16)


def test_a_complete_old_name_needs_no_alias(train_with, folder):
    text = OLD_FILE.replace("from old_house import old_zoo", "import old_house.old_zoo")
    text = text.replace("old_zoo.learn:", "old_house.old_zoo.learn:")
    text = text.replace("old_zoo.Net", "old_house.old_zoo.Net")
    (folder / "old.gin").write_text(text)
    assert train_with(files=["old.gin"])[:3] == ("run", 3, 16)


def test_a_name_that_another_module_has_taken_over_means_that_module(train_with, folder):
    (folder / "leaf.gin").write_text(
        "from __gin__ import dynamic_registration\n"
        "import gin_zoo as learn\n"
        "from old_house import old_zoo\n"
        "import gin_zoo as old_zoo\n"
        "include 'base.gin'\n"
        "old_zoo.train.steps = 8\n"
        "learn.Net.depth = 4\n"
    )
    assert train_with(files=["leaf.gin"]) == ("run", 8, 32, 4, None, None)


@pytest.mark.parametrize(
    "name",
    [
        "old_house.old_zoo.learn",
        "old_house.old_zoo.train",
        "old_zoo.learn",
        "learn",
        "old_zoo.train",
        "gin_zoo.train",
        "train",
    ],
)
@pytest.mark.parametrize("file", ["old.gin", "base.gin"])
def test_the_command_line_takes_old_and_new_names(train_with, old_file, file, name):
    assert train_with(f"{name}.steps=9", files=[file])[1] == 9


def test_an_old_reference_on_the_command_line_works(train_with, folder):
    assert train_with("train.optimizer=@old_house.old_zoo.sgd()")[-1] == ("sgd", 0.1)


def test_the_saved_configuration_has_the_new_names(train_with, old_file):
    result = train_with("learn.steps=4", files=[old_file])
    for saved in (configuration.bound_config(), configuration.operative_config()):
        assert "old" not in saved
        assert "learn" not in saved
        assert "import gin_zoo\n" in saved
        Path("saved.gin").write_text(saved)
        assert train_with(files=["saved.gin"]) == result


def test_a_name_that_an_old_module_never_had_is_refused(load_error, folder):
    text = OLD_FILE.replace("old_zoo.Net.width", "old_zoo.Nte.width")
    (folder / "old.gin").write_text(text)
    message = load_error(files=["old.gin"])
    assert message.startswith(
        "old.gin:8: no function or class 'old_zoo.Nte'; did you mean 'old_zoo."
    )


# ---- Notes ---------------------------------------------------------------------------------------
def test_each_old_name_of_a_file_is_noted_once(train_with, old_file, capsys):
    train_with(files=[old_file])
    train_with("learn.steps=4", "old_house.old_zoo.Net.width=4", files=[old_file])
    assert capsys.readouterr().err.splitlines() == [
        "old.gin:3: 'old_house.old_zoo' is now 'gin_zoo'; the old name still works",
        "old.gin:5: 'old_house.old_zoo.learn' is now 'gin_zoo.train'; the old name still works",
    ]


def test_an_included_file_is_noted_with_its_own_line(train_with, old_file, folder, capsys):
    (folder / "leaf.gin").write_text("include 'old.gin'\n")
    train_with(files=["leaf.gin"])
    assert capsys.readouterr().err.startswith("old.gin:3: ")


@pytest.mark.parametrize(
    "binding, old",
    [
        ("old_house.old_zoo.Net.width=4", "old_house.old_zoo"),
        ("old_house.old_zoo.learn.steps=4", "old_house.old_zoo.learn"),
        ("learn.steps=4", "old_house.old_zoo.learn"),
        ("train.net=@old_house.old_zoo.Net()", "old_house.old_zoo"),
    ],
)
def test_an_old_name_on_the_command_line_is_noted(train_with, folder, capsys, binding, old):
    train_with(binding)
    [note] = capsys.readouterr().err.splitlines()
    assert note.startswith(f"--gin.{binding}: '{old}' is now 'gin_zoo")


def test_the_configuration_that_a_run_keeps_is_not_noted(folder, old_file, capsys):
    configuration.load([old_file], ["train.steps=4"], note_renamed=False)
    assert capsys.readouterr().err == ""
    configuration.load([old_file], ["learn.steps=4"], note_renamed=False)
    assert capsys.readouterr().err.startswith("--gin.learn.steps=4: 'old_house.old_zoo.learn' is")


def test_new_names_are_not_noted(train_with, folder, capsys):
    train_with("train.steps=4", "gin_zoo.adam.rate=1")
    assert capsys.readouterr().err == ""


# ---- The tables ----------------------------------------------------------------------------------
def _definitions(module: str) -> set[str]:
    path = PACKAGE.parent / f"{module.replace('.', '/')}.py"
    return {
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }


def test_new_modules_exist_and_old_ones_are_gone(monkeypatch):
    monkeypatch.undo()
    for old, new in renamed.MODULES.items():
        assert _definitions(new)
        assert not (PACKAGE.parent / f"{old.replace('.', '/')}.py").exists()


def test_new_selectors_exist(monkeypatch):
    monkeypatch.undo()
    for new in renamed.SELECTORS.values():
        module, _, name = new.rpartition(".")
        assert name in _definitions(module)
