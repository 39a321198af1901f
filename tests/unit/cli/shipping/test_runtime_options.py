"""`maskconver export` refuses options that the chosen runtime does not take."""

import argparse

import pytest

from maskconver_tf.cli.shipping.runtime_options import choose_options

ARGUMENTS = ["export", "--model", "m", "--out", "o"]
OF_SAVED_MODEL = [
    ("--batch_sizes=8,1", "--batch_sizes 1,8", "takes one picture at a time"),
    ("--batch_sizes=1", "--batch_sizes 1", "takes one picture at a time"),
    ("--max_pixels=900", "--max_pixels 900", "decodes nothing"),
    ("--bfloat16", "--bfloat16", "--precisions float16"),
    ("--xla", "--xla", "does not use XLA"),
    ("--model_only", "--model_only", "heads_*.tflite"),
    ("--skip_measure", "--skip_measure", "--scored_pictures 1"),
]
OF_LITERT = [
    ("--precisions=int8,float32", "--precisions float32,int8", "with --bfloat16"),
    ("--float_tensors=head/", "--float_tensors head/", "not quantised"),
    ("--train_data=data/a", "--train_data data/a", "not calibrated"),
    ("--eval_data=data/b", "--eval_data data/b", "maskconver evaluate"),
    ("--calibration_pictures=32", "--calibration_pictures 32", "not calibrated"),
    ("--scored_pictures=50", "--scored_pictures 50", "maskconver evaluate"),
]


@pytest.fixture(autouse=True)
def loaded(calls):
    """Calls of `load_run`: a refusal comes before it."""
    return calls("config.roots", "load_run")


@pytest.mark.parametrize(
    ("other", "chosen", "given", "named", "reason"),
    [("saved_model", "litert", *case) for case in OF_SAVED_MODEL]
    + [("litert", "saved_model", *case) for case in OF_LITERT],
)
def test_an_option_of_the_other_runtime_is_refused(
    error_of, loaded, other, chosen, given, named, reason
):
    message = error_of(*ARGUMENTS, "--to", chosen, given)
    assert message.startswith(f"{named}: only --to {other} takes this option")
    assert reason in message
    assert message.endswith(f"Leave it out, or export with --to {other}")
    assert loaded == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--float_tensors", ""], "--float_tensors '': found an empty text"),
        (["--float_tensors", "head", "--precisions", "float32"], "--float_tensors head: --prec"),
    ],
)
def test_float_tensors_that_would_do_nothing_are_refused(error_of, loaded, options, reason):
    assert error_of(*ARGUMENTS, "--to=litert", *options).startswith(reason)
    assert loaded == []


def test_the_default_runtime_refuses_too(error_of):
    message = error_of(*ARGUMENTS, "--precisions", "int8")
    assert "the export is --to saved_model" in message


def test_several_options_are_one_message(error_of):
    message = error_of(*ARGUMENTS, "--to=litert", "--xla", "--batch_sizes", "4")
    assert message.startswith("--batch_sizes 4, --xla: only --to saved_model takes these options")
    assert message.endswith("Leave them out, or export with --to saved_model")


def test_every_option_of_a_runtime_is_covered(help_of):
    """An option whose help names one runtime is refused by the other."""
    text = help_of("export")
    covered = {given.partition("=")[0] for given, *_ in OF_SAVED_MODEL + OF_LITERT}
    marked = " ".join(text.split()).replace("for litert:", "|").replace("for saved_model:", "|")
    assert marked.count("|") == len(covered)


def test_options_of_the_chosen_runtime_are_defaults_or_as_given():
    args = argparse.Namespace(to="litert", precisions=("int8",), count=None, xla=None)
    defaults = {"saved_model": {"xla": False}, "litert": {"precisions": ("float32",), "count": 3}}
    choose_options(args, defaults)
    assert vars(args) == {"to": "litert", "precisions": ("int8",), "count": 3, "xla": None}
