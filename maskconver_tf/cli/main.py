"""The `maskconver` command: it parses the arguments, runs one command, and reports its errors.

The rooms below hold the commands, one file for each group. For each command a function
`add_..._command` describes the arguments, and a function `run_...` does the work. Only the second
imports NumPy or TensorFlow, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from maskconver_tf import __version__
from maskconver_tf.cli import process_end
from maskconver_tf.cli.arguments import CommandParser
from maskconver_tf.cli.learning.train import add_preflight_command, add_train_command
from maskconver_tf.cli.preparing.data import add_data_commands
from maskconver_tf.cli.preparing.models import add_models_command
from maskconver_tf.cli.preparing.new import add_new_command
from maskconver_tf.cli.preparing.settings import add_settings_command
from maskconver_tf.cli.process_end import Ending
from maskconver_tf.cli.scoring.convert import add_convert_command
from maskconver_tf.cli.scoring.evaluate import add_evaluate_command
from maskconver_tf.cli.scoring.report import add_report_command
from maskconver_tf.cli.scoring.score import add_score_command
from maskconver_tf.cli.scoring.tune import add_tune_command
from maskconver_tf.cli.shipping.export import add_export_command
from maskconver_tf.cli.shipping.litert import add_parity_command
from maskconver_tf.cli.shipping.predict import add_predict_command
from maskconver_tf.cli.shipping.serve import add_serve_command
from maskconver_tf.errors import RunStopped, UserError

_GIN_PREFIX = "--gin."

_FLOW = """\
your own pictures, in COCO panoptic layout (`maskconver data build --help` lists other layouts):
  maskconver data build --images mine/images --panoptic mine/panoptic \\
      --annotations mine/panoptic.json --out data/all
  maskconver data check data/all --out report
  maskconver new data/all --split 0.2 --out mine.gin --minutes 30
  maskconver train --gin_file mine.gin --model_dir runs/mine --minutes 30
  maskconver predict --model runs/mine photo.jpg --out pictures

all steps on generated scenes, without a dataset:
  maskconver data synth --out scenes
  maskconver data check scenes --out report
  maskconver data build --images scenes/images/train --panoptic scenes/panoptic/train \\
      --annotations scenes/panoptic_train.json --out data/train
  maskconver data build --images scenes/images/val --panoptic scenes/panoptic/val \\
      --annotations scenes/panoptic_val.json --out data/val
  maskconver data show --gin_file experiments/demo.gin --train_data data/train --out inputs.png
  maskconver preflight --gin_file experiments/demo.gin --train_data data/train
  maskconver train --gin_file experiments/demo.gin --train_data data/train \\
      --eval_data data/val --total_steps 3000 --model_dir runs/demo
  maskconver tune --model runs/demo
  maskconver evaluate --model runs/demo
  maskconver report runs/demo --out report
  maskconver predict --model runs/demo photo.jpg --out pictures
  maskconver export --model runs/demo --out exported

`maskconver COMMAND --help` tells more. You may write dashes for underscores in options.
"""


def run() -> NoReturn:
    """Runs the installed command: its entry point."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # Names may be in any script.
    process_end.own_process()
    process_end.leave(_run_to_end(sys.argv[1:]))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command, reports its error, and returns its exit status.

    The status is 0 for success, 2 for an error that the user can correct, 130 for ^C, and 75 for a
    stopped run that asks to be started again. A command may define others: `data check` returns 1
    if it finds problems.
    """
    ending = _run_to_end(sys.argv[1:] if argv is None else list(argv))
    ending.tell()
    return ending.status


def _run_to_end(argv: list[str]) -> Ending:
    """Runs one command. The caller prints the message of its end."""
    if "--debug" not in argv:
        # TensorFlow reads this on import. Below 3 it reports GPU libraries that are not installed.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return Ending(_run_command(argv))
    except UserError as error:
        if "--debug" in argv:
            traceback.print_exc()
        return Ending(2, f"maskconver: error: {error}", error)
    except RunStopped as stop:
        return Ending(stop.status, f"maskconver: {stop}", stop)
    except KeyboardInterrupt as interrupt:
        return Ending(130, "maskconver: interrupted", interrupt)


def make_parser() -> CommandParser:
    """Makes the parser of all commands."""
    parser = CommandParser(
        prog="maskconver",
        description="Panoptic segmentation with convolutions only: data, training and use.",
        epilog=_FLOW,
    )
    parser.add_argument("--version", action="version", version=f"maskconver {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error arose")
    parser.set_defaults(parser=parser, handler=None, takes_gin=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    add_data_commands(commands)
    add_new_command(commands)
    add_preflight_command(commands)
    add_train_command(commands)
    add_evaluate_command(commands)
    add_score_command(commands)
    add_convert_command(commands)
    add_report_command(commands)
    add_tune_command(commands)
    add_predict_command(commands)
    add_export_command(commands)
    add_serve_command(commands)
    add_parity_command(commands)
    add_models_command(commands)
    add_settings_command(commands)
    return parser


def _run_command(argv: list[str]) -> int:
    gin = [argument for argument in argv if argument.startswith(_GIN_PREFIX)]
    others = [_with_underscores(argument) for argument in argv if argument not in gin]
    args, unknown = make_parser().parse_known_args(others)
    if gin and not args.takes_gin:
        raise UserError(f"{gin[0]}: this command takes no {_GIN_PREFIX}NAME=VALUE; remove it")
    for argument in gin:
        if "=" not in argument:
            raise UserError(
                f"{argument}: expected {_GIN_PREFIX}NAME=VALUE, with = and no space, such as "
                f"{_GIN_PREFIX}TrainingInput.batch_size=8"
            )
    if unknown:
        args.parser.refuse(unknown[0])
    if args.handler is None:
        args.parser.print_help(sys.stderr)
        return 2
    args.gin = [argument.removeprefix(_GIN_PREFIX) for argument in gin]
    return args.handler(args) or 0


def _with_underscores(argument: str) -> str:
    """Turns `--skip-bad` into `--skip_bad`."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument[2:].partition("=")
    return f"--{name.replace('-', '_')}{equals}{value}"
