"""The command as a whole: its help, its errors, its exit statuses, and what it imports."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from maskconver_tf import __version__
from maskconver_tf.cli.main import main, make_parser
from maskconver_tf.errors import RunStopped, UserError

OWN_DATA = [["data", "build"], ["data", "check"], ["new"], ["train"], ["predict"]]
"""From your own pictures to a prediction."""
FLOW = [
    ["data", "synth"],
    ["data", "check"],
    ["data", "build"],
    ["data", "show"],
    ["preflight"],
    ["train"],
    ["tune"],
    ["evaluate"],
    ["report"],
    ["predict"],
    ["export"],
]
"""From nothing to a prediction."""

OTHERS = [["convert"], ["models"], ["new"], ["parity"], ["score"], ["serve"], ["settings"]]
COMMANDS = [*FLOW, *OTHERS]


# ---- Help ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_ends_with_an_example_that_parses(help_of, command):
    example = help_of(*command).partition("example:\n")[2]
    [argv] = _commands_in(example)
    assert argv[: len(command)] == command
    args, unknown = make_parser().parse_known_args(argv)
    assert args.handler is not None
    assert unknown == []


@pytest.mark.parametrize(
    ("heading", "expected"), [("your own pictures", OWN_DATA), ("all steps on generated", FLOW)]
)
def test_help_tells_the_way_to_a_prediction(help_of, heading, expected):
    flow = help_of().partition(f"\n{heading}")[2].partition(":\n")[2].partition("\n\n")[0]
    commands = _commands_in(flow)
    for argv in commands:
        args, unknown = make_parser().parse_known_args(argv)
        assert args.handler is not None and not unknown
    starts = [argv[: 2 if argv[0] == "data" else 1] for argv in commands]
    assert [start for i, start in enumerate(starts) if start not in starts[:i]] == expected
    assert "--gin." not in flow


def test_the_tests_of_help_know_every_command(help_of):
    shown = re.findall(r"^ {4}([a-z]+)\b", help_of().partition("COMMAND\n")[2], re.MULTILINE)
    assert set(shown) == {command[0] for command in COMMANDS}


def _commands_in(text: str) -> list[list[str]]:
    """The arguments of each `maskconver` command line; a backslash continues a line."""
    lines = re.sub(r"\\\n", "", text).strip().splitlines()
    commands = [shlex.split(line) for line in lines]
    assert {command[0] for command in commands} == {"maskconver"}
    return [command[1:] for command in commands]


@pytest.mark.parametrize("command", [["train"], ["evaluate"], ["data", "show"], ["preflight"]])
def test_help_teaches_the_options_of_a_run_by_example(help_of, command):
    example = help_of(*command).partition("example:\n")[2]
    assert re.search(r"--(train_data|eval_data|input_size|total_steps) ", example)
    assert "--gin." not in example


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"maskconver {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["data"]])
def test_no_command_shows_the_help(capsys, argv):
    assert main(argv) == 2
    assert "commands:" in capsys.readouterr().err


LIGHT_COMMANDS = [
    *([*command, "--help"] for command in [[], *COMMANDS]),
    [],
    ["--version"],
    ["trian"],
    ["train", "--gin_fil", "a"],
    ["train", "--gin_file", "a", "--model_dir", "d", "--total_steps", "0"],
    ["data", "build", "--out", "o", "--pipeline_option", "a=b"],
    ["models", "--names"],
]


def test_help_mistakes_and_names_load_nothing_heavy():
    program = f"""
import sys
from maskconver_tf.cli.main import main
for argv in {LIGHT_COMMANDS}:
    try:
        main(argv)
    except SystemExit:
        pass
    heavy = {{"numpy", "PIL", "gin", "tensorflow"}} & set(sys.modules)
    if heavy:
        sys.exit(f"{{argv}} loaded {{heavy}}")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["train", "preflight"])
def test_a_missing_gin_file_is_reported_without_tensorflow(command):
    program = f"""
import sys
from maskconver_tf.cli.main import run
sys.argv = ["maskconver", "{command}", "--gin_file", "nowhere.gin"]
sys.argv += ["--model_dir", "d"] * ("{command}" == "train")
try:
    run()
finally:
    print("tensorflow" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2 and "no Gin file 'nowhere.gin'" in done.stderr
    assert done.stdout == "False\n"


# ---- Errors --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "argv, message",
    [
        ("trian", "invalid choice: 'trian'"),
        ("trian", "did you mean 'train'? see maskconver --help"),
        ("Train", "did you mean 'train' (character 1 is 'T' here, not 't')?"),
        ("data sinth", "invalid choice: 'sinth'"),
        ("data synth --otu d", "unknown argument --otu; did you mean '--out'?"),
        ("data synth --num-trian 3 --out d", "--num_trian; did you mean '--num_train'?"),
        ("data synth --out d spare", "unknown argument spare; see maskconver data synth --help"),
        ("data synth", "required: --out; see maskconver data synth --help"),
        (
            "data synth --out d --seed x",
            "--seed x: expected a whole number in digits, such as 8; see",
        ),
        ("data build --workers 2.0", "--workers 2.0: expected a whole number in digits"),
        ("data synth --out d --kind Crowd", "did you mean 'crowd' (character 1 is 'C' here"),
        ("--verzion", "unknown argument --verzion; did you mean '--version'?"),
        ("export --model m --out o -x", "unknown argument -x"),
        ("predict --model m --out o", "required: PICTURES"),
        ("train --gin_fil a", "unknown argument --gin_fil; did you mean '--gin_file'?"),
        ("train --gin_file a --model_dir d --gin.x 3", "--gin.x: expected --gin.NAME=VALUE"),
        ("data synth --out o --gin.x=3", "--gin.x=3: this command takes no --gin."),
        ("train --gin_file no.gin --model_dir d", "no Gin file 'no.gin'"),
        ("evaluate --model m --total_steps 3", "unknown argument --total_steps"),
        ("models resnet5", "no model 'resnet5'; did you mean 'resnet50'?"),
        ("models tiny --num_classes 0", "--num_classes 0: expected a whole number from 1"),
        ("models --jsn", "unknown argument --jsn; did you mean '--json'?"),
        ("models --markdown .", "--markdown .: it is a folder; give a file in a folder"),
        ("models --markdown nowhere/zoo.md", "--markdown nowhere/zoo.md: its folder does not"),
        ("models tiny --markdown zoo.md", "--markdown writes the page of all models"),
    ],
)
def test_a_mistake_is_one_message(error_of, argv, message):
    assert message in error_of(*argv.split())


def test_a_user_error_is_one_message_and_with_debug_a_traceback(calls, error_of, capsys):
    calls(
        "datasets.synthetic.toy_scenes",
        "write_toy_scenes",
        result=UserError("d is full; delete something"),
    )
    assert error_of("data", "synth", "--out", "d") == "d is full; delete something"
    assert main(["data", "synth", "--out", "d", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_error_of_the_code_is_not_hidden(calls):
    calls("datasets.synthetic.toy_scenes", "write_toy_scenes", result=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["data", "synth", "--out", "d"])


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (KeyboardInterrupt(), 130, "maskconver: interrupted\n"),
        (RunStopped("stopped at step 3"), 75, "maskconver: stopped at step 3\n"),
    ],
)
def test_a_stop_ends_with_one_line_and_its_status(calls, capsys, raised, status, line):
    calls("datasets.synthetic.toy_scenes", "write_toy_scenes", result=raised)
    assert main(["data", "synth", "--out", "d"]) == status
    assert capsys.readouterr().err == line
