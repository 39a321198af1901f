"""Large pictures in windows: `evaluate --tile` and `predict --tile` on a trained model."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.cli.main import main

LOW_THRESHOLD = ["--score_threshold", "0.02"]


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory):
    """Results of `evaluate --tile` with windows smaller than the scenes."""
    out = tmp_path_factory.mktemp("tiles") / "evaluated"
    options = ["--model", str(trained), "--tile", "100,150", "--overlap", "32", *LOW_THRESHOLD]
    assert main(["evaluate", *options, "--out", str(out)]) == 0
    return out


def test_evaluate_scores_what_predict_writes_with_the_same_tiles(
    trained, scenes, evaluated, tmp_path
):
    options = ["--model", str(trained), "--tile", "100,150", "--overlap", "32", *LOW_THRESHOLD]
    truth = scenes / "panoptic_train.json"
    pictures = str(scenes / "images/train")
    files = ["--format", "coco", "--image_ids", str(truth), "--out", str(tmp_path / "predicted")]
    assert main(["predict", *options, pictures, *files]) == 0
    arguments = ["--truth", str(truth), "--truth_png", str(scenes / "panoptic/train")]
    arguments += ["--pred", str(tmp_path / "predicted/predictions.json")]
    arguments += ["--pred_png", str(tmp_path / "predicted/predictions")]
    assert main(["score", *arguments, "--out", str(tmp_path / "scored")]) == 0
    scored = json.loads((tmp_path / "scored/results.json").read_text())
    results = json.loads((evaluated / "results.json").read_text())
    assert results["all"]["pq"] > 0
    for group in ("all", "things", "stuff"):
        for name in ("pq", "sq", "rq"):
            assert results[group][name] == scored[group][name]


def test_tiles_change_the_predictions_of_pictures_larger_than_a_window(
    trained, evaluated, tmp_path
):
    options = ["--model", str(trained), "--out", str(tmp_path), *LOW_THRESHOLD]
    assert main(["evaluate", *options]) == 0
    [one, other] = [
        sorted((folder / "predictions").glob("*.png")) for folder in (evaluated, tmp_path)
    ]
    assert [path.name for path in one] == [path.name for path in other]
    pairs = [(Image.open(a), Image.open(b)) for a, b in zip(one, other, strict=True)]
    assert all(a.size == b.size for a, b in pairs)
    assert not all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)


def test_windows_that_hold_the_whole_picture_change_nothing(trained, tmp_path):
    options = ["evaluate", "--model", str(trained), *LOW_THRESHOLD]
    # Windows are predicted one by one. Some processors round batches of several pictures otherwise.
    alone = "--gin.EvaluationInput.batch_size=1"
    assert main([*options, "--out", str(tmp_path / "whole"), alone]) == 0
    assert main([*options, "--out", str(tmp_path / "tiles"), "--tile", "600"]) == 0
    one, other = (
        json.loads((tmp_path / n / "results.json").read_text()) for n in ("whole", "tiles")
    )
    assert one == other


def test_auto_takes_the_scale_of_the_training(trained, tmp_path, capsys):
    options = ["evaluate", "--model", str(trained), "--out", str(tmp_path), "--tile", "auto"]
    assert main(options) == 0
    assert "pixels, of the training's scale; they overlap by" in capsys.readouterr().err
    with Image.open(tmp_path / "overview.png") as overview:
        assert overview.width < 3 * 700
