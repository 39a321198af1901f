"""A choice of thresholds travels: `tune` and `evaluate --keep` write it, all predictions use it."""

import json
import shutil

import numpy as np
import pytest

import maskconver_tf
from maskconver_tf.cli.main import main
from maskconver_tf.config import roots
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.results import results_dict
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training.tuning.kept_picture import KeptPicture
from maskconver_tf.training.tuning.sweep import Sweep
from maskconver_tf.training.tuning.swept_picture import SweptPicture


@pytest.fixture(scope="module")
def run(trained, tmp_path_factory):
    """A copy of the trained run, for choices."""
    return shutil.copytree(trained, tmp_path_factory.mktemp("choices") / "run")


@pytest.fixture(scope="module")
def tuned(run, tmp_path_factory):
    """The folder of the results; the run keeps the choice."""
    out = tmp_path_factory.mktemp("tuning")
    argv = ["tune", "--model", str(run), "--out", str(out), "--keep", "always", "--min_area", "9"]
    assert main([*argv, "--thresholds_only"]) == 0
    return out


def kept_settings(run) -> dict:
    return json.loads((run / "thresholds.json").read_text())["settings"]


def test_a_swept_score_is_that_of_an_evaluation_in_every_digit(tuned, run, tmp_path, capsys):
    assert main(["evaluate", "--model", str(run), "--out", str(tmp_path)]) == 0
    assert f"({run}/thresholds.json)" in capsys.readouterr().err
    after = json.loads((tuned / "tune.json").read_text())["after"]
    fusion = PanopticFusion(**after)
    segmenter = roots.load_run(str(run))
    assert segmenter.fusion == fusion
    categories, stride = segmenter.categories, 2**segmenter.model.mask_level
    files = sorted((tuned / "proposals").glob("*.npz"))
    pictures = [
        SweptPicture(lambda f=file: KeptPicture.load(f), categories.is_thing, stride)
        for file in files
    ]
    result = Sweep(pictures, categories.is_thing).result(fusion)
    expected = json.loads((tmp_path / "results.json").read_text())
    swept = json.loads(json.dumps(results_dict(result, categories)))
    assert swept["all"]["pq"] > 0
    for group in ("all", "things", "stuff"):
        assert swept[group].items() <= expected[group].items()
    for name, scores in swept["per_class"].items():
        assert scores.items() <= expected["per_class"][name].items()


def test_tune_writes_a_table_and_a_picture_and_uses_its_proposals_again(tuned, run, capsys):
    found = json.loads((tuned / "tune.json").read_text())
    assert found["before"]["min_area"] == 9
    assert found["chosen_on"]["after"] >= found["chosen_on"]["before"]
    assert found["chosen_on"]["num_pictures"] == found["held_out"]["num_pictures"] == 4
    assert found["proposals"]["dtype"] == "float32"
    rows = (tuned / "tune.csv").read_text().splitlines()
    assert rows[0] == "setting,value,pq_chosen_on,pq_held_out"
    assert any(row.startswith("min_area,9,") for row in rows)
    assert (tuned / "tune.png").stat().st_size > 10_000
    before = (tuned / "proposals" / "000000.npz").stat().st_mtime_ns
    kept = (run / "thresholds.json").read_bytes()
    argv = ["tune", "--model", str(run), "--out", str(tuned), "--keep", "never"]
    assert main([*argv, "--no_classes", "--thresholds_only"]) == 0
    assert "The run keeps its thresholds as they are" in capsys.readouterr().out
    assert (run / "thresholds.json").read_bytes() == kept
    assert (tuned / "proposals" / "000000.npz").stat().st_mtime_ns == before


def test_options_come_before_gin_before_the_choice_before_the_run(trained, run, tuned, capsys):
    kept, own = kept_settings(run), roots.load_run(str(trained)).fusion
    gin = ["PanopticFusion.overlap_threshold=0.11", "PanopticFusion.min_area=5"]
    capsys.readouterr()
    fusion = roots.load_run(str(run), gin, {"min_area": 7}).fusion
    assert (fusion.overlap_threshold, fusion.min_area) == (0.11, 7)
    assert fusion.score_threshold == kept["score_threshold"]
    assert fusion.stuff_score_threshold == kept["stuff_score_threshold"]
    assert fusion.runner_up == own.runner_up
    printed = capsys.readouterr().err
    assert "min_area 7 (--min_area 7)" in printed
    assert "overlap_threshold 0.11 (--gin.PanopticFusion.overlap_threshold=0.11)" in printed


def test_a_macro_of_the_command_line_comes_before_the_choice(run, tuned, tmp_path):
    other = shutil.copytree(run, tmp_path / "run")
    lines = (other / "config.gin").read_text().splitlines()
    lines[-1:-1] = ["LEAST = 100", "panoptic_fusion.PanopticFusion.min_area = %LEAST"]
    lines = [line for line in lines if "min_area" not in line or "%LEAST" in line]
    (other / "config.gin").write_text("\n".join(lines) + "\n")
    kept = kept_settings(run)["min_area"]
    assert roots.load_run(str(other)).fusion.min_area == kept
    assert roots.load_run(str(other), ["LEAST=77"]).fusion.min_area == 77


