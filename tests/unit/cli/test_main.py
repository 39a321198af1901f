"""The command line, with stand-ins for what the commands call: no TensorFlow here."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import types

import pytest

from maskconver_tf import __version__
from maskconver_tf.cli import main as cli
from maskconver_tf.datasets.sources import options
from maskconver_tf.errors import UserError

FLOW = [
    ["data", "synth"],
    ["data", "check"],
    ["data", "build"],
    ["data", "show"],
    ["preflight"],
    ["train"],
    ["evaluate"],
    ["predict"],
    ["export"],
]
"""From nothing to a prediction."""

COMMANDS = [*FLOW, ["models"]]


@pytest.fixture
def calls(monkeypatch):
    """`calls("module", "function")`: replaces it; the list of (args, kwargs) of its calls."""

    def replace(module: str, function: str, result=None) -> list:
        made = []

        def stand_in(*args, **kwargs):
            made.append((args, kwargs))
            if isinstance(result, BaseException):
                raise result
            return result

        fake = types.ModuleType(f"maskconver_tf.{module}")
        setattr(fake, function, stand_in)
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
        # `from package import module` asks the package first, where another test imported it.
        package, _, name = fake.__name__.rpartition(".")
        monkeypatch.setattr(importlib.import_module(package), name, fake, raising=False)
        return made

    return replace


def _error(capsys, *argv: str) -> str:
    """The one message of a command that fails."""
    assert cli.main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("maskconver: error: ")
    assert printed.err.count("\n") == 1
    return printed.err.removeprefix("maskconver: error: ").rstrip("\n")


# ---- Help ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example_of_the_very_command(capsys, command):
    with pytest.raises(SystemExit) as caught:
        cli.main([*command, "--help"])
    assert caught.value.code == 0
    example = capsys.readouterr().out.partition("example:\n")[2]
    assert f"maskconver {' '.join(command)} --" in example


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_example_parses(capsys, command):
    with pytest.raises(SystemExit):
        cli.main([*command, "--help"])
    example = capsys.readouterr().out.partition("example:\n")[2].replace("\\\n", "")
    argv = [word for word in example.split()[1:] if not word.startswith("--gin.")]
    args, unknown = cli._make_parser().parse_known_args(argv)
    assert args.handler is not None
    assert unknown == []


def test_help_tells_the_way_from_nothing_to_a_prediction(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    words = capsys.readouterr().out.partition("from nothing")[2]
    places = [words.index(f"maskconver {' '.join(command)} --") for command in FLOW]
    assert places == sorted(places)


def test_help_loads_nothing_heavy():
    program = f"""
import sys
from maskconver_tf.cli.main import main
for command in [[], *{COMMANDS}]:
    try:
        main([*command, "--help"])
    except SystemExit:
        pass
heavy = {{"numpy", "PIL", "gin", "tensorflow"}} & set(sys.modules)
sys.exit(f"loaded {{heavy}}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"maskconver {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["data"]])
def test_no_command_shows_the_help(capsys, argv):
    assert cli.main(argv) == 2
    assert "commands:" in capsys.readouterr().err


# ---- What the commands call ----------------------------------------------------------------------
def test_synth(calls, capsys):
    made = calls("datasets.synthetic.writer", "write_dataset", result=True)
    assert cli.main(["data", "synth", "--out", "d", "--num_val", "5", "--seed", "7"]) == 0
    assert made == [(("d", 1000, 5, 7, None), {})]
    assert capsys.readouterr().out == "d: written\n"


def test_build_prints_what_it_did(calls, capsys):
    made = calls("datasets.build.build", "build_from", result="3 pictures")
    argv = ["data", "build", "--images", "i", "--panoptic", "p", "--annotations", "a.json"]
    assert cli.main([*argv, "--out", "o", "--skip-bad", "--num-shards=4"]) == 0
    options = {"num_shards": 4, "workers": None, "skip_bad": True, "overwrite": False}
    [((source, given, out), keywords)] = made
    assert (source, out, keywords) == ("coco_panoptic", "o", options)
    where = {name: value for name, value in given.items() if value is not None}
    assert where == {"images": "i", "panoptic": "p", "annotations": "a.json"}
    assert capsys.readouterr().out == "3 pictures\n"


