"""`maskconver report`: what it makes of its arguments, and what it says about wrong ones."""

from __future__ import annotations

import json

import pytest

from maskconver_tf.cli.main import main
from maskconver_tf.evaluation.evaluation_record import EvaluationRecord, write_evaluation_record
from tests.unit.evaluation.report.perturbed import write_perturbed


@pytest.fixture
def coco(make_coco_folder):
    return make_coco_folder(2)


@pytest.fixture
def predictions(coco, tmp_path):
    return write_perturbed(coco.annotations, coco.panoptic, tmp_path / "model")


def report(*arguments, out) -> int:
    return main(["report", *map(str, arguments), "--out", str(out), "--workers", "1"])


def error_of(capsys, *arguments, out) -> str:
    assert report(*arguments, out=out) == 2
    assert not out.exists()
    return capsys.readouterr().err.splitlines()[-1]


def test_files_of_any_program(coco, predictions, tmp_path, capsys):
    truth = ["--truth", coco.annotations, "--truth_png", coco.panoptic, "--images", coco.images]
    assert report(predictions, *truth, out=tmp_path / "out") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("predictions: PQ ")
    assert printed[1] == f"{tmp_path}/out/index.html: 2 pictures; open it in a browser"
    assert (tmp_path / "out/index.html").is_file()


def test_the_pngs_of_the_truth_lie_beside_its_json_by_default(coco, predictions, tmp_path):
    # make_coco_folder writes panoptic.json beside the folder panoptic.
    assert report(predictions, "--truth", coco.annotations, out=tmp_path / "out") == 0


def test_the_truth_of_an_evaluation_is_its_dataset(coco, predictions, tmp_path, capsys):
    folder = predictions.parent
    message = error_of(capsys, folder, out=tmp_path / "out")
    assert "found no evaluation.json beside it" in message and "--data" in message
    write_evaluation_record(folder, EvaluationRecord(str(tmp_path / "gone")))
    message = error_of(capsys, folder, out=tmp_path / "out")
    assert f"{tmp_path}/gone: found nothing, expected a dataset folder" in message


def test_models_of_two_datasets_are_refused(coco, predictions, tmp_path, capsys):
    other = write_perturbed(coco.annotations, coco.panoptic, tmp_path / "other", seed=1)
    write_evaluation_record(predictions.parent, EvaluationRecord("/data/a"))
    write_evaluation_record(other.parent, EvaluationRecord("/data/b"))
    message = error_of(capsys, predictions.parent, other.parent, out=tmp_path / "out")
    assert "model was evaluated on /data/a, but other on /data/b" in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--truth", "t.json", "--data", "d"], "--data d and --truth t.json: found two truths"),
        (["--images", "photos"], "--images photos: found no --truth"),
        (["--truth_png", "maps"], "--truth_png maps: found no --truth"),
        (["--truth", "absent.json"], "--truth absent.json: found nothing; expected a COCO"),
        (["--truth", "."], "--truth .: found a folder; expected a COCO panoptic JSON file"),
        (["--names", "a", "b"], "--names: found 2 names for 1 models"),
        (["--side", "0"], "--side 0: expected a whole number"),
        (["--image", "photos"], "unknown argument --image; did you mean '--images'?"),
    ],
)
def test_wrong_arguments_are_explained(predictions, tmp_path, capsys, arguments, expected):
    assert expected in error_of(capsys, predictions, *arguments, out=tmp_path / "out")


def test_a_path_without_predictions(tmp_path, capsys):
    message = error_of(capsys, tmp_path / "absent", "--data", "d", out=tmp_path / "out")
    assert "absent: found nothing; expected a run or predictions" in message


def test_another_folder_is_never_replaced(coco, predictions, capsys):
    truth = ["--truth", coco.annotations]
    assert report(predictions, *truth, out=coco.images) == 2
    assert "found a folder with other content" in capsys.readouterr().err
    assert (coco.images / "0.jpg").is_file()
    assert report(predictions.parent, *truth, out=predictions.parent) == 2
    assert "found what is reported" in capsys.readouterr().err


def test_a_run_without_predictions_is_not_evaluated_for_another_truth(coco, tmp_path, capsys):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.gin").touch()
    message = error_of(capsys, run, "--truth", coco.annotations, out=tmp_path / "out")
    assert "it has no predictions" in message and "maskconver evaluate --model" in message


def test_names_and_title_are_on_the_page(coco, predictions, tmp_path):
    out = tmp_path / "out"
    names = ["--names", "mine", "--title", "Two pictures"]
    assert report(predictions, "--truth", coco.annotations, *names, out=out) == 0
    text = (out / "data/report.js").read_text()
    content = json.loads(text[text.index("REPORT.report=") + len("REPORT.report=") : -2])
    assert content["title"] == "Two pictures"
    assert [model["name"] for model in content["models"]] == ["mine"]


def test_a_run_without_predictions_is_evaluated_first(tmp_path, calls, capsys):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.gin").touch()
    made = calls("config.roots", "evaluate_run")
    report(run, out=tmp_path / "out")
    report(run, "--data", "d", out=tmp_path / "out")
    assert made == [((str(run), None, str(run)), {}), ((str(run), "d", str(run)), {})]
    assert f"{run}: it has no predictions, so it is evaluated first" in capsys.readouterr().out
