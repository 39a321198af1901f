"""A report finds predictions in runs, in folders of evaluations and in JSON files."""

from __future__ import annotations

import json

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.evaluation_record import (
    EvaluationRecord,
    read_evaluation_record,
    write_evaluation_record,
)
from maskconver_tf.evaluation.report.model_facts import model_facts
from maskconver_tf.evaluation.report.model_folders import (
    find_models,
    other_thresholds,
    why_evaluate,
)


@pytest.fixture
def run(tmp_path):
    """A run with best weights and predictions."""
    folder = tmp_path / "runs" / "demo"
    (folder / "best").mkdir(parents=True)
    (folder / "config.gin").touch()
    (folder / "best" / "weights-30.index").touch()
    (folder / "best" / "weights-30.data-00000-of-00001").write_bytes(bytes(2_500_000))
    (folder / "predictions.json").write_text("{}")
    write_evaluation_record(folder, EvaluationRecord("/data/val", str(folder), "weights-30"))
    return folder


def test_a_run_names_its_predictions_truth_and_folder(run):
    [model] = find_models([run])
    assert model.name == "demo"
    assert model.predictions == (run / "predictions.json", run / "predictions")
    assert model.record.dataset == "/data/val"
    assert model.run == run
    assert why_evaluate(run, needs_record=True) is None


def test_the_folder_of_an_evaluation_inside_a_run_knows_the_run(run):
    (run / "val").mkdir()
    (run / "val" / "predictions.json").write_text("{}")
    [model] = find_models([run / "val"])
    assert (model.name, model.run, model.record) == ("val", run, None)


def test_the_folder_of_an_evaluation_elsewhere_knows_the_run_from_its_record(run, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "predictions.json").write_text("{}")
    write_evaluation_record(out, EvaluationRecord("/data/val", str(run)))
    assert find_models([out])[0].run == run


def test_a_json_file_has_its_pngs_beside_it(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text("{}")
    [model] = find_models([path])
    assert model.predictions == (path, tmp_path / "mine")
    assert (model.name, model.run) == ("mine", None)


def test_equal_names_get_the_folder_above(tmp_path):
    for name in ("a/model", "b/model"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "predictions.json").write_text("{}")
    models = find_models([tmp_path / "a/model", tmp_path / "b/model"])
    assert [model.name for model in models] == ["a/model", "b/model"]


def test_one_run_twice_gets_numbers(run):
    assert [m.name for m in find_models([run, run])] == ["demo (1)", "demo (2)"]


def test_names_can_be_chosen(run):
    assert [m.name for m in find_models([run, run], ["old", "new"])] == ["old", "new"]
    with pytest.raises(UserError, match="found 1 names for 2 models"):
        find_models([run, run], ["old"])
    with pytest.raises(UserError, match="found new 2 times"):
        find_models([run, run], ["new", "new"])


def test_a_path_without_predictions_says_what_was_found(tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    for path, found in (
        (tmp_path / "absent", "found nothing"),
        (tmp_path, "found a folder without predictions.json"),
        (tmp_path / "run", "only runs of panoptic segmentation have one"),
    ):
        with pytest.raises(UserError, match=found):
            find_models([path])


def test_a_run_is_evaluated_if_its_predictions_are_missing_or_old(run):
    (run / "best" / "weights-30.index").rename(run / "best" / "weights-60.index")
    assert "now weights-60 is best" in why_evaluate(run, needs_record=True)
    (run / "evaluation.json").unlink()
    assert "on which dataset" in why_evaluate(run, needs_record=True)
    assert why_evaluate(run, needs_record=False) is None
    (run / "predictions.json").unlink()
    assert "no predictions" in why_evaluate(run, needs_record=False)


@pytest.mark.parametrize(
    "used, kept, said",
    [
        ({"score_threshold": 0.3}, {"score_threshold": 0.3}, None),
        ({"score_threshold": 0.3}, {"score_threshold": 0.4}, "score_threshold 0.3, now 0.4"),
        ({"class_score_thresholds": {"cat": 0.2}}, {}, "{'cat': 0.2}, now None"),
        (None, {"score_threshold": 0.4}, None),
    ],
)
def test_thresholds_that_were_kept_later_are_told(run, used, kept, said):
    record = EvaluationRecord("/d", str(run), "weights-30", fusion="Fusion", thresholds=used)
    write_evaluation_record(run, record)
    assert other_thresholds(find_models([run])[0]) is None
    content = {"fusion": "Fusion", "settings": kept, "weights": "weights-30"}
    (run / "thresholds.json").write_text(json.dumps(content))
    note = other_thresholds(find_models([run])[0])
    assert note is None if said is None else said in note
    (run / "thresholds.json").write_text(json.dumps(content | {"fusion": "Other"}))
    assert other_thresholds(find_models([run])[0]) is None


def test_a_folder_that_is_no_run_is_never_evaluated(tmp_path):
    assert why_evaluate(tmp_path, needs_record=True) is None


def test_the_record_comes_back(tmp_path):
    record = EvaluationRecord("/d", "/m", "w", 12, (64, 96), 3.5, "GPU")
    write_evaluation_record(tmp_path, record)
    assert read_evaluation_record(tmp_path) == record


@pytest.mark.parametrize("content", ["[]", '{"dataset": 3}', "3"])
def test_a_damaged_record_says_what_to_do(tmp_path, content):
    (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(UserError, match="expected the path of a dataset folder"):
        read_evaluation_record(tmp_path)


def test_a_record_of_a_newer_version_is_read(tmp_path):
    (tmp_path / "evaluation.json").write_text('{"dataset": "/d", "later": 1}')
    assert read_evaluation_record(tmp_path) == EvaluationRecord("/d")


def test_facts_tell_size_and_speed(run):
    thresholds = {"score_threshold": 0.4, "by_class": {"cat": 0.2}, "min_area": None}
    record = EvaluationRecord(
        "/d", str(run), "weights-30", 1_234_567, (64, 96), 40.4, "CPU", "Fusion", thresholds
    )
    write_evaluation_record(run, record)
    (run / "run.json").write_text(json.dumps({"devices": ["/device:CPU:0"], "command": "train"}))
    curves = {"steps_per_second": {"steps": [10, 20, 30], "values": [1.0, 9.0, 2.5]}}
    [model] = find_models([run])
    facts = {fact["name"]: fact["value"] for fact in model_facts(model, curves)}
    assert facts["parameters"] == "1,234,567"
    assert facts["input size"] == "64 x 96"
    assert facts["speed of the evaluation"].startswith("40 ms a picture")
    assert facts["thresholds"] == "score_threshold 0.4, by_class for cat"
    assert facts["size of the weights"] == "2.5 MB on disk"
    assert facts["steps of the training"] == "30"
    assert facts["speed of the training"] == "2.50 steps a second (median)"
    assert facts["devices of the training"] == "/device:CPU:0"


def test_unknown_facts_are_left_out(tmp_path):
    path = tmp_path / "p.json"
    path.write_text("{}")
    assert model_facts(find_models([path])[0], {}) == []
