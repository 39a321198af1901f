"""Reading of .gin files and of `--gin.` arguments, on a module of small functions."""

from __future__ import annotations

import sys

import pytest

from maskconver_tf.config import configuration


def test_a_file_configures_the_root_and_what_it_builds(train_with, folder):
    assert train_with() == ("run", 5, 32, 1, None, None)


@pytest.mark.parametrize(
    "binding, expected",
    [
        ("train.steps=7", ("run", 7, 32, 1, None, None)),
        ("gin_zoo.train.steps=7", ("run", 7, 32, 1, None, None)),
        ("STEPS=9", ("run", 9, 32, 1, None, None)),
        ("Net.depth=3", ("run", 5, 32, 3, None, None)),
        ("big/Net.width=64", ("run", 5, 64, 1, None, None)),
        ("Net.name='given to the base'", ("run", 5, 32, 1, "given to the base", None)),
        ("train.optimizer=@gin_zoo.adam()", ("run", 5, 32, 1, None, ("adam", 0.1, (0.9, 0.99)))),
    ],
)
def test_the_command_line_overrides_the_file(train_with, folder, binding, expected):
    assert train_with(binding) == expected
    configuration.check_all_used()


def test_the_command_line_names_what_no_file_imports_by_its_complete_name(train_with, folder):
    (folder / "gin_annex.py").write_text("def lion(rate=3):\n    return ('lion', rate)\n")
    sys.path.insert(0, str(folder))
    try:
        result = train_with("train.optimizer=@gin_annex.lion()", "gin_annex.lion.rate=4")
    finally:
        sys.path.remove(str(folder))
    assert result[-1] == ("lion", 4)


# ---- Includes ------------------------------------------------------------------------------------
def test_an_include_is_found_beside_its_file_and_overridden_below(train_with, folder):
    (folder / "sub").mkdir()
    (folder / "base.gin").rename(folder / "sub" / "base.gin")
    (folder / "sub" / "leaf.gin").write_text("include 'base.gin'\ntrain.steps = 6\n")
    assert train_with(files=["sub/leaf.gin"])[1] == 6


def test_a_file_included_twice_undoes_nothing(train_with, folder):
    (folder / "longer.gin").write_text("include 'base.gin'\nSTEPS = 50\n")
    (folder / "leaf.gin").write_text("include 'longer.gin'\ninclude 'base.gin'\n")
    assert train_with(files=["leaf.gin"])[1] == 50


def test_a_later_file_overrides(train_with, folder):
    (folder / "overlay.gin").write_text("STEPS = 50\n")
    assert train_with(files=["base.gin", "overlay.gin"])[1] == 50


def test_an_include_below_a_setting_is_refused(load_error, folder):
    (folder / "leaf.gin").write_text("STEPS = 6\ninclude 'base.gin'\n")
    assert load_error(files=["leaf.gin"]).startswith("leaf.gin:2: include 'base.gin' is below")


def test_a_circle_of_includes_is_refused(load_error, folder):
    (folder / "leaf.gin").write_text("include 'leaf.gin'\n")
    assert "includes itself" in load_error(files=["leaf.gin"])


def test_a_missing_include_names_the_file_and_line_that_asks(load_error, folder):
    (folder / "leaf.gin").write_text("\ninclude 'bsae.gin'\n")
    assert load_error(files=["leaf.gin"]).startswith("leaf.gin:2: no Gin file 'bsae.gin'")


# ---- Macros --------------------------------------------------------------------------------------
def test_macros_may_read_macros(train_with, folder):
    (folder / "leaf.gin").write_text("include 'base.gin'\nSTEPS = %EPOCHS\nEPOCHS = 3\n")
    assert train_with(files=["leaf.gin"])[1] == 3


def test_a_macro_of_itself_is_no_endless_loop(load_error, folder):
    assert "itself" in load_error("STEPS=%STEPS")
    assert "itself" in load_error("STEPS=%A", "A=[%STEPS]")