def test_build_on_beam_has_its_options(calls, capsys):
    made = calls("datasets.build.beam_build", "build_on_beam", result="on Beam")
    argv = ["data", "build", "--source=ade20k", "--root=r", "--split=s", "--out=o"]
    assert cli.main([*argv, "--runner"]) == 0
    flink = ["--runner=FlinkRunner", "--pipeline-option", "flink_master=h:1", "--workers=3"]
    assert cli.main([*argv, *flink]) == 0
    runners = [tuple(given[3:]) for given, _ in made]
    assert runners == [("DirectRunner", []), ("FlinkRunner", ["flink_master=h:1"])]
    assert [options["workers"] for _, options in made] == [None, 3]
    capsys.readouterr()
    message = _error(capsys, *argv, "--pipeline_option", "a=b")
    assert message == "--pipeline_option: is of Apache Beam; give --runner as well"


def test_build_teaches_every_source(capsys):
    with pytest.raises(SystemExit):
        cli.main(["data", "build", "--help"])
    text = capsys.readouterr().out
    for name, spec in options.SOURCES.items():
        part = text.partition(f"\n  {name}: ")[2]
        for option in spec.required + spec.optional:
            assert f"--{option} " in part


def test_show_loads_gin_files_and_draws(calls, monkeypatch, capsys):
    from maskconver_tf.config import configuration

    shown = calls("config.roots", "show_run_inputs")
    monkeypatch.setattr(configuration, "load", lambda *args: None)
    argv = ["data", "show", "--gin_file", "a.gin", "--out", "s.png", "--num", "3", "--seed", "9"]
    assert cli.main(argv) == 0
    assert shown == [(("s.png", 3, 9), {})]
    assert capsys.readouterr().out == "s.png: written\n"


def test_train_loads_gin_files_and_bindings_in_order(calls, monkeypatch):
    from maskconver_tf.config import configuration

    trained = calls("config.roots", "train_run")
    loaded = []
    monkeypatch.setattr(configuration, "load", lambda *args: loaded.append(args))
    argv = ["--gin.train.steps=9", "train", "--gin_file", "a.gin", "--gin_file", "b.gin"]
    assert cli.main([*argv, "--model_dir=run", "--gin.big/Net.names=['a b', '--c-d']"]) == 0
    assert loaded == [(["a.gin", "b.gin"], ["train.steps=9", "big/Net.names=['a b', '--c-d']"])]
    assert trained == [(("run",), {})]


def test_sigterm_before_the_first_step_asks_to_be_started_again(monkeypatch, capsys):
    from maskconver_tf.config import configuration

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(configuration, "load", lambda *args: os.kill(os.getpid(), signal.SIGTERM))
    assert cli.main(["train", "--gin_file", "a.gin", "--model_dir", "run"]) == 75
    assert capsys.readouterr().err.startswith("maskconver: stopped by SIGTERM, without saving; the")
    assert signal.getsignal(signal.SIGTERM) is before


def test_preflight_passes_on_what_it_is_given(calls, monkeypatch):
    from maskconver_tf.config import configuration

    made = calls("config.roots", "preflight_run")
    monkeypatch.setattr(configuration, "load", lambda *args: None)
    assert cli.main(["preflight", "--gin_file", "a.gin"]) == 0
    options = ["--num_classes=7", "--per-core-batch=2", "--tpu=v6e:2x2", "--cache=c"]
    options += ["--timeout=1.5", "--no_search", "--quick"]
    assert cli.main(["preflight", "--gin_file", "a.gin", *options]) == 0
    assert made == [
        ((None, None, None, None, 60), {"search": True, "to_code": True}),
        ((7, 2, "v6e:2x2", "c", 1.5), {"search": False, "to_code": False}),
    ]


@pytest.fixture
def zoo(calls, monkeypatch):
    """`model_zoo` replaced; the list of what was counted."""
    from maskconver_tf.config import named_models

    counted = []

    def count_models(*args):
        counted.append((args, {}))
        return ["a", "b"]

    monkeypatch.setattr(named_models, "count_models", count_models)
    calls("planning.model_zoo", "table_head", result="head")
    fake = sys.modules["maskconver_tf.planning.model_zoo"]
    fake.table_row = lambda each: f"row {each}"
    fake.details = lambda each: f"details {each}"
    fake.to_json = lambda each, with_layers: {"name": each, "layers": with_layers}
    fake.markdown = lambda counted, count_published: "page of " + ", ".join(counted)
    return counted


