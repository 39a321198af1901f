"""Every command that makes predictions takes the same thresholds."""

import pytest

from maskconver_tf.cli.main import main

GIVEN = ["--score-threshold", "0.4", "--overlap_threshold=0.6", "--min_area", "0"]
READ = {"score_threshold": 0.4, "overlap_threshold": 0.6, "min_area": 0}


def test_evaluate_passes_them_on(calls):
    made = calls("config.roots", "evaluate_run")
    assert main(["evaluate", "--model", "m", "--keep", *GIVEN]) == 0
    assert made == [(("m", None, "m", [], READ, True, None, False), {})]


@pytest.mark.parametrize("command", ["evaluate", "predict", "export", "parity", "tune"])
def test_all_commands_have_them_in_their_help(help_of, command):
    text = help_of(command)
    assert all(f"--{name}" in text for name in READ)
    assert "--gin.NAME=VALUE" in text


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--score_threshold", "1.5", "a number from 0 to 1"),
        ("--score_threshold", "nan", "a number from 0 to 1"),
        ("--overlap_threshold", "-0.1", "a number from 0 to 1"),
        ("--overlap_threshold", "half", "a number from 0 to 1"),
        ("--min_area", "-1", "a whole number from 0"),
        ("--min_area", "2.5", "a whole number from 0"),
        ("--min_area", "9999999999", "a whole number from 0"),
    ],
)
def test_values_out_of_range(error_of, option, value, expected):
    message = error_of("evaluate", "--model", "m", f"{option}={value}")
    assert message.startswith(f"{option} {value}: expected {expected}")