@pytest.mark.parametrize("by_gin", [True, False])
def test_a_new_score_threshold_cancels_kept_ones_of_stuff_and_classes(run, tuned, by_gin):
    assert kept_settings(run)["stuff_score_threshold"] is not None
    gin = ["PanopticFusion.score_threshold=0.6"] if by_gin else []
    fusion = roots.load_run(str(run), gin, {} if by_gin else {"score_threshold": 0.6}).fusion
    assert fusion.score_threshold == 0.6
    assert fusion.stuff_score_threshold is None
    assert fusion.class_score_thresholds == ()
    assert fusion.overlap_threshold == kept_settings(run)["overlap_threshold"]


@pytest.mark.parametrize("by_gin", [True, False])
def test_new_thresholds_cancel_those_of_stuff_in_the_run_and_gin_names_them(
    trained, tmp_path, by_gin
):
    run = shutil.copytree(trained, tmp_path / "run")
    own = {"stuff_score_threshold": 0.01, "stuff_overlap_threshold": 0.02}
    lines = (run / "config.gin").read_text().splitlines()
    lines[-1:-1] = [f"panoptic_fusion.PanopticFusion.{name} = {own[name]}" for name in own]
    (run / "config.gin").write_text("\n".join(lines) + "\n")
    fusion = roots.load_run(str(run)).fusion
    assert {name: getattr(fusion, name) for name in own} == own
    gin = [f"PanopticFusion.{name}=0.4" for name in ("score_threshold", "overlap_threshold")]
    options = {} if by_gin else {"score_threshold": 0.4, "overlap_threshold": 0.4}
    fusion = roots.load_run(str(run), gin if by_gin else [], options).fusion
    assert (fusion.score_threshold, fusion.stuff_score_threshold) == (0.4, None)
    assert (fusion.overlap_threshold, fusion.stuff_overlap_threshold) == (0.4, None)
    gin += ["PanopticFusion.stuff_overlap_threshold=0.1"]
    fusion = roots.load_run(str(run), gin, options).fusion
    assert (fusion.stuff_score_threshold, fusion.stuff_overlap_threshold) == (None, 0.1)


@pytest.mark.parametrize("by_gin", [True, False])
def test_a_new_overlap_threshold_cancels_the_kept_one_of_stuff(run, tuned, by_gin):
    assert kept_settings(run)["stuff_overlap_threshold"] is not None
    gin = ["PanopticFusion.overlap_threshold=0.4"] if by_gin else []
    fusion = roots.load_run(str(run), gin, {} if by_gin else {"overlap_threshold": 0.4}).fusion
    assert (fusion.overlap_threshold, fusion.stuff_overlap_threshold) == (0.4, None)
    assert fusion.stuff_score_threshold == kept_settings(run)["stuff_score_threshold"]


def test_evaluate_keeps_its_thresholds_for_predictions(trained, dataset, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    argv = ["evaluate", "--model", str(run), "--out", str(tmp_path / "out"), "--keep"]
    assert main([*argv, "--score_threshold", "0.05", "--overlap_threshold", "0.3"]) == 0
    assert f"{run}/thresholds.json: thresholds kept" in capsys.readouterr().out
    content = json.loads((run / "thresholds.json").read_text())
    assert content["origin"]["scores"]["pq"] > 0
    assert content["weights"].startswith("weights-")
    image = np.random.default_rng(0).integers(0, 255, [64, 96, 3], np.uint8)
    kept = maskconver_tf.load(run)(image)
    given = maskconver_tf.load(trained, score_threshold=0.05, overlap_threshold=0.3)(image)
    np.testing.assert_array_equal(kept.panoptic_map, given.panoptic_map)
    content["weights"] = "weights-1"
    (run / "thresholds.json").write_text(json.dumps(content))
    maskconver_tf.load(run)
    assert "chosen for weights-1, but the run predicts with weights-" in capsys.readouterr().err
    (run / "thresholds.json").write_text("{")
    with pytest.raises(UserError, match="is not valid JSON .* Delete the file"):
        maskconver_tf.load(run)


def test_a_choice_for_another_fusion_is_not_used(trained, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    content = {"fusion": "PanopticGrouping", "settings": {"window": 3}, "weights": ""}
    (run / "thresholds.json").write_text(json.dumps(content))
    assert roots.load_run(str(run)).fusion == roots.load_run(str(trained)).fusion
    assert "not used; it is for PanopticGrouping, not PanopticFusion" in capsys.readouterr().err


@pytest.mark.parametrize("given", [{"score_threshold": 2}, {"min_area": 1.5}, {"min_area": -1}])
def test_python_checks_thresholds(trained, given):
    with pytest.raises(UserError, match=rf"{next(iter(given))} = .*: expected a"):
        maskconver_tf.load(trained, **given)
