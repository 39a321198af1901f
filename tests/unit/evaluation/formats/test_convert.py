"""`maskconver convert`: each format is read back, and the scores are equal."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from maskconver_tf.cli.main import main
from maskconver_tf.datasets.sources.label_pictures.cityscapes import cityscapes_categories
from maskconver_tf.evaluation.lost_quality.recalibration import Curve, Recalibration
from maskconver_tf.evaluation.scoring.reading.folder_pairs import Coding, folder_pairs
from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from maskconver_tf.evaluation.scoring.score import score_files
from tests.golden.scoring.adversarial_files import (
    CATEGORIES,
    Files,
    adversarial_pictures,
    write_files,
)
from tests.unit.evaluation.scoring.small_files import SmallFiles


@pytest.fixture
def adversarial(tmp_path) -> Files:
    return write_files(tmp_path, adversarial_pictures(1))


def scores(truth: tuple[Path, Path], pred: tuple[Path, Path]) -> dict:
    return score_files(coco_pairs(truth, [pred], allow_missing=True), 1).results


def convert(*arguments: str | Path) -> None:
    assert main(["convert", *map(str, arguments)]) == 0


def test_instances_and_back_have_the_same_things(adversarial, tmp_path):
    classes = tmp_path / "classes.json"
    classes.write_text(json.dumps(CATEGORIES))
    instances = tmp_path / "new" / "instances.json"
    convert("--pred", adversarial.pred, "--classes", classes, "--to", "instances",
            "--out", instances)  # fmt: skip
    convert("--pred", instances, "--classes", classes, "--to", "panoptic", "--out", tmp_path / "b")
    before = scores(adversarial[:2], adversarial[2:])
    after = scores(adversarial[:2], (tmp_path / "b/predictions.json", tmp_path / "b/predictions"))
    assert before["things"]["num_classes"] == 2 and before["things"]["pq"] > 5
    for name in ("pq", "sq", "rq", "interval"):
        assert after["things"][name] == before["things"][name]
    assert after["stuff"]["pq"] == 0
    assert after["instance_ap"] == before["instance_ap"]


def test_loadres_reads_the_instances_with_their_masks(tmp_path):
    files = SmallFiles(tmp_path)
    convert("--pred", files.pred, "--to", "instances", "--out", tmp_path / "instances.json")
    truth = {
        "images": [{"id": i, "height": 2, "width": 4} for i in (7, 8)],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "iscrowd": 0, "area": 4,
             "bbox": [0, 0, 2, 2], "segmentation": {"size": [2, 4], "counts": [0, 4, 4]}}
            for i in (7, 8)
        ],
    }  # fmt: skip
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "truth.json"))
        found = coco.loadRes(str(tmp_path / "instances.json"))
        evaluation = COCOeval(coco, found, "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == 1
    assert [entry["area"] for entry in found.anns.values()] == [4, 4]


def test_overlapping_instances_go_to_the_higher_score(tmp_path):
    classes = tmp_path / "classes.json"
    classes.write_text(json.dumps(CATEGORIES))
    rows = [([0, 4], 0.2, 3), ([2, 2], 0.9, 7), ([2, 2], 0.1, 3)]
    entries = [
        {"id": 9, "image_id": "a", "category_id": class_id, "score": score}
        | {"segmentation": {"size": [1, 4], "counts": counts}}
        for counts, score, class_id in rows
    ]
    (tmp_path / "i.json").write_text(json.dumps(entries))
    convert("--pred", tmp_path / "i.json", "--classes", classes, "--to", "panoptic",
            "--out", tmp_path / "p")  # fmt: skip
    [annotation] = json.loads((tmp_path / "p" / "predictions.json").read_text())["annotations"]
    assert [(s["category_id"], s["area"]) for s in annotation["segments_info"]] == [(3, 2), (7, 2)]
    ids = np.asarray(Image.open(tmp_path / "p" / "predictions" / "a.png"))[..., 0]
    assert ids.tolist() == [[1, 1, 2, 2]]


@pytest.fixture
def cityscapes(tmp_path) -> Files:
    """The adversarial pictures with Cityscapes' classes, names, one segment of each stuff."""
    files = write_files(tmp_path, adversarial_pictures(3))
    ids = {3: 24, 7: 26, 8: 25, 90: 23, 200: 7}
    for path in (files.truth, files.pred):
        content = json.loads(path.read_text())
        content["categories"] = cityscapes_categories().to_coco()
        for entry in content["annotations"]:
            number, stuff = entry["image_id"], {}
            entry["image_id"] = f"bonn_000001_{number:06d}"
            pixels = np.asarray(Image.open(path.with_suffix("") / entry["file_name"])).copy()
            kept = []
            for info in entry["segments_info"]:
                info["category_id"] = ids[info["category_id"]]
                first = stuff.setdefault(info["category_id"], info)
                if info["category_id"] in (23, 7) and first is not info:
                    rgb = [[i["id"] >> shift & 255 for shift in (0, 8, 16)] for i in (info, first)]
                    pixels[(pixels == rgb[0]).all(axis=-1)] = rgb[1]
                    first["area"] += info["area"]
                else:
                    kept.append(info | {"iscrowd": 0})
            entry["segments_info"] = kept
            Image.fromarray(pixels).save(path.with_suffix("") / entry["file_name"])
        path.write_text(json.dumps(content))
    return files


