"""Curves travel: `evaluate --recalibrate` keeps them, all predictions and exports apply them."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import maskconver_tf
from maskconver_tf.cli.main import main
from maskconver_tf.config import roots
from maskconver_tf.config.thresholds import kept_curves
from maskconver_tf.evaluation.lost_quality.recalibration import Curve, Recalibration
from maskconver_tf.export.saved_model import export_saved_model
from maskconver_tf.inference import signatures
from maskconver_tf.serving.versions.load_version import load_model_version


@pytest.fixture(scope="module")
def run(trained, tmp_path_factory):
    """A copy of the trained run, for curves."""
    return shutil.copytree(trained, tmp_path_factory.mktemp("curves") / "run")


@pytest.fixture
def by_number(monkeypatch):
    """Pictures with an even id fit the curves: 8 pictures are too few for a hash.

    They are also too few for a gain, so the error before is told as 100 %.
    """
    monkeypatch.setattr(kept_curves, "fits", _is_even)
    monkeypatch.setattr("maskconver_tf.evaluation.scoring.loss_results.fits", _is_even)
    real = kept_curves.fit_and_test

    def with_gain(*arguments):
        found, tested = real(*arguments)
        return found, tested | {"ece_before": 100.0}

    monkeypatch.setattr(kept_curves, "fit_and_test", with_gain)


def _is_even(image_id: int) -> bool:
    return image_id % 2 == 0


def evaluate(run, out, *options) -> dict:
    assert main(["evaluate", "--model", str(run), "--out", str(out), *options]) == 0
    return json.loads((out / "predictions.json").read_text())


def scores_of(predictions: dict) -> list[float]:
    return [s["score"] for a in predictions["annotations"] for s in a["segments_info"]]


@pytest.fixture
def picture(scenes) -> np.ndarray:
    path = min((scenes / "images/train").iterdir())
    return np.asarray(Image.open(path).convert("RGB"))


def test_an_evaluation_fits_the_curves_of_a_scoring_and_uses_them_afterwards(
    run, scenes, by_number, tmp_path, capsys
):
    raw = evaluate(run, tmp_path / "raw", "--recalibrate", "--score_threshold", "0.1")
    printed = capsys.readouterr().out
    assert "expected calibration error on the other" in printed
    assert f"{run}/score_curves.json: curves kept" in printed
    truth = ["--truth", str(scenes / "panoptic_train.json")]
    truth += ["--truth_png", str(scenes / "panoptic/train"), "--workers", "1"]
    assert (
        main(
            ["score", *truth, "--pred", str(tmp_path / "raw/predictions.json")]
            + ["--out", str(tmp_path / "scores")]
        )
        == 0
    )
    kept = Recalibration.load(run / "score_curves.json")
    assert kept == Recalibration.load(tmp_path / "scores/recalibration.json")
    content = json.loads((run / "score_curves.json").read_text())
    expected = json.loads((tmp_path / "scores/results.json").read_text())
    tested = expected["calibration"]["recalibration"] | {"ece_before": 100.0}
    assert content["origin"].items() >= tested.items()
    capsys.readouterr()
    after = evaluate(run, tmp_path / "after", "--score_threshold", "0.1")
    assert f"scores: recalibrated ({run}/score_curves.json)" in capsys.readouterr().err
    names = {c["id"]: c["name"] for c in after["categories"]}
    classes = [names[s["category_id"]] for a in after["annotations"] for s in a["segments_info"]]
    shown = scores_of(after)
    np.testing.assert_allclose(shown, kept.apply(scores_of(raw), classes), atol=1e-6)
    for each in (raw, after):
        for annotation in each["annotations"]:
            for segment in annotation["segments_info"]:
                del segment["score"]
    assert after == raw
    again = evaluate(run, tmp_path / "again", "--recalibrate", "--score_threshold", "0.1")
    assert Recalibration.load(run / "score_curves.json") == kept
    assert scores_of(again) != shown


CURVES = Recalibration({}, Curve((0.0, 1.0), (0.25, 0.5)))


def test_curves_of_other_weights_or_settings_are_noted(trained, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    content = CURVES.to_json()
    (run / "score_curves.json").write_text(json.dumps(content | {"weights": "weights-1"}))
    roots.load_run(str(run))
    assert "fitted for weights-1, but the run predicts with weights-" in capsys.readouterr().err
    (run / "score_curves.json").write_text(json.dumps(content | {"settings": {"min_area": 3}}))
    roots.load_run(str(run), [], {"min_area": 5})
    assert "for min_area 3, but the run predicts with min_area 5" in capsys.readouterr().err


def test_all_forms_of_an_export_answer_with_recalibrated_scores(
    trained, scenes, picture, tmp_path, capsys
):
    run = shutil.copytree(trained, tmp_path / "run")
    before = maskconver_tf.load(run)(picture)
    CURVES.save(run / "score_curves.json")
    expected = maskconver_tf.load(run)(picture)
    np.testing.assert_array_equal(expected.panoptic_map, before.panoptic_map)
    old = np.array([segment.score for segment in before.segments])
    new = [segment.score for segment in expected.segments]
    np.testing.assert_allclose(new, 0.25 + 0.25 * old, atol=1e-6)
    version = export_saved_model(roots.load_run(str(run)), str(tmp_path / "exported"))
    found = maskconver_tf.load(version)(picture)
    np.testing.assert_array_equal(found.panoptic_map, expected.panoptic_map)
    np.testing.assert_allclose([s.score for s in found.segments], new, atol=1e-5)
    served = load_model_version(version, 1)
    assert served.recalibration == CURVES
    encoded = tf.io.encode_png(picture).numpy()
    answer = served.run(
        signatures.SERVING_DEFAULT, {signatures.ENCODED_IMAGES: np.array([encoded], object)}
    )
    count = answer[signatures.NUM_SEGMENTS][0]
    np.testing.assert_allclose(answer[signatures.SCORES][0][:count], new, atol=1e-5)
    assert not answer[signatures.SCORES][0][count:].any()
    capsys.readouterr()
    exports = ["--exports", str(tmp_path / "exported")]
    pictures = ["--images", *map(str, sorted((scenes / "images/train").iterdir())[:2])]
    for model, differs in ((run, False), (trained, True)):
        assert main(["parity", "--model", str(model), *exports, *pictures]) == 0
        row = capsys.readouterr().out.splitlines()[-1].split()
        assert row[-7:-5] == ["100.000", "%"]
        assert (float(row[-2]) > 0.1) is differs


def test_too_few_predictions_keep_nothing(trained, monkeypatch, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    monkeypatch.setattr(kept_curves, "fits", lambda image_id: True)
    evaluate(run, tmp_path / "out", "--recalibrate")
    assert "too few predictions that count" in capsys.readouterr().out
    assert not (run / "score_curves.json").exists()
