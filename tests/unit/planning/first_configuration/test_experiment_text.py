"""The file is short, has a reason behind each value, and is what a training reads."""

import ast
import re

import pytest

from maskconver_tf.config import configuration
from maskconver_tf.planning.first_configuration.choosing.plan import Wishes, make_plan
from maskconver_tf.planning.first_configuration.experiment_text import (
    MOST_LINES,
    experiment_text,
)
from maskconver_tf.training.train import train
from tests.unit.planning.first_configuration.made_facts import make_facts, make_picture_facts

DATASETS = {
    "scenes": {},
    "crowds": {"sides": (10,) * 70, "gap": 9.0},
    "photographs": {"is_photograph": True, "size": (360, 480)},
    "crowded photographs": {"is_photograph": True, "sides": (9,) * 500},
    "stuff": {"sides": ()},
    "things": {"stuff": False},
    "void": {"sides": (), "stuff": False},
    "huge": {"size": (4000, 6000)},
    "huge with small things": {"size": (4000, 6000), "sides": (9,) * 60},
    "tiny": {"size": (32, 32), "sides": (6, 6)},
    "long": {"size": (50, 10000)},
    "gray and dark": {"is_gray": True, "darkness": 0.1},
}


def text_of(changes, orientation="upright", minutes=30.0, data="data/train"):
    facts = make_facts(make_picture_facts(**changes))
    plan = make_plan(facts, Wishes(minutes, orientation, True), None)
    return experiment_text(plan, data, "data/val", "mine.gin", "maskconver new data/train")


def settings_of(text: str) -> dict:
    lines = re.findall(r"^([\w.]+) = (.*?)  # (.+)$", text, re.MULTILINE)
    assert len(lines) == len(re.findall(r"^[\w.]+ = ", text, re.MULTILINE))
    return {name: ast.literal_eval(value) for name, value, _ in lines}


@pytest.mark.parametrize("minutes", [0.1, 30, 5000])
@pytest.mark.parametrize("orientation", ["upright", "any"])
@pytest.mark.parametrize("name", DATASETS)
def test_every_experiment_is_short_and_gin_takes_it(name, orientation, minutes, tmp_path):
    text = text_of(DATASETS[name], orientation, minutes)
    assert len(text.splitlines()) <= MOST_LINES
    settings = settings_of(text)
    assert settings["TRAIN_DATA"] == "data/train" and settings["EVAL_DATA"] == "data/val"
    file = tmp_path / "mine.gin"
    file.write_text(text, encoding="utf-8")
    configuration.load([file])
    if minutes == 30:
        task = configuration.arguments_of(train, supplied=["model_dir", "on_built"])["task"]
        assert task.train_input.data_dir == "data/train"  # Inputs, losses and fusion are made.
        levels = range(5 - len(settings["TargetBuilder.level_bounds"]), 6)
        targets = configuration.call(task.targets, center_levels=tuple(levels))
        assert targets.num_slots >= len(DATASETS[name].get("sides", (1,) * 6))


@pytest.mark.parametrize("name", ["crowds", "crowded photographs", "scenes"])
def test_models_take_the_settings(name, tmp_path):
    file = tmp_path / "mine.gin"
    file.write_text(text_of(DATASETS[name]), encoding="utf-8")
    configuration.load([file])
    task = configuration.arguments_of(train, supplied=["model_dir", "on_built"])["task"]
    model = configuration.call(task.model, num_classes=3)
    crowded = name != "scenes"
    assert model.num_proposals == (100 if name == "scenes" else 150 if name == "crowds" else 800)
    assert (min(model.center_levels) == 2) is crowded
    assert model.mask_level == (1 if crowded else 2)


@pytest.mark.parametrize("data", ["it's # mine/train", 'a "b"\\c', "daten/größe", "%a/@b"])
def test_any_name_of_a_folder_survives(data, tmp_path):
    text = text_of({}, data=data)
    file = tmp_path / "mine.gin"
    file.write_text(text, encoding="utf-8")
    configuration.load([file])
    assert f"TRAIN_DATA = {data!r}" in text or data in configuration.bound_config()


def test_the_header_gives_the_command_and_its_doubts():
    text = text_of({"stuff": False})
    assert text.startswith("# Written by `maskconver new data/train`")
    assert (
        "# Command: maskconver train --gin_file mine.gin --model_dir runs/mine --minutes 30" in text
    )
    assert "# Unsure: there is no stuff" in text


def test_only_as_many_doubts_as_lines():
    changes = {"stuff": False, "darkness": 0.01, "sides": (5,) * 90, "is_photograph": True}
    text = text_of(changes, minutes=0.1)
    assert len(text.splitlines()) <= MOST_LINES and "# Unsure" in text
