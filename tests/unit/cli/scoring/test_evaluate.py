"""`maskconver evaluate` with a stand-in for what it calls."""

from __future__ import annotations

import pytest

from maskconver_tf.cli.main import main
from maskconver_tf.inference.tiles.chosen_tile import GivenTile


@pytest.mark.parametrize("name", ["--data", "--eval_data", "--eval-data"])
def test_data_has_two_names(calls, name):
    made = calls("config.roots", "evaluate_run")
    assert main(["evaluate", "--model", "m", name, "my data", "--out", "o", "--gin.A.b=1"]) == 0
    assert made == [(("m", "my data", "o", ["A.b=1"], {}, False, None, False), {})]


def test_the_run_has_its_own_data_and_takes_the_results(calls):
    made = calls("config.roots", "evaluate_run")
    assert main(["evaluate", "--model", "m"]) == 0
    assert made == [(("m", None, "m", [], {}, False, None, False), {})]


def test_training_data_that_moved_comes_before_gin_arguments(calls):
    made = calls("config.roots", "evaluate_run")
    argv = ["evaluate", "--model", "m", "--gin.TRAIN_DATA='u'", "--train_data", "t"]
    assert main(argv) == 0
    [((_, _, _, (setting, own), *_), _)] = made
    assert (setting.text, own) == ("TRAIN_DATA='t'", "TRAIN_DATA='u'")


@pytest.mark.parametrize("name", ["--data", "--eval_data", "--train_data"])
def test_an_empty_folder_name_is_refused(error_of, name):
    assert "is empty; expected a folder" in error_of("evaluate", "--model", "m", name, "")


def test_tiles_reach_the_evaluation(calls):
    made = calls("config.roots", "evaluate_run")
    assert main(["evaluate", "--model", "m", "--tile", "auto", "--overlap", "40"]) == 0
    assert main(["evaluate", "--model", "m", "--tile", "96,128"]) == 0
    assert [call[0][6] for call in made] == [GivenTile(None, 40), GivenTile((96, 128), None)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--overlap", "9"], "--overlap 9: has no effect without --tile; add --tile auto"),
        (["--tile", "big"], "--tile big: expected auto, one side or height,width"),
        (["--tile", "31"], "--tile 31,31: expected sides of at least 32 pixels"),
        (["--tile", "64", "--overlap", "33"], "--overlap 33: expected 1 to 32 pixels"),
        (["--tile", "64", "--overlap", "0"], "--overlap 0: expected a whole number from 1"),
        (["--tile", "64", "--overlap", "2.5"], "--overlap 2.5: expected a whole number"),
    ],
)
def test_wrong_tiles_are_refused_before_tensorflow_loads(error_of, calls, options, message):
    made = calls("config.roots", "evaluate_run")
    assert message in error_of("evaluate", "--model", "m", *options)
    assert made == []
