"""common.sh: settings, printed commands, templates and names."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.unit.launch.conftest import ROOT


def _bash(program: str, *arguments: str, code: int = 0) -> str:
    setup = f"here={ROOT}/launch/local; source {ROOT}/launch/common.sh; "
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", setup + program, "test.sh", *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.mark.parametrize(
    "word", ["a", "a b", "--gin.x='y'", 'it\'s "$HOME" `x` \\ !', "", "*", "a\nb", "gs://b/c"]
)
def test_a_printed_command_can_be_pasted(word):
    printed = _bash('quoted "$@"', "x", word)
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {printed}"], capture_output=True, text=True
    ).stdout.split("\0")[:-1]
    assert words == ["x", word]


def test_printed_quotes_are_readable():
    argument = "--gin.Compute.strategy='tpu'"
    assert _bash('quoted "$@"', argument) == f'"{argument}"'


def test_a_json_list():
    words = ["train", "--gin.x='y'", 'a"b\\c', ""]
    assert json.loads(_bash('json_list "$@"', *words)) == words


def test_settings_are_read_literally_and_the_shell_wins(tmp_path):
    (tmp_path / "env").write_text("# note\n\nGIN_FILE=$(touch x) 'a' #b\nMODEL_DIR=m\nPORT=7\r\n")
    program = 'MODEL_DIR=mine; load_env "$1"; printf "%s|%s|%s" "$GIN_FILE" "$MODEL_DIR" "$PORT"'
    assert _bash(program, str(tmp_path / "env")) == "$(touch x) 'a' #b|mine|7"


@pytest.mark.parametrize(
    "line, message",
    [
        ("GIN_FIEL=a", "env:2: unknown setting GIN_FIEL; /"),
        ("export GIN_FILE=a", "around =, found: export GIN_FILE=a; correct that line"),
        ("GIN_FILE = a", "env:2: expected NAME=value"),
        ('GIN_FILE="a"', 'env:2: GIN_FILE takes no quotes, found: "a"; write GIN_FILE=a\n'),
    ],
)
def test_a_mistake_in_the_settings_is_named(tmp_path, line, message):
    (tmp_path / "env").write_text(f"MODEL_DIR=m\n{line}\n")
    assert message in _bash('load_env "$1"', str(tmp_path / "env"), code=2)


@pytest.mark.parametrize(
    "check, value, expected",
    [
        ("need_number PORT 3", "2", "expected a whole number from 3"),
        ("need_number PORT", "1.5", "expected a whole number from 1"),
        ("need_choice PORT", "yes", "expected 1 or 0, for yes or no"),
        ("need_bucket PORT x", "/runs", "expected gs://BUCKET/..., because files on the machine"),
    ],
)
def test_a_wrong_value_is_shown_with_the_line_that_sets_it(tmp_path, check, value, expected):
    (tmp_path / "env").write_text(f"MODEL_DIR=m\nPORT={value}\n")
    program = f'ENV_FILE=$1; load_env "$1"; {check}'
    found = _bash(program, str(tmp_path / "env"), code=2)
    assert f"{tmp_path}/env:2: PORT={value}: {expected}" in found
    assert found.endswith("; correct that line\n")
    found = _bash(f"PORT={value}; {program}", str(tmp_path / "env"), code=2)
    assert f"error: PORT={value}: {expected}" in found
    assert "; write PORT=... with another value before the command, or set it in " in found


def test_templates(tmp_path):
    template = tmp_path / "t.yaml"
    template.write_text("# Comment.\n# More.\na: ${PORT} ${GIN_FILE}\n# kept\nb: 1  # if spot\n")
    program = 'PORT=1 GIN_FILE="a&b/c"; render "$1"'
    assert _bash(program, str(template)) == "a: 1 a&b/c\n# kept\n"
    assert _bash("SPOT=1;" + program, str(template)) == "a: 1 a&b/c\n# kept\nb: 1\n"
    assert "SPOT=yes: expected 1 or 0" in _bash("SPOT=yes;" + program, str(template), code=2)
    assert "PORT is not set" in _bash('ENV_FILE=e; render "$1"', str(template), code=2)


@pytest.mark.parametrize("name", ["a", "mask-1", "a" * 52])
def test_names(name):
    assert _bash('need_name "$1"; echo taken', name) == "taken\n"


@pytest.mark.parametrize("name", ["", "Mask", "1a", "a-", "a_b", "a b", "a" * 53, "a;b"])
def test_invalid_names(name):
    assert "is not a valid name" in _bash('need_name "$1"', name, code=2)
