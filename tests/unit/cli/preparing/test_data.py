"""`maskconver data` with stand-ins for what it calls."""

from __future__ import annotations

import dataclasses

import pytest

from maskconver_tf.cli.main import main
from maskconver_tf.datasets.sources import options
from maskconver_tf.errors import UserError
from maskconver_tf.planning.dataset_check.advice.settings_advice import TrainingView


def test_synth(calls, capsys):
    made = calls("datasets.synthetic.toy_scenes", "write_toy_scenes", result=True)
    assert main(["data", "synth", "--out", "d", "--num_val", "5", "--seed", "7"]) == 0
    assert made == [(("d", 1000, 5, 7, None), {"kind": "scenes"})]
    assert capsys.readouterr().out == "d: written\n"


# ---- build ---------------------------------------------------------------------------------------
def test_build_prints_what_it_did(calls, capsys):
    made = calls("datasets.build.build", "build_named_source", result="3 pictures")
    argv = ["data", "build", "--images", "i", "--panoptic", "p", "--annotations", "a.json"]
    assert main([*argv, "--out", "o", "--skip-bad", "--num-shards=4"]) == 0
    expected = {"num_shards": 4, "workers": None, "skip_bad": True, "overwrite": False}
    [((source, given, out), keywords)] = made
    assert (source, out, keywords) == ("coco_panoptic", "o", expected)
    where = {name: value for name, value in given.items() if value is not None}
    assert where == {"images": "i", "panoptic": "p", "annotations": "a.json"}
    assert capsys.readouterr().out == "3 pictures\n"


def test_build_on_beam_has_its_options(calls, capsys, error_of):
    made = calls("datasets.build.beam_build", "build_on_beam", result="on Beam")
    argv = ["data", "build", "--source=ade20k", "--root=r", "--split=s", "--out=o"]
    assert main([*argv, "--runner"]) == 0
    flink = ["--runner=FlinkRunner", "--pipeline-option", "flink_master=h:1", "--workers=3"]
    assert main([*argv, *flink]) == 0
    runners = [tuple(given[3:]) for given, _ in made]
    assert runners == [("DirectRunner", []), ("FlinkRunner", ["flink_master=h:1"])]
    assert [keywords["workers"] for _, keywords in made] == [None, 3]
    capsys.readouterr()
    message = error_of(*argv, "--pipeline_option", "a=b")
    assert message == "--pipeline_option: Apache Beam reads this option; give --runner as well"


def test_build_teaches_every_source(help_of):
    text = help_of("data", "build")
    for name, spec in options.SOURCES.items():
        part = text.partition(f"\n  {name}: ")[2]
        for option in spec.required + spec.optional:
            assert f"--{option} " in part


# ---- check ---------------------------------------------------------------------------------------
@dataclasses.dataclass
class Report:
    """A stand-in for the report of a check."""

    problems: list[str]

    def __str__(self) -> str:
        return "the report"


@pytest.mark.parametrize(
    ("num_problems", "options", "status"),
    [
        (0, [], 0),
        (3, [], 1),
        (3, ["--exit_zero"], 0),
        (3, ["--exit-zero"], 0),
        (0, ["--exit_zero"], 0),
    ],
)
def test_check_ends_with_1_for_problems_unless_told_not_to(
    calls, capsys, num_problems, options, status
):
    result = Report(["problem"] * num_problems)
    calls("planning.dataset_check.check_dataset", "check_dataset", result=result)
    assert main(["data", "check", "d", *options]) == status
    assert capsys.readouterr().out == "the report\n"


@pytest.mark.parametrize("options", [[], ["--exit_zero"]])
def test_check_ends_with_2_for_an_error_in_the_command(calls, error_of, options):
    calls(
        "planning.dataset_check.check_dataset",
        "check_dataset",
        result=UserError("d: found nothing"),
    )
    assert error_of("data", "check", "d", *options) == "d: found nothing"


def test_check_documents_its_exit_status(help_of):
    text = help_of("data", "check")
    assert "exit status: 0 for no problems, 1 for problems (0 with --exit_zero), 2 for" in text


def test_check_passes_on_what_it_is_given(calls):
    result = Report([])
    made = calls("planning.dataset_check.check_dataset", "check_dataset", result=result)
    argv = ["--source=ade20k", "--root", "r", "--split=a", "--val-split", "b", "--out", "o"]
    sizes = ["--input_size", "640,640", "--input-size=32,96"]
    assert main(["data", "check", *argv, *sizes, "--num_slots", "9", "--workers=2"]) == 0
    [((folder, val, source, given, val_given, out), keywords)] = made
    assert (folder, val, source, out) == (None, None, "ade20k", "o")
    assert {k: v for k, v in given.items() if v} == {"root": "r", "split": "a"}
    assert {k: v for k, v in val_given.items() if v} == {"split": "b"}
    assert keywords.pop("make_fusion")
    assert keywords.pop("view") == TrainingView()
    assert keywords == {
        "input_sizes": [(640, 640), (32, 96)],
        "num_slots": 9,
        "label_stride": 2,
        "mask_stride": 4,
        "ceiling_pictures": 200,
        "workers": 2,
    }


# ---- show ----------------------------------------------------------------------------------------
def test_show_loads_gin_files_and_data_and_draws(calls, loaded, capsys):
    shown = calls("config.roots", "show_run_inputs")
    argv = ["data", "show", "--gin_file", "a.gin", "--out", "s.png", "--num", "3", "--seed", "9"]
    assert main([*argv, "--eval_data", "e", "--train-data=t", "--gin.TRAIN_DATA='u'"]) == 0
    assert shown == [(("s.png", 3, 9), {})]
    [(files, [train_data, eval_data, own])] = loaded
    assert files == ["a.gin"]
    assert (train_data.text, eval_data.text) == ("TRAIN_DATA='t'", "EVAL_DATA='e'")
    assert own == "TRAIN_DATA='u'"
    assert capsys.readouterr().out == "s.png: written\n"


def test_check_passes_on_what_the_training_sees(calls):
    made = calls("planning.dataset_check.check_dataset", "check_dataset", result=Report([]))
    argv = ["data", "check", "d", "--sizes", "auto", "--num_proposals", "50"]
    assert main([*argv, "--train_size", "288,384", "--scale_range", "0.5,1.5"]) == 0
    [(_, keywords)] = made
    assert keywords["input_sizes"] is None
    assert keywords["view"] == TrainingView(50, (288, 384), (0.5, 1.5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sizes", "auto", "--input_size", "64,64"], "found both --sizes and --input_size"),
        (["--scale_range", "1"], "--scale_range 1: expected the lowest and the highest scale"),
        (["--scale_range", "2,1"], "--scale_range 2,1: expected two numbers above 0"),
        (["--num_proposals", "0"], "--num_proposals 0: expected 1 or more"),
    ],
)
def test_wrong_settings_of_the_training_are_refused(error_of, arguments, message):
    assert message in error_of("data", "check", "d", *arguments)
