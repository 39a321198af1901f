"""A whole report, without a browser; its numbers are those of `maskconver score` in every bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.report.model_folders import find_models
from maskconver_tf.evaluation.report.report_truth import CocoTruth
from maskconver_tf.evaluation.report.write_report import ReportOptions, write_report
from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from maskconver_tf.evaluation.scoring.score import score_files
from tests.unit.evaluation.report.perturbed import write_perturbed
from tests.unit.evaluation.report.test_encoded_maps import decode

OPTIONS = ReportOptions("Report", workers=1)


def data_of(report: Path, name: str) -> dict:
    text = (report / "data" / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(text[text.index(f"REPORT.{name}=") + len(f"REPORT.{name}=") : -2])


def picture_of(report: Path, number: int) -> dict:
    text = (report / "pictures" / f"{number:06d}.js").read_text(encoding="utf-8")
    return json.loads(text[len(f"REPORT_PICTURE({number},") : -3])


@pytest.fixture
def files(make_coco_folder, tmp_path):
    """Five pictures, two predictions of them, and the truth with photos."""
    coco = make_coco_folder(5, size=(36, 48))
    predictions = [
        write_perturbed(coco.annotations, coco.panoptic, tmp_path / name, seed, shift)
        for name, seed, shift in (("first", 0, 1), ("second", 5, 3))
    ]
    return coco, predictions, CocoTruth(coco.annotations, coco.panoptic, coco.images)


@pytest.fixture
def report(files, tmp_path):
    _, predictions, truth = files
    models = find_models([path.parent for path in predictions])
    write_report(models, truth, tmp_path / "report", OPTIONS)
    return tmp_path / "report"


def test_the_scores_are_those_of_score_to_the_last_bit(files, report):
    coco, predictions, _ = files
    sides = [(path, path.with_suffix("")) for path in predictions]
    truth = coco.annotations, coco.panoptic
    alone = [score_files(coco_pairs(truth, [side]), 1) for side in sides]
    both = score_files(coco_pairs(truth, sides[::-1]), 1).results
    models = data_of(report, "report")["models"]
    for model, scoring in zip(models, alone, strict=True):
        assert json.dumps(model["results"]) == json.dumps(scoring.results)
    assert models[0]["difference"] is None
    assert json.dumps(models[1]["difference"]) == json.dumps(both["difference"])
    pictures = data_of(report, "pictures")
    for columns, scoring in zip(pictures["models"], alone, strict=True):
        for name in ("pq", "sq", "rq", "tp", "fp", "fn"):
            assert columns[name] == [row[name] for row in scoring.per_picture[0]]


def test_rows_add_up_to_the_counts_and_losses_of_the_classes(report):
    content, tables = data_of(report, "report"), data_of(report, "segments")
    for model, rows in zip(content["models"], tables, strict=True):
        for number, category in enumerate(content["classes"]):
            found = model["results"]["per_class"][category["name"]]
            of_class = np.array(rows["class"]) == number
            counts = np.bincount(np.array(rows["outcome"])[of_class], minlength=3)
            assert counts.tolist() == [found["tp"], found["fn"], found["fp"]]
            lost = model["results"]["lost"]["per_class"][category["name"]]
            cost = np.where(np.array(rows["outcome"]) == 0, 1 - np.array(rows["iou"]) / 10_000, 0.5)
            weight = counts[0] + 0.5 * counts[1:].sum()
            for kind, entry in enumerate(content["kinds"]):
                here = of_class & (np.array(rows["kind"]) == kind)
                expected = 100 * cost[here].sum() / weight
                assert lost[entry["name"]] == pytest.approx(expected, abs=0.02)


def test_pairs_add_up_to_the_confusion(report):
    content, tables = data_of(report, "report"), data_of(report, "pairs")
    names = [category["name"] for category in content["classes"]] + [None]
    for model, pairs in zip(content["models"], tables, strict=True):
        found = np.zeros((len(names), len(names)), int)
        np.add.at(found, (pairs["truth"], pairs["predicted"]), pairs["pixels"])
        for entry in model["results"]["confusion"]:
            cell = names.index(entry["truth"]), names.index(entry["predicted"])
            assert found[cell] == entry["pixels"]
            found[cell] = 0
        assert not found.any()


def test_scored_rows_are_those_of_the_calibration(report):
    content, tables = data_of(report, "report"), data_of(report, "segments")
    for model, rows in zip(content["models"], tables, strict=True):
        outcome, score = np.array(rows["outcome"]), np.array(rows["score"])
        for i, bin_ in enumerate(model["results"]["calibration"]["all"]["bins"]):
            here = (outcome != 1) & (score >= 1000 * i) & (score < 1000 * (i + 1) + (i == 9))
            assert here.sum() == bin_["segments"]
            assert (here & (outcome == 0)).sum() == bin_["right"]


def test_each_picture_has_its_files(files, report):
    coco, _, _ = files
    pictures = data_of(report, "pictures")
    assert pictures["name"] == [f"{i}.jpg" for i in range(5)]
    assert pictures["photo"] == [1] * 5
    for number in range(5):
        photo = Image.open(report / "pictures" / f"{number:06d}.jpg")
        assert photo.size == (48, 36)
        for model in "01":
            assert Image.open(report / "thumbnails" / model / f"{number:06d}.jpg").size == (48, 36)
        side = picture_of(report, number)["truth"]
        drawn = np.array([0, *side["ids"]])[decode(side["map"])]
        np.testing.assert_array_equal(drawn, coco.ids(number))


def test_the_crowd_is_marked(report):
    assert picture_of(report, 0)["truth"]["crowds"] == [3]
    assert picture_of(report, 1)["truth"]["crowds"] == []


def test_photos_and_maps_are_reduced_to_the_side(files, tmp_path):
    _, predictions, truth = files
    models = find_models(predictions[:1])
    write_report(models, truth, tmp_path / "small", OPTIONS._replace(longest_side=24))
    assert Image.open(tmp_path / "small/pictures/000000.jpg").size == (24, 18)
    coded = picture_of(tmp_path / "small", 0)["models"][0]["map"]
    assert (coded["height"], coded["width"]) == (18, 24)
    assert data_of(tmp_path / "small", "pictures")["width"] == [48] * 5


def test_a_report_without_photos_paints_the_truth(files, tmp_path):
    coco, predictions, _ = files
    models = find_models(predictions[:1])
    truth = CocoTruth(coco.annotations, coco.panoptic)
    write_report(models, truth, tmp_path / "plain", OPTIONS)
    assert data_of(tmp_path / "plain", "pictures")["photo"] == [0] * 5
    assert data_of(tmp_path / "plain", "pictures")["name"][0] == "0.jpg"
    assert not (tmp_path / "plain/pictures/000000.jpg").exists()
    assert (tmp_path / "plain/thumbnails/0/000000.jpg").is_file()


def test_processes_change_nothing(files, report, tmp_path):
    _, predictions, truth = files
    models = find_models([path.parent for path in predictions])
    write_report(models, truth, tmp_path / "again", OPTIONS._replace(workers=2))
    names = [path.relative_to(report) for path in report.rglob("*") if path.is_file()]
    assert len(names) == 1 + 4 + 5 * 4
    for name in names:
        assert (report / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_missing_predictions_count_as_empty_if_allowed(files, tmp_path):
    _, (first, _), truth = files
    content = json.loads(first.read_text())
    del content["annotations"][2]
    first.write_text(json.dumps(content))
    models = find_models([first])
    with pytest.raises(UserError, match="image 12 has no prediction"):
        write_report(models, truth, tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()
    write_report(models, truth, tmp_path / "out", OPTIONS._replace(allow_missing=True))
    assert data_of(tmp_path / "out", "report")["models"][0]["results"]["missing_predictions"] == 1
    assert picture_of(tmp_path / "out", 2)["models"][0]["ids"] == []


def test_an_older_report_is_replaced_and_another_folder_is_not(files, report, tmp_path):
    _, predictions, truth = files
    (report / "thumbnails" / "old.jpg").touch()
    write_report(find_models(predictions[:1]), truth, report, OPTIONS)
    assert not (report / "thumbnails" / "old.jpg").exists()
    with pytest.raises(UserError, match="found a folder with other content"):
        write_report(find_models(predictions[:1]), truth, tmp_path / "first", OPTIONS)


def test_photos_that_do_not_fit_are_named(files, tmp_path):
    coco, predictions, truth = files
    models = find_models(predictions[:1])
    photo = coco.images / "3.jpg"
    Image.new("RGB", (20, 10)).save(photo)
    with pytest.raises(UserError, match=r"image 13: the photo 3\.jpg: found .*\(10, 20\)"):
        write_report(models, truth, tmp_path / "out", OPTIONS)
    photo.write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"image 13: the photo 3\.jpg: cannot be read"):
        write_report(models, truth, tmp_path / "out", OPTIONS)
    photo.unlink()
    with pytest.raises(UserError, match=r"3\.jpg: cannot be read.*--images"):
        write_report(models, truth, tmp_path / "out", OPTIONS)
    shutil.rmtree(coco.images)
    with pytest.raises(UserError, match="--images"):
        write_report(models, truth, tmp_path / "out", OPTIONS)


def test_a_photo_that_its_tag_turns_lies_as_the_truth_does(files, tmp_path):
    coco, predictions, truth = files
    upright = np.zeros((36, 48, 3), np.uint8)
    upright[:18, :24] = 255
    exif = Image.Exif()
    exif[274] = 6  # A reader turns it a quarter to the right.
    stored = Image.fromarray(np.rot90(upright).copy())
    stored.save(coco.images / "0.jpg", quality=95, exif=exif)
    write_report(find_models(predictions[:1]), truth, tmp_path / "out", OPTIONS)
    shown = np.asarray(Image.open(tmp_path / "out/pictures/000000.jpg"))
    assert shown.shape == (36, 48, 3)
    assert shown[2:16, 2:20].min() > 200
    assert shown[20:, 26:].max() < 60


def test_an_image_that_the_truth_does_not_list_is_named(files, tmp_path):
    coco, predictions, truth = files
    with coco.edit() as content:
        del content["images"][1]
    with pytest.raises(UserError, match="no file_name of image 11"):
        write_report(find_models(predictions[:1]), truth, tmp_path / "out", OPTIONS)


def test_a_truth_without_a_list_of_images_needs_no_photos(files, tmp_path):
    coco, predictions, _ = files
    with coco.edit() as content:
        del content["images"]
    truth = CocoTruth(coco.annotations, coco.panoptic)
    write_report(find_models(predictions[:1]), truth, tmp_path / "out", OPTIONS)
    assert data_of(tmp_path / "out", "pictures")["name"] == ["10", "11", "12", "13", "14"]