@pytest.mark.parametrize(
    ("argv", "printed"),
    [
        ([], "head\nrow a\nrow b\n"),
        (["--detail"], "head\nrow a\ndetails a\nrow b\ndetails b\n"),
    ],
)
def test_models_prints_a_row_each(zoo, capsys, argv, printed):
    assert cli.main(["models", "tiny", *argv, "--num_classes", "7", "--gin.A.b=1"]) == 0
    assert capsys.readouterr().out == printed
    [((models, *others), _)] = zoo
    assert [model.name for model in models] == ["tiny"]
    assert others == [7, ["A.b=1"]]


def test_models_as_json_and_as_a_page(zoo, capsys, tmp_path):
    assert cli.main(["models", "--json", "--detail"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == [{"name": "a", "layers": True}, {"name": "b", "layers": True}]
    assert cli.main(["models", "--markdown", str(tmp_path / "zoo.md")]) == 0
    assert (tmp_path / "zoo.md").read_text() == "page of a, b"
    assert len(zoo[0][0][0]) > 5  # All models.


def test_models_by_name_alone_count_nothing(zoo, capsys):
    assert cli.main(["models", "--names", "tiny", "resnet50"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[:3] == ["tiny", "The", "whole"]
    assert second.split(maxsplit=1)[1].startswith("The paper's large model: ResNet50,")
    assert zoo == []


# ---- Mistakes ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "argv, message",
    [
        ("trian", "invalid choice: 'trian'"),
        ("data sinth", "invalid choice: 'sinth'"),
        ("data synth --otu d", "unknown argument --otu; did you mean --out?"),
        ("data synth --num-trian 3 --out d", "--num_trian; did you mean --num_train?"),
        ("data synth --out d spare", "unknown argument spare; see maskconver data synth --help"),
        ("data synth", "required: --out; see maskconver data synth --help"),
        ("data synth --out d --seed x", "argument --seed: invalid int value: 'x'"),
        ("--verzion", "unknown argument --verzion; did you mean --version?"),
        ("export --model m --out o -x", "unknown argument -x"),
        ("predict --model m --out o", "required: IMAGE"),
        ("train --gin_fil a", "unknown argument --gin_fil; did you mean --gin_file?"),
        ("train --gin_file a --model_dir d --gin.x 3", "--gin.x: expected --gin.NAME=VALUE"),
        ("predict --model m i.jpg --out o --gin.x=3", "--gin.x=3: this command takes no --gin."),
        ("train --gin_file no.gin --model_dir d", "no Gin file 'no.gin'"),
        ("models resnet5", "no model 'resnet5'; did you mean 'resnet50'?"),
        ("models tiny --num_classes 0", "--num_classes 0: expected 1 or more"),
        ("models --jsn", "unknown argument --jsn; did you mean --json?"),
        ("models --markdown nowhere/zoo.md", "--markdown nowhere/zoo.md: its folder is not there"),
        ("models tiny --markdown zoo.md", "--markdown writes the page of all models"),
    ],
)
def test_a_mistake_is_one_message(capsys, argv, message):
    assert message in _error(capsys, *argv.split())


def test_a_user_error_is_one_message_and_with_debug_a_traceback(calls, capsys):
    calls(
        "datasets.synthetic.writer",
        "write_dataset",
        result=UserError("d is full; delete something"),
    )
    assert _error(capsys, "data", "synth", "--out", "d") == "d is full; delete something"
    assert cli.main(["data", "synth", "--out", "d", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_error_of_the_code_is_not_hidden(calls):
    calls("datasets.synthetic.writer", "write_dataset", result=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main(["data", "synth", "--out", "d"])


def test_an_interrupt_ends_with_one_line_and_130(calls, capsys):
    calls("datasets.synthetic.writer", "write_dataset", result=KeyboardInterrupt())
    assert cli.main(["data", "synth", "--out", "d"]) == 130
    assert capsys.readouterr().err == "maskconver: interrupted\n"
