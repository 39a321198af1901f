"""Quoting mistakes after `--gin.`, and the lines that the messages show instead."""

from __future__ import annotations

import ast
import re
import subprocess

import pytest

from maskconver_tf.cli.run_options import RUN_OPTIONS
from maskconver_tf.config import configuration
from maskconver_tf.config.messages import OPTIONS, shell_word, unparsed_value
from maskconver_tf.errors import UserError

TEXTS = [
    "data/train",
    "/data/train",
    "my data/train",
    "it's",
    'the "best" data',
    """it's the "best" """,
    "$HOME/data",
    "`ls` it's",
    "back\\slash",
    "back\\slash's",
    "wow!",
    "wow! it's",
    "C:\\new\\table",
    "bücher/写真",
    "line\nbreak",
]


def _message(binding: str) -> str:
    with pytest.raises(UserError) as caught:
        configuration.load([], [binding])
    return str(caught.value)


def _as_received(line: str) -> list[str]:
    """The arguments that a program gets when a shell runs it with `line`."""
    script = f"for argument in {line}; do printf '%s\\0' \"$argument\"; done"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


def test_the_message_shows_the_line_and_the_option():
    assert _message("TRAIN_DATA=data/train") == (
        "--gin.TRAIN_DATA=data/train: text needs quotes inside the quotes of the shell; write\n"
        "  --gin.TRAIN_DATA=\"'data/train'\"\n"
        "or, as `maskconver train` takes it,\n"
        "  --train_data data/train"
    )


@pytest.mark.parametrize(
    "binding, line",
    [
        ("optimizers.name=adamw", "--gin.optimizers.name=\"'adamw'\""),
        ("big/Net.name=my net", "--gin.big/Net.name=\"'my net'\""),
        ("X=it's", '--gin.X="\\"it\'s\\""'),
        ("X='it's'", '--gin.X="\\"it\'s\\""'),
        ("X='data/train", "--gin.X=\"'data/train'\""),
        ("X=1/2", "--gin.X=\"'1/2'\""),
        ("X=gs://bucket/train", "--gin.X=\"'gs://bucket/train'\""),
        ("X=", "--gin.X=\"''\""),
        ("X=(1,2", '--gin.X="(1,2)"'),
        ("X=[1,(2,3", '--gin.X="[1,(2,3)]"'),
        ("X=(a, 2", "--gin.X=\"('a', 2)\""),
        ("X=(adam, 0.9)", "--gin.X=\"('adam', 0.9)\""),
        ("X={'a': b}", "--gin.X=\"{'a': 'b'}\""),
        ("X=1, 2", '--gin.X="(1, 2)"'),
        ("INPUT_SIZE=640,320", '--gin.INPUT_SIZE="(640, 320)"'),
        ("INPUT_SIZE=640x320", '--gin.INPUT_SIZE="(640, 320)"'),
    ],
)
def test_a_mistake_is_answered_with_the_line_as_it_should_be(binding, line):
    message = _message(binding)
    assert message.startswith(f"--gin.{binding}: ")
    assert line in message.splitlines()[1].strip()


@pytest.mark.parametrize(
    "binding, option",
    [
        ("TRAIN_DATA=my data", "--train_data 'my data'"),
        ("EVAL_DATA=data/val", "--eval_data data/val"),
        ("INPUT_SIZE=640,320", "--input_size 640,320"),
    ],
)
def test_the_option_for_a_macro_is_shown(binding, option):
    assert _message(binding).splitlines()[-1].strip() == option


@pytest.mark.parametrize("binding", ["X=@", "X=[@a(", "X=1)", "X={1, 2}", "X=[1, /]]"])
def test_a_value_that_nobody_can_repair_is_quoted_with_the_reason(binding):
    value = binding.removeprefix("X=")
    assert re.match(re.escape(f"--gin.{binding}: the value '{value}' does not "), _message(binding))


def test_a_malformed_name_is_no_mistake_of_the_value():
    assert _message("a..b=ten") == "--gin.a..b=ten: Malformatted scope or selector"


@pytest.mark.parametrize("text", TEXTS)
def test_a_shell_passes_on_the_line_that_is_shown(text):
    line = unparsed_value("TRAIN_DATA", text, "reason").splitlines()[1]
    [received] = _as_received(line)
    assert received.startswith("--gin.TRAIN_DATA=")
    assert ast.literal_eval(received.partition("=")[2]) == text.strip()


@pytest.mark.parametrize("text", TEXTS)
def test_a_shell_passes_on_the_option_that_is_shown(text):
    lines = unparsed_value("EVAL_DATA", text, "reason").partition("takes it,\n")[2]
    assert _as_received(lines) == ["--eval_data", text.strip()]


@pytest.mark.parametrize("literal", ["3", "(1, 2)", "'a'", '"it\'s"', '"$x"', "'!'"])
def test_a_shell_word_is_one_argument(literal):
    assert _as_received(shell_word(literal)) == [literal]


def test_options_are_those_of_the_command():
    options = {option.setting: f"--{name}" for name, option in RUN_OPTIONS.items()}
    assert OPTIONS.items() <= options.items()