def test_cityscapes_folders_score_the_same(cityscapes, tmp_path):
    for path in (cityscapes.truth, cityscapes.pred):
        convert("--pred", path, "--to", "cityscapes", "--out", tmp_path / f"{path.stem}_city")
    folder = tmp_path / "p_city" / "bonn"
    assert len(list(folder.glob("bonn_000001_*_gtFine_labelIds.png"))) == 12
    before = scores(cityscapes[:2], cityscapes[2:])
    folders = tmp_path / "t_city", [tmp_path / "p_city"]
    after = score_files(folder_pairs(*folders, Coding("cityscapes", None)), 1).results
    assert before["things"]["num_classes"] > 1 and before["all"]["pq"] > 5
    for group in ("all", "things", "stuff"):
        assert after[group] == before[group]
    first = folder / "bonn_000001_000089_gtFine_labelIds.png"
    labels = np.asarray(Image.open(first))
    instances = np.asarray(Image.open(str(first).replace("labelIds", "instanceIds")))
    assert (labels.dtype, instances.dtype) == (np.uint8, np.uint16)
    assert np.array_equal(np.where(instances >= 1000, instances // 1000, instances), labels)


def test_recalibration_changes_scores_and_not_quality(tmp_path):
    files = SmallFiles(tmp_path)
    Recalibration({"cat": Curve((0.0, 1.0), (0.0, 0.5))}, Curve((0.0,), (0.75,))).save(
        tmp_path / "r.json"
    )
    convert("--pred", files.pred, "--to", "panoptic", "--out", tmp_path / "b",
            "--recalibration", tmp_path / "r.json")  # fmt: skip
    content = json.loads((tmp_path / "b" / "predictions.json").read_text())
    for entry in content["annotations"]:
        assert [info["score"] for info in entry["segments_info"]] == [0.25, 0.75]
    pred = tmp_path / "b" / "predictions.json", tmp_path / "b" / "predictions"
    assert scores((files.truth, files.truth.with_suffix("")), pred)["all"]["pq"] == 100


def test_results_without_categories_take_those_of_the_truth(tmp_path):
    files = SmallFiles(tmp_path)
    content = json.loads(files.pred.read_text())
    files.pred.write_text(json.dumps({"annotations": content["annotations"]}))
    convert("--pred", files.pred, "--classes", files.truth, "--to", "panoptic",
            "--out", tmp_path / "b")  # fmt: skip
    pred = tmp_path / "b" / "predictions.json", tmp_path / "b" / "predictions"
    assert scores((files.truth, files.truth.with_suffix("")), pred)["all"]["pq"] == 100


@pytest.mark.parametrize(
    ("target", "change", "expected"),
    [
        ("cityscapes", {}, "cat with id 1 (thing), which is no class of Cityscapes"),
        ("instances", {"score": None}, "image 7: segment 1 has no score"),
        ("instances", {"category_id": 9}, "category_id 9"),
    ],
)
def test_what_cannot_be_converted(tmp_path, capsys, target, change, expected):
    files = SmallFiles(tmp_path)
    with files.edit(files.pred) as annotations:
        annotations[0]["segments_info"][0] |= change
    arguments = ["--pred", str(files.pred), "--to", target, "--out", str(tmp_path / "out.json")]
    assert main(["convert", *arguments]) != 0
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[]", "does not name the classes"),
        ("{}", "--classes FILE with a class list or with the `categories` of the truth"),
        ("7", "is 7 (a whole number)"),
        (None, "does not exist"),
    ],
)
def test_unreadable_predictions(tmp_path, capsys, content, expected):
    if content is not None:
        (tmp_path / "p.json").write_text(content)
    arguments = ["--pred", str(tmp_path / "p.json"), "--to", "panoptic", "--out", str(tmp_path)]
    assert main(["convert", *arguments]) != 0
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"segmentation": [[0, 0, 2, 2]]}, "expected run lengths"),
        ({"segmentation": {"size": [1, 4]}}, "expected run lengths"),
        ({"image_id": 1.5}, "image_id 1.5"),
        ({"category_id": 77}, "category_id 77"),
        ({"score": "high"}, "score 'high' (text)"),
        ({"segmentation": {"size": [2, 4], "counts": [8]}}, "expected one size"),
    ],
)
def test_malformed_instances(tmp_path, capsys, change, expected):
    (tmp_path / "classes.json").write_text(json.dumps(CATEGORIES))
    entry = {"image_id": 1, "category_id": 3, "score": 0.5}
    entry["segmentation"] = {"size": [1, 4], "counts": [0, 4]}
    (tmp_path / "i.json").write_text(json.dumps([entry, entry | change]))
    arguments = ["--pred", str(tmp_path / "i.json"), "--classes", str(tmp_path / "classes.json")]
    assert main(["convert", *arguments, "--to", "panoptic", "--out", str(tmp_path / "o")]) != 0
    assert expected in capsys.readouterr().err


def test_cityscapes_has_no_scores_to_change(tmp_path, capsys):
    files = SmallFiles(tmp_path)
    arguments = ["--pred", str(files.pred), "--to", "cityscapes", "--out", str(tmp_path / "out")]
    assert main(["convert", *arguments, "--recalibration", "r.json"]) != 0
    assert "whose files have no scores" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_that_are_not_cityscapes(cityscapes, tmp_path, capsys):
    content = json.loads(cityscapes.pred.read_text())
    content["annotations"][0]["image_id"] = "scene"
    cityscapes.pred.write_text(json.dumps(content))
    arguments = ["--pred", str(cityscapes.pred), "--to", "cityscapes", "--out", str(tmp_path)]
    assert main(["convert", *arguments]) != 0
    assert "expected CITY_SEQUENCE_FRAME" in capsys.readouterr().err
