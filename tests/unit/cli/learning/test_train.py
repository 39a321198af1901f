"""`maskconver preflight` and `maskconver train` with stand-ins for what they call."""

from __future__ import annotations

import os
import re
import signal

import pytest

from maskconver_tf.cli.main import main
from maskconver_tf.cli.run_options import MINUTES, TOTAL_STEPS

RUN_OPTIONS = ["--total-steps=7", "--input-size", "64,96", "--eval_data=e", "--train_data", "t d"]
RUN_BINDINGS = ["TRAIN_DATA='t d'", "EVAL_DATA='e'", "INPUT_SIZE=(64, 96)", f"{TOTAL_STEPS}=7"]
RUN_BINDINGS += [f"{MINUTES}=None"]  # Steps take the place of an experiment's minutes.


def test_train_loads_files_then_options_then_gin_arguments(calls, loaded):
    trained = calls("config.roots", "train_run")
    argv = ["--gin.train.steps=9", "train", "--gin_file", "a.gin", "--gin_file", "b.gin"]
    argv += ["--init_from", "it's", *RUN_OPTIONS]
    assert main([*argv, "--model_dir=run", "--gin.big/Net.names=['a b', '--c-d']"]) == 0
    [(files, bindings)] = loaded
    assert files == ["a.gin", "b.gin"]
    assert [setting.text for setting in bindings[:5]] == RUN_BINDINGS
    assert bindings[5:] == [
        "train.steps=9",
        "big/Net.names=['a b', '--c-d']",
        'train.init_from="it\'s"',
    ]
    assert trained == [(("run",), {})]


def test_train_without_options_loads_only_the_files(calls, loaded):
    calls("config.roots", "train_run")
    assert main(["train", "--gin_file", "a.gin", "--model_dir=run"]) == 0
    assert loaded == [(["a.gin"], [])]


def test_sigterm_before_the_first_step_asks_to_be_started_again(calls, monkeypatch, capsys):
    from maskconver_tf.config import configuration

    calls("config.roots", "train_run")
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(
        configuration, "load", lambda *args, **options: os.kill(os.getpid(), signal.SIGTERM)
    )
    assert main(["train", "--gin_file", "a.gin", "--model_dir", "run"]) == 75
    assert capsys.readouterr().err.startswith("maskconver: stopped by SIGTERM; nothing was saved.")
    assert signal.getsignal(signal.SIGTERM) is before


def test_preflight_passes_on_what_it_is_given(calls, loaded):
    made = calls("config.roots", "preflight_run")
    assert main(["preflight", "--gin_file", "a.gin"]) == 0
    options = ["--num_classes=7", "--per-core-batch=2", "--tpu=v6e:2x2", "--cache=c"]
    options += ["--timeout=1.5", "--no_search", "--quick", "--measure", *RUN_OPTIONS]
    assert main(["preflight", "--gin_file", "a.gin", *options]) == 0
    assert made == [
        ((None, None, None, None, 60), {"search": True, "to_code": True, "measure": False}),
        ((7, 2, "v6e:2x2", "c", 1.5), {"search": False, "to_code": False, "measure": True}),
    ]
    assert loaded[0] == (["a.gin"], [])
    assert [setting.text for setting in loaded[1][1]] == RUN_BINDINGS


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--train_data=", "--train_data is empty; expected a folder, such as data/train"),
        ("--eval-data= ", "--eval_data is empty; expected a folder, such as data/train"),
        ("--input_size=650,640", "multiples of 32; the nearest size is 640,640"),
        ("--minutes=0", "--minutes 0: expected a number from 0.01 to"),
        ("--minutes=ten", "--minutes ten: expected a number from 0.01 to"),
        ("--minutes=3 --total_steps=9", "both give the length of the training; leave out one"),
        ("--total_steps=0", "--total_steps 0: expected a whole number from 1 to"),
    ],
)
@pytest.mark.parametrize("command", ["train --gin_file a --model_dir d", "preflight --gin_file a"])
def test_a_value_that_no_run_can_use_is_refused(error_of, command, option, message):
    assert message in error_of(*command.split(), *re.split(" (?=--)", option))


# ---- --minutes and --heart -----------------------------------------------------------------------
def test_minutes_set_the_length(calls, loaded):
    calls("config.roots", "train_run")
    assert main(["train", "--gin_file", "a.gin", "--model_dir=run", "--minutes", "2.5"]) == 0
    [(_, [setting])] = loaded
    assert setting.text == f"{MINUTES}=2.5"


@pytest.mark.parametrize(("learned", "status"), [(True, 0), (False, 1)])
def test_heart_returns_whether_the_pictures_were_learned(calls, learned, status):
    made = calls("config.special_runs.heart", "heart_run", learned)
    argv = ["train", "--gin_file", "a.gin", "--model_dir=run", "--heart", *RUN_OPTIONS]
    assert main([*argv, "--gin.x.y=1", "--init_from", "other"]) == status
    [((folder, files, bindings, steps), _)] = made
    assert (folder, files, steps) == ("run", ["a.gin"], 7)
    texts = [getattr(binding, "text", binding) for binding in bindings]
    # It evaluates on the pictures of the training.
    assert texts == ["TRAIN_DATA='t d'", "INPUT_SIZE=(64, 96)", "x.y=1", "train.init_from='other'"]


def test_heart_counts_steps(error_of):
    argv = ["train", "--gin_file", "a.gin", "--model_dir", "d", "--heart", "--minutes=3"]
    assert "--minutes 3: --heart counts steps; give --total_steps" in error_of(*argv)
