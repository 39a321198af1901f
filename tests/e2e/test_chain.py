"""The paper's chain on tiny data: classification, then semantic, then panoptic segmentation. Each
stage starts from the weights of the one before."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.cli.main import main
from maskconver_tf.config import configuration
from maskconver_tf.models.variable_names import named_variables
from maskconver_tf.planning.preflight.step_program import StepProgram
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.train import train

HERE = Path(__file__).parent
GIN_FILES = {
    stage: HERE / name
    for stage, name in (
        ("classification", "tiny_classification.gin"),
        ("semantic", "tiny_semantic.gin"),
        ("panoptic", "tiny.gin"),
    )
}


@pytest.fixture(scope="module")
def data(labelled, dataset) -> dict[str, Path]:
    return {"classification": labelled, "semantic": dataset, "panoptic": dataset}


def bindings(folder: Path) -> list[str]:
    return [f"{name}_DATA='{folder}'" for name in ("TRAIN", "EVAL")]


@pytest.fixture(scope="module")
def chain(data, tmp_path_factory, request) -> dict[str, tuple[Path, str]]:
    """Stage -> the run's folder and the output of its training."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    root, runs, before = tmp_path_factory.mktemp("chain"), {}, None
    for stage, steps in (("classification", 20), ("semantic", 100), ("panoptic", 1)):
        arguments = ["train", "--gin_file", str(GIN_FILES[stage])]
        arguments += ["--model_dir", str(root / stage), f"--gin.RunLength.total_steps={steps}"]
        arguments += [f"--gin.{binding}" for binding in bindings(data[stage])]
        arguments += ["--init_from", str(before)] if before else []
        # Other tests check its score.
        arguments += ["--gin.PanopticTask.eval_input=None"] if stage == "panoptic" else []
        assert main(arguments) == 0
        output = "".join(capture.read_global_capture())
        runs[stage], before = (root / stage, output), root / stage
    return runs


def weights(run: Path) -> dict[str, np.ndarray]:
    """The weights of the run's best evaluation, by the names of `named_variables`."""
    reader = tf.train.load_checkpoint(RunFolder(run).best_or_newest_checkpoint())
    keys = [key for key in reader.get_variable_to_shape_map() if key.startswith("model/")]
    return {key[len("model/") :].partition("/.ATTR")[0]: reader.get_tensor(key) for key in keys}


@pytest.mark.parametrize(
    ("earlier", "later", "left_behind"),
    [
        ("classification", "semantic", {"classes", "norm"}),
        ("semantic", "panoptic", {"class_embeddings"}),
    ],
)
def test_a_stage_starts_from_the_trunk_of_the_one_before(
    chain, data, tmp_path, earlier, later, left_behind
):
    left = weights(chain[earlier][0])
    configuration.load([GIN_FILES[later]], bindings(data[later]))
    task = configuration.arguments_of(train, supplied=["model_dir", "on_built"])["task"]
    folder = RunFolder(tmp_path / "run")
    begun = named_variables(task.network(folder, init_from=str(chain[earlier][0])))
    carried = [name for name in begun if name in left]
    assert {name.split("/")[0] for name in left.keys() - set(carried)} == left_behind
    for name in carried:
        np.testing.assert_array_equal(begun[name].numpy(), left[name], err_msg=name)
    for part in ("backbone", "pixel_decoder"):
        assert {name for name in begun if name.startswith(part)} <= set(carried)
    output = chain[later][1]
    assert f"init_from {chain[earlier][0]}" in output
    assert int(re.search(r"loaded: (\d+) of \d+ weights", output)[1]) == len(carried)


@pytest.mark.parametrize(
    ("stage", "metric", "least"), [("classification", "top-1", 80), ("semantic", "mIoU", 20)]
)
def test_a_stage_learns_and_says_so(chain, stage, metric, least):
    """A model that predicts one class for everything has top-1 33 and mIoU below 10."""
    run, output = chain[stage]
    found = float(re.search(rf"{metric} all ([\d.]+)", output)[1])
    assert found > least
    score = json.loads((run / "best" / "score.json").read_text())
    assert max(score.values()) >= found - 0.1
    events = b"".join(path.read_bytes() for path in (run / "summaries").glob("events*"))
    for tag in (b"gradient_norm", b"operative_config", b"learning_rate"):
        assert tag in events


def test_each_stage_is_evaluated_by_the_same_command(chain, tmp_path, capsys):
    run = chain["classification"][0]
    assert main(["evaluate", "--model", str(run), "--out", str(tmp_path / "a")]) == 0
    results = json.loads((tmp_path / "a/results.json").read_text())
    assert results["all"]["top_1"] > 80
    assert results["all"]["top_5"] == 100
    assert "top_1" in capsys.readouterr().out

    run = chain["semantic"][0]
    results = []
    for strategy in ("cpu", "mirrored"):
        out = tmp_path / strategy
        command = ["evaluate", "--model", str(run), "--out", str(out)]
        assert main([*command, f"--gin.Compute.strategy='{strategy}'"]) == 0
        results.append(json.loads((out / "results.json").read_text()))
        assert (out / "overview.png").is_file()
    assert results[0]["all"]["miou"] == pytest.approx(results[1]["all"]["miou"], abs=1e-3)
    assert {"things", "stuff", "per_class"} <= results[0].keys()


def test_commands_for_segments_refuse_other_tasks(chain, data, tmp_path, capsys):
    command = ["data", "show", "--gin_file", str(GIN_FILES["semantic"])]
    assert main([*command, "--out", str(tmp_path / "sheet.png")]) == 2
    assert "this configuration trains semantic segmentation; " in capsys.readouterr().err
    picture = str(next(data["classification"].glob("val/*/*.JPEG")))
    for command in (
        ["export", "--out", str(tmp_path)],
        ["predict", picture, "--out", str(tmp_path)],
    ):
        assert main([*command, "--model", str(chain["classification"][0])]) == 2
        message = capsys.readouterr().err
        assert "this is a run of classification, but a run of panoptic segmentation" in message
        assert "--init_from" in message
    command = ["evaluate", "--model", str(chain["semantic"][0]), "--out", str(tmp_path)]
    assert main([*command, "--data", str(tmp_path / "nowhere")]) == 2
    assert "nowhere: found nothing, expected a dataset folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stage", "kind"),
    [("classification", "classification"), ("semantic", "semantic segmentation")],
)
def test_windows_are_refused_for_other_tasks_before_anything_is_scored(
    chain, tmp_path, capsys, stage, kind
):
    command = ["evaluate", "--model", str(chain[stage][0]), "--out", str(tmp_path)]
    assert main([*command, "--tile", "auto"]) == 2
    message = capsys.readouterr().err
    assert f"--tile: this is a run of {kind}, " in message
    assert "of panoptic segmentation" in message and "remove the option" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stage", ["classification", "semantic"])
def test_the_step_of_a_stage_lowers_to_xla(stage):
    configuration.load([GIN_FILES[stage]])
    arguments = configuration.arguments_of(train, supplied=["model_dir", "on_built"])
    program = StepProgram(arguments, num_classes=3)
    assert len(program.hlo(2)) > 10_000
