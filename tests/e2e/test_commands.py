"""What a user types after training: evaluate, predict, export, and mistakes in each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskconver_tf
from maskconver_tf.cli.main import main
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.evaluation.coco_results import read_coco_panoptic
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.files.id_map import rgb_to_ids
from tests.e2e.conftest import ONE_LEVEL, TINY
from tests.e2e.report.conftest import data_of
from tests.unit.layers.check_layer import precision

LOW_THRESHOLD = "PanopticFusion.score_threshold=0.02"
"""A model trained for seconds is rarely sure, and a test of nothing found tests nothing."""


@pytest.fixture(scope="module")
def predictor(trained):
    return maskconver_tf.load(trained, score_threshold=0.02)


@pytest.fixture(scope="module")
def pictures(scenes, tmp_path_factory) -> list[Path]:
    """Pictures of three sizes and two formats."""
    folder = tmp_path_factory.mktemp("pictures")
    names = ["whole.png", "small.jpg", "wide.png"]
    first, second, *_ = sorted((scenes / "images/train").glob("*.png"))
    Image.open(first).save(folder / names[0])
    Image.open(second).resize((50, 41)).save(folder / names[1], quality=95)
    Image.open(first).resize((300, 60)).save(folder / names[2])
    return [folder / name for name in names]


# ---- Options of a run ----------------------------------------------------------------------------
def test_options_set_data_and_input_size_before_gin_arguments(dataset, tmp_path, capsys):
    folder = tmp_path / 'it\'s [my] "data" №1'
    folder.symlink_to(dataset)
    arguments = ["preflight", "--gin_file", str(TINY), "--train-data", str(folder)]
    arguments += ["--input_size", "32,64", "--total_steps", "3"]
    with precision("float32"):  # restored afterwards
        assert main(arguments) == 0
        assert "32x64, 13 classes" in capsys.readouterr().out
        assert main([*arguments, "--gin.TRAIN_DATA='nowhere'"]) == 2
    assert "nowhere" in capsys.readouterr().err


# ---- Evaluate ------------------------------------------------------------------------------------
def test_evaluate_writes_results_that_its_predictions_bear_out(trained, dataset, scenes, tmp_path):
    out = tmp_path / "results"
    assert main(["evaluate", "--model", str(trained), "--out", str(out)]) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["all"]["pq"] == pytest.approx(_pq_of_files(out, scenes, dataset), abs=1e-9)
    best = json.loads((trained / "best" / "score.json").read_text())
    assert results["all"]["pq"] == pytest.approx(best["pq"], abs=1e-6)
    assert set(results) == {"all", "things", "stuff", "per_class", "baselines"}
    assert results["baselines"]["constant"]["model_pq"] == results["all"]["pq"]


def test_score_gives_the_number_of_evaluate_from_its_files(trained, scenes, tmp_path):
    results, scored = tmp_path / "results", tmp_path / "scored"
    assert main(["evaluate", "--model", str(trained), "--out", str(results)]) == 0
    files = {
        "--truth": scenes / "panoptic_train.json",
        "--truth_png": scenes / "panoptic/train",
        "--pred": results / "predictions.json",
        "--pred_png": results / "predictions",
        "--out": scored,
    }
    arguments = [part for pair in files.items() for part in map(str, pair)]
    assert main(["score", *arguments, "--boundary"]) == 0
    evaluated = json.loads((results / "results.json").read_text())
    found = json.loads((scored / "results.json").read_text())
    for group in ("all", "things", "stuff"):
        _assert_same_quality(evaluated[group], found[group])
    for name, entry in evaluated["per_class"].items():
        _assert_same_quality(entry, found["per_class"][name])
    assert found["instance_ap"]["ap"] > 0
    best = json.loads((trained / "best" / "score.json").read_text())
    assert found["all"]["pq"] == pytest.approx(best["pq"], abs=1e-6)
    report = tmp_path / "report"
    assert main(["report", str(results), "--out", str(report), "--boundary"]) == 0
    [model] = data_of(report, "report")["models"]
    assert model["results"] == found
    assert len(model["curves"]["all/pq"]["values"]) > 0
    assert {"parameters", "size of the weights"} <= {fact["name"] for fact in model["facts"]}


def _assert_same_quality(one: dict, other: dict) -> None:
    """They are equal to the last bit."""
    for name in ("pq", "sq", "rq"):
        assert one[name] == other[name]


def _pq_of_files(out: Path, scenes: Path, dataset: Path) -> float:
    """PQ of the written predictions against the source's own truth, in percent."""
    categories = DatasetFolder(dataset).categories
    quality = PanopticQuality(len(categories), categories.is_thing)
    truth = read_coco_panoptic(scenes / "panoptic_train.json", scenes / "panoptic/train")
    found = read_coco_panoptic(out / "predictions.json", out / "predictions", categories)
    found = {picture.image_id: picture for picture in found}
    for picture in truth:
        prediction = found[picture.image_id]
        quality.update(
            picture.panoptic_map, picture.segments, prediction.panoptic_map, prediction.segments
        )
    return 100 * quality.result().all.pq


