"""The list of settings is complete, and its search finds them."""

from __future__ import annotations

import ast
import collections
import re
from pathlib import Path

import pytest

from maskconver_tf.config.settings.configurables import CONFIGURABLES, ROOTS
from maskconver_tf.config.settings.settings_list import (
    GROUPS,
    all_parameters,
    all_settings,
    find_settings,
)
from maskconver_tf.errors import UserError

ROOT = Path(__file__).resolve().parents[4]
GIN_FILES = [*ROOT.glob("experiments/**/*.gin"), *ROOT.glob("tests/e2e/**/*.gin")]


def test_every_setting_has_advice_and_no_advice_is_left_over():
    advised = collections.Counter(name for group in GROUPS for name, *_ in group.entries())
    missing = sorted(all_parameters().keys() - advised)
    assert missing == [], "add their unit and advice to config/settings/advice/"
    assert sorted(advised.keys() - all_parameters().keys()) == []
    assert [name for name, count in advised.items() if count > 1] == []


@pytest.mark.parametrize("part", ["description", "when", "type"])
def test_every_setting_is_described(part):
    short = [
        s.name for s in all_settings() if len(getattr(s, part)) < (3 if part == "type" else 10)
    ]
    assert short == []
    assert [s.name for s in all_settings() if s.description.startswith("see ")] == []


def test_every_name_in_a_gin_file_is_listed():
    """Whatever an experiment binds is in the list."""
    assert len(GIN_FILES) > 30
    bound = re.compile(r"^(?:\w+/)*(?:\w+\.)*(\w+)\.(\w+) *=", re.MULTILINE)
    names = {
        f"{match[1]}.{match[2]}"
        for file in GIN_FILES
        for match in bound.finditer(file.read_text(encoding="utf-8"))
    }
    assert len(names) > 80
    known = all_parameters().keys() | {
        f"{root.name}.{name}" for root in ROOTS for name in root.supplied
    }
    assert sorted(names - known) == []


def test_every_reference_in_a_gin_file_is_listed():
    references = {
        match[1]
        for file in GIN_FILES
        for match in re.finditer(r"@(?:\w+/)*(?:\w+\.)*(\w+)", file.read_text(encoding="utf-8"))
    }
    aliases = {"efficientnet_lite", "keras_application"}  # The module, before a line break.
    assert sorted(references - aliases - {each.name for each in CONFIGURABLES}) == []


def test_every_root_that_commands_call_is_listed():
    source = (ROOT / "maskconver_tf/config/roots.py").read_text(encoding="utf-8")
    callers = ("configurable", "arguments_of")
    called = {
        ast.unparse(node.args[0])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in callers
    }
    assert called == {root.name for root in ROOTS}


def test_supplied_arguments_exist():
    from maskconver_tf.config.settings.source_reading import read_parameters

    for each in CONFIGURABLES:
        names = {p.name for p in read_parameters(f"maskconver_tf.{each.module}", each.name)}
        assert set(each.supplied) <= names, each.name


def test_defaults_are_those_of_the_code():
    by_name = {setting.name: setting for setting in all_settings()}
    assert by_name["RunLength.total_steps"].default == "1000"
    assert by_name["MaskConverLoss.padding"].default == "'negative'"
    assert by_name["ClassificationInput.shuffle_shards"].default == "True"
    assert by_name["TrainingInput.data_dir"].default is None
    assert by_name["TrainingInput.data_dir"].value == "text, a path; must be set"
    assert by_name["TrainingInput.service"].kind == "text or None, an address"
    assert by_name["TrainingInput.scale_range"].kind == "two numbers, each a factor"
    assert by_name["ClassificationInput.flip"].kind == "True or False"
    assert by_name["RunLength.total_steps"].value == "whole number, in steps; default 1000"


# ---- Search --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "words",
    [["batch_size"], ["batch size"], ["BATCH", "size"], ["--gin.TrainingInput.batch_size=8"]],
)
def test_a_name_is_found_however_it_is_written(words):
    names = [setting.name for setting in find_settings(words)]
    assert "TrainingInput.batch_size" in names
    assert all(name.endswith("batch_size") for name in names)


def test_a_word_of_the_text_is_found_if_no_name_has_it():
    assert "TargetBuilder.num_slots" in [s.name for s in find_settings(["fullest"])]


def test_all_words_must_be_there():
    assert [s.name for s in find_settings(["deeplab", "rates"])] == ["PanopticDeepLab.rates"]


@pytest.mark.parametrize(
    ("words", "near"),
    [(["batchsize"], "TrainingInput.batch_size"), (["numslots"], "TargetBuilder.num_slots")],
)
def test_near_names_are_suggested(words, near):
    with pytest.raises(UserError, match=re.escape(near)):
        find_settings(words)


def test_a_word_like_nothing_says_what_to_do():
    with pytest.raises(UserError, match="qqqq: no setting .*; `maskconver settings` lists all"):
        find_settings(["qqqq"])
