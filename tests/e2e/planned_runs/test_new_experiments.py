"""A training takes every kind of file that `maskconver new` writes, and learns from it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.cli.main import main
from maskconver_tf.config import configuration
from maskconver_tf.planning.first_configuration.choosing.plan import Wishes, make_plan
from maskconver_tf.planning.first_configuration.experiment_text import experiment_text
from maskconver_tf.planning.preflight.step_program import StepProgram, choose_num_classes
from maskconver_tf.planning.show_inputs import show_inputs
from maskconver_tf.training.evaluate import evaluate
from maskconver_tf.training.restore import restore_segmenter
from maskconver_tf.training.train import train
from tests.unit.planning.first_configuration.made_facts import make_facts, make_picture_facts

CROWDS = {"size": (120, 120), "sides": (10,) * 70, "gap": 9.0, "areas": np.full(71, 20)}
"""Things so small and close that masks have stride 2 and evaluation sees larger pictures."""
LARGE = {"size": (2000, 2000), "sides": (16,) * 40, "is_photograph": True}
"""Pictures so large that training sees crops of them."""
STREETS = {"is_photograph": True, "size": (360, 480), "stuff": False}


def write_experiment(file, data, changes, orientation, minutes):
    """Writes the experiment for made-up facts; returns what it is."""
    facts = make_facts(make_picture_facts(**changes))
    plan = make_plan(facts, Wishes(minutes, orientation, True), None)
    text = experiment_text(plan, str(data), str(data), file.name, "maskconver new data")
    file.write_text(text, encoding="utf-8")
    return plan


def train_two_steps(file, run, *options: str) -> dict:
    """Trains and scores once; returns the score of the best weights."""
    argv = ["train", "--gin_file", str(file), "--model_dir", str(run), "--total_steps", "2"]
    short = {"RunLength.eval_interval": 0, "RunLength.steps_per_loop": 1}
    short |= {"TrainingInput.batch_size": 1, "EvaluationInput.max_examples": 2}
    assert main([*argv, *options, *(f"--gin.{n}={v}" for n, v in short.items())]) == 0
    return json.loads((run / "best" / "score.json").read_text())


@pytest.mark.parametrize(
    ("changes", "orientation", "minutes", "model"),
    [
        (STREETS, "upright", 30.0, "small_pretrained"),
        (LARGE, "any", 1.0, "small_pretrained_crowded"),
    ],
    ids=["photographs of things", "crops with turns"],
)
def test_every_setting_has_an_effect_and_the_step_is_made(
    changes, orientation, minutes, model, dataset, tmp_path
):
    plan = write_experiment(tmp_path / "mine.gin", dataset, changes, orientation, minutes)
    assert plan.model.candidate.name == model and plan.size.crops == (changes is LARGE)
    configuration.load([tmp_path / "mine.gin"])
    arguments = configuration.arguments_of(train, supplied=["model_dir", "on_built"])
    classes = choose_num_classes(arguments["task"].train_input, None)
    program = configuration.call(StepProgram, arguments, classes)
    configuration.check_all_used(other_roots=[train, evaluate, restore_segmenter, show_inputs])
    assert program.input_size == plan.size.train_size


def test_crowds_of_any_orientation_train_and_are_scored(dataset, tmp_path):
    file = tmp_path / "mine.gin"
    plan = write_experiment(file, dataset, CROWDS, "any", 30.0)
    assert plan.model.mask_level == 1 and plan.size.is_enlarged
    names = {setting.name for setting in plan.settings}
    assert {"PanopticFusion.min_area", "TrainingInput.quarter_turns"} <= names
    sizes = ["--input_size", "96,96", "--gin.TrainingInput.input_size=(64,64)"]
    score = train_two_steps(file, tmp_path / "run", *sizes)
    assert all(0 <= value <= 100 for value in score.values())


def test_one_gray_picture_with_one_class_of_things_becomes_a_training(tmp_path, monkeypatch):
    """As little as a dataset can have: no stuff, no color, no validation, no second picture."""
    monkeypatch.chdir(tmp_path)
    ids = np.zeros((40, 64), np.uint8)
    ids[4:20, 6:24], ids[10:36, 34:58] = 1, 2
    for folder, pixels in (("images/all", ids * 90), ("panoptic/all", ids[..., None] * [1, 0, 0])):
        (tmp_path / "coco" / folder).mkdir(parents=True)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "coco" / folder / "0.png")
    segments = [{"id": number, "category_id": 7} for number in (1, 2)]
    content = {
        "images": [{"id": 0, "file_name": "0.png", "height": 40, "width": 64}],
        "annotations": [{"image_id": 0, "file_name": "0.png", "segments_info": segments}],
        "categories": [{"id": 7, "name": "cell", "isthing": 1}],
    }
    (tmp_path / "coco/panoptic_all.json").write_text(json.dumps(content))
    new = ["new", "coco", "--out", "mine.gin", "--skip_measure", "--workers", "1"]
    assert main([*new, "--minutes", "1"]) == 0
    text = (tmp_path / "mine.gin").read_text(encoding="utf-8")
    assert "1 training picture tells little about new ones" in " ".join(text.split("\n#   "))
    score = train_two_steps("mine.gin", tmp_path / "run")
    assert all(0 <= value <= 100 for value in score.values())


@pytest.fixture(params=["coco200", "camvid"])
def real_part(request, tmp_path):
    """24 pictures of a real dataset, as a folder in COCO panoptic layout with one part."""
    source = request.getfixturevalue(request.param)
    content = json.loads((source / "panoptic_train.json").read_text(encoding="utf-8"))
    content["images"] = content["images"][:: len(content["images"]) // 24][:24]
    kept = {image["id"] for image in content["images"]}
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] in kept]
    root = tmp_path / "part"
    for kind in ("images", "panoptic"):
        (root / kind).mkdir(parents=True)
        (root / kind / "train").symlink_to(source / kind / "train")
    (root / "panoptic_train.json").write_text(json.dumps(content), encoding="utf-8")
    return request.param, root


def test_real_pictures_get_an_experiment_that_gin_takes(real_part, tmp_path, monkeypatch, capsys):
    name, root = real_part
    monkeypatch.chdir(tmp_path)
    new = ["new", str(root), "--out", "mine.gin", "--minutes", "10", "--skip_measure"]
    assert main([*new, "--split", "0.25"]) == 0
    report = capsys.readouterr().out
    assert "100% photographs" in report or name == "coco200"
    configuration.load([tmp_path / "mine.gin"])
    task = configuration.arguments_of(train, supplied=["model_dir", "on_built"])["task"]
    height, width = task.train_input.input_size
    if name == "camvid":
        assert height / width == pytest.approx(0.75, abs=0.1)
    folder = task.train_input.folder
    assert folder.num_examples + task.eval_input.folder.num_examples == 24
    assert task.train_input.flip and not task.train_input.vertical_flip