def test_evaluate_refuses_data_of_other_classes(trained, make_coco_folder, tmp_path, capsys):
    folder = make_coco_folder()
    arguments = ["--images", folder.images, "--panoptic", folder.panoptic]
    arguments += ["--annotations", folder.annotations, "--out", tmp_path / "other"]
    assert main(["data", "build", *map(str, arguments)]) == 0
    assert main(["evaluate", "--model", str(trained), "--eval_data", str(tmp_path / "other")]) == 2
    assert "3 classes" in capsys.readouterr().err


# ---- Predict -------------------------------------------------------------------------------------
def test_predict_writes_picture_ids_and_segments(trained, pictures, tmp_path, capsys):
    paths = [str(path) for path in pictures]
    arguments = ["predict", "--model", str(trained), *paths, "--out", str(tmp_path)]
    assert main([*arguments, "--score_threshold", "0.02", "--enlarge", "1"]) == 0
    assert "1/3" not in capsys.readouterr().out  # the bar is for the eye, not for a pipe
    for path in pictures:
        width, height = Image.open(path).size
        assert Image.open(tmp_path / f"{path.stem}.png").size == (width, height)
        ids = rgb_to_ids(np.asarray(Image.open(tmp_path / f"{path.stem}_ids.png")))
        content = json.loads((tmp_path / f"{path.stem}.json").read_text())
        assert (content["height"], content["width"]) == (height, width)
        areas = {segment["id"]: segment["area"] for segment in content["segments"]}
        assert areas == {i: int(np.sum(ids == i)) for i in np.unique(ids) if i}
        assert areas, "nothing was found, so nothing was tested"


def test_predict_names_all_that_is_not_there_before_it_starts(trained, pictures, capsys, tmp_path):
    arguments = ["predict", "--model", str(trained), "--out", str(tmp_path / "out")]
    assert main([*arguments, str(pictures[0]), "gone.jpg", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "gone.jpg: no such picture" in message
    assert f"{tmp_path}: a folder without files" in message
    assert not (tmp_path / "out").exists()


# ---- Mistakes ------------------------------------------------------------------------------------
def test_training_in_a_folder_of_other_classes_is_refused(
    tiny_arguments, trained, make_coco_folder, tmp_path, capsys
):
    folder = make_coco_folder()
    arguments = ["--images", folder.images, "--panoptic", folder.panoptic]
    arguments += ["--annotations", folder.annotations, "--out", tmp_path / "other"]
    assert main(["data", "build", *map(str, arguments)]) == 0
    other = f"TRAIN_DATA='{tmp_path / 'other'}'"
    assert main(tiny_arguments(trained, other)) == 2
    message = capsys.readouterr().err
    assert str(trained) in message
    assert "13 classes" in message and "3 (" in message


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        ("RunLength.totl_steps=3", "total_steps"),
        ("trian.length=3", "train"),
        ("TrainingInput.input_size=(100, 96)", "multiples of 32"),
        ("TRAIN_DATA='nowhere'", "nowhere"),
        ("Compute.strategy='gpu'", "no GPU"),
        ("Compute.strategy='multi_worker'", "neither TF_CONFIG nor MASKCONVER_WORKERS is set"),
        ("light_fpn.LightFPN.width=3", "LightFPN"),
    ],
)
def test_a_wrong_setting_is_one_message(tiny_arguments, tmp_path, capsys, binding, expected):
    assert main(tiny_arguments(tmp_path / "run", binding)) == 2
    message = capsys.readouterr().err
    assert expected in message
    assert "Traceback" not in message


@pytest.mark.parametrize("command", ["evaluate", "export", "predict"])
def test_a_folder_without_a_run_is_one_message(command, tmp_path, pictures, capsys):
    (tmp_path / "empty").mkdir()
    arguments = [command, "--model", str(tmp_path / "empty"), "--out", str(tmp_path / "out")]
    assert main(arguments + [str(pictures[0])] * (command == "predict")) == 2
    assert "no run is here" in capsys.readouterr().err


def test_a_damaged_shard_stops_training_with_its_name(tiny_arguments, dataset, tmp_path, capsys):
    damaged = tmp_path / "damaged"
    shutil.copytree(dataset, damaged)
    [shard] = damaged.glob("*.tfrecord")
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    settings = ["RunLength.total_steps=4", f"TRAIN_DATA='{damaged}'", *ONE_LEVEL]
    arguments = tiny_arguments(tmp_path / "run", *settings)
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert f"{shard}: record" in message and "TrainingInput.skip_corrupt = True" in message
    skipping = [*arguments, "--gin.TrainingInput.skip_corrupt=True"]
    assert main(skipping) == 0
    assert "records cannot be read and are left out" in capsys.readouterr().err
