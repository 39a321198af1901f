"""`maskconver evaluate` with a stand-in for what it calls."""

from __future__ import annotations

import pytest

from maskconver_tf.cli.main import main


@pytest.mark.parametrize("name", ["--data", "--eval_data", "--eval-data"])
def test_data_has_two_names(calls, name):
    made = calls("config.roots", "evaluate_run")
    assert main(["evaluate", "--model", "m", name, "my data", "--out", "o", "--gin.A.b=1"]) == 0
    assert made == [(("m", "my data", "o", ["A.b=1"], {}, False), {})]


def test_the_run_has_its_own_data_and_takes_the_results(calls):
    made = calls("config.roots", "evaluate_run")
    assert main(["evaluate", "--model", "m"]) == 0
    assert made == [(("m", None, "m", [], {}, False), {})]


def test_training_data_that_moved_comes_before_gin_arguments(calls):
    made = calls("config.roots", "evaluate_run")
    argv = ["evaluate", "--model", "m", "--gin.TRAIN_DATA='u'", "--train_data", "t"]
    assert main(argv) == 0
    [((_, _, _, (setting, own), _, _), _)] = made
    assert (setting.text, own) == ("TRAIN_DATA='t'", "TRAIN_DATA='u'")


@pytest.mark.parametrize("name", ["--data", "--eval_data", "--train_data"])
def test_an_empty_folder_name_is_refused(error_of, name):
    assert "is empty; expected a folder" in error_of("evaluate", "--model", "m", name, "")