# ---- Mistakes ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "binding, message",
    [
        ("trian.steps=3", "no function or class 'trian'; did you mean 'train'?"),
        ("train.stesp=3", "'train' has no parameter 'stesp'; did you mean 'steps'?"),
        ("Net.wdith=3", "'Net' has no parameter 'wdith'; did you mean 'width'?"),
        ("train.net=@gin_zoo.Nte()", "'gin_zoo.Nte'; did you mean 'gin_zoo.Net'?"),
        ("gin_zoo.train.net=@a.b()", "no function or class 'a.b'"),
        ("gin_zoo.steps=3", "no function or class 'gin_zoo'"),
        ("STEP=3", "nothing reads the macro 'STEP'; did you mean 'STEPS'?"),
        ("train.steps=%STEPZ", "'STEPZ', which is not set; did you mean 'STEPS'?"),
        ("train.steps=%gin.REQUIRED", "train.steps must be set"),
        ("train.steps=[1, %REQUIRED]", "train.steps must be set"),
        ("train.steps=ten", "text needs quotes"),
        ("train.steps=(1,", "a bracket is not closed"),
        ("train.steps", "expected ':' or '='"),
        ("import os", "expected one setting in the form --gin.NAME=VALUE"),
        ("include 'base.gin'", "expected one setting in the form --gin.NAME=VALUE"),
        ("", "expected one setting in the form --gin.NAME=VALUE"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_message(load_error, folder, binding, message):
    found = load_error(binding)
    assert found.startswith(f"--gin.{binding}: ")
    assert message in found


@pytest.mark.parametrize(
    "line, message",
    [
        ("gin_zoo.trian.steps = 1", "no function or class 'gin_zoo.trian'; did you mean"),
        ("gin_zoo.train.stesp = 1", "no parameter 'stesp'; did you mean 'steps'?"),
        ("gin_zoo.train.net = @gin_zoo.Nets()", "no function or class 'gin_zoo.Nets'; did you"),
        ("gin_zoo.train.net = @", "Unexpected token"),
        ("gin_zoo.train.net = data/train", "text goes in quotes: 'text'"),
        ("gin_zoo.train.net = /data/train", "text goes in quotes: 'text'"),
        ("gin_zoo.train.steps = 2", "train.steps is set in leaf.gin:"),
        ("import gin_zu", "'import gin_zu' fails: No module named 'gin_zu'"),
        ("from __gin__ import magic", "'from __gin__ import magic' fails"),
        ("OTHER = 2", "nothing reads the macro 'OTHER'"),
    ],
)
def test_a_mistake_in_a_file_is_named_by_its_line(load_error, folder, line, message):
    base = (folder / "base.gin").read_text()
    (folder / "leaf.gin").write_text(f"{base}\n{line}\n")
    found = load_error(files=["leaf.gin"])
    assert found.startswith(f"leaf.gin:{base.count(chr(10)) + 2}: ")
    assert message in found


def test_a_reference_is_named_by_its_own_line(load_error, folder):
    (folder / "leaf.gin").write_text("include 'base.gin'\ntrain.net = [\n    1,\n    @Nte(),\n]\n")
    assert load_error(files=["leaf.gin"]).startswith("leaf.gin:4: no function or class 'Nte'")


def test_a_short_name_of_two_things_is_refused(load_error, folder):
    (folder / "gin_annex2.py").write_text("def train(steps):\n    return steps\n")
    sys.path.insert(0, str(folder))
    try:
        message = load_error("gin_annex2.train.steps=1", "train.steps=2")
    finally:
        sys.path.remove(str(folder))
    assert "'train' is ambiguous; write one of gin_annex2.train, gin_zoo.train" in message


def test_a_picture_for_a_gin_file_is_refused(load_error, folder):
    (folder / "leaf.gin").write_bytes(b"\x89PNG\xff")
    assert "leaf.gin: not a text file" in load_error(files=["leaf.gin"])
