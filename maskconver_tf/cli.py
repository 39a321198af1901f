"""The `maskconver` command.

One function adds a command's arguments and one small function runs it. Whatever needs TensorFlow or
NumPy is imported by the second, so that --help answers at once.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from maskconver_tf import __version__
from maskconver_tf.errors import UserError

_GIN_PREFIX = "--gin."

_FLOW = """\
from nothing to a prediction:
  maskconver data synth --out scenes
  maskconver data build --images scenes/images/train --panoptic scenes/panoptic/train \\
      --annotations scenes/panoptic_train.json --out data/train
  (and the same with val for data/val)
  maskconver data show --gin_file experiments/demo.gin --out inputs.png
  maskconver train --gin_file experiments/demo.gin --model_dir runs/demo
  maskconver evaluate --model runs/demo
  maskconver predict --model runs/demo photo.jpg --out pictures
  maskconver export --model runs/demo --out exported

maskconver COMMAND --help tells more. Dashes and underscores in options are the same.
"""


def run() -> NoReturn:
    """What the installed command calls."""
    sys.exit(main())


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status: 2 for what the user can put right, 130 for ^C."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if "--debug" not in argv:
        # Read when TensorFlow is imported. Below 3 it reports each GPU that a machine has not.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return _run_command(argv)
    except UserError as error:
        if "--debug" in argv:
            traceback.print_exc()
        print(f"maskconver: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("maskconver: interrupted", file=sys.stderr)
        return 130


# ---- Commands ------------------------------------------------------------------------------------
def _make_parser() -> _Parser:
    parser = _Parser(
        prog="maskconver",
        description="Panoptic segmentation with convolutions only: data, training and use.",
        epilog=_FLOW,
    )
    parser.add_argument("--version", action="version", version=f"maskconver {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error arose")
    parser.set_defaults(parser=parser, handler=None, takes_gin=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    data = commands.add_parser("data", help="make and build datasets")
    data.set_defaults(parser=data)
    data_commands = data.add_subparsers(title="commands", metavar="COMMAND")
    _add_synth(data_commands)
    _add_build(data_commands)
    _add_show(data_commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_export(commands)
    return parser


def _add_synth(commands: Any) -> None:
    parser = _add_command(
        commands,
        "synth",
        _synth,
        "write the built-in dataset: generated scenes in COCO panoptic layout",
        "maskconver data synth --out scenes --num_train 1000 --num_val 100",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--num_train", type=int, default=1000, metavar="N", help="scenes in train")
    parser.add_argument("--num_val", type=int, default=100, metavar="N", help="scenes in val")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="other scenes for another")
    _add_workers(parser)


def _synth(args: argparse.Namespace) -> None:
    from maskconver_tf.data.synthetic import write_dataset

    written = write_dataset(args.out, args.num_train, args.num_val, args.seed, args.workers)
    print(f"{args.out}: {'written' if written else 'holds these scenes already'}")


def _add_build(commands: Any) -> None:
    parser = _add_command(
        commands,
        "build",
        _build,
        "turn a dataset in COCO panoptic layout into TFRecords",
        "maskconver data build --images coco/val2017 --panoptic coco/panoptic_val2017 \\\n"
        "      --annotations coco/panoptic_val2017.json --out data/coco_val",
    )
    parser.add_argument("--images", required=True, metavar="DIR", help="folder of pictures")
    parser.add_argument("--panoptic", required=True, metavar="DIR", help="folder of id maps, PNG")
    parser.add_argument("--annotations", required=True, metavar="FILE", help="panoptic JSON")
    parser.add_argument("--out", required=True, metavar="DIR", help="dataset folder to write")
    parser.add_argument(
        "--num_shards", type=int, metavar="N", help="TFRecord files (default: one per 256 pictures)"
    )
    _add_workers(parser)
    parser.add_argument(
        "--skip_bad", action="store_true", help="leave bad pictures out and list them"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is in --out")


def _build(args: argparse.Namespace) -> None:
    from maskconver_tf.data.build import build_dataset

    summary = build_dataset(
        args.images,
        args.panoptic,
        args.annotations,
        args.out,
        num_shards=args.num_shards,
        workers=args.workers,
        skip_bad=args.skip_bad,
        overwrite=args.overwrite,
    )
    print(summary)


def _add_show(commands: Any) -> None:
    parser = _add_command(
        commands,
        "show",
        _show,
        "draw what a training would see: augmented pictures, masks, centers and their levels",
        "maskconver data show --gin_file experiments/demo.gin --out sheet.png",
    )
    _add_gin_file(parser)
    _add_gin(parser)
    parser.add_argument("--out", required=True, metavar="FILE", help="PNG file to write")
    parser.add_argument("--num", type=int, default=6, metavar="N", help="pictures (default: 6)")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of order and augmentation (default: the training's)"
    )


def _show(args: argparse.Namespace) -> None:
    from maskconver_tf.training import gin_support, runs

    gin_support.load(args.gin_file, args.gin)
    runs.show_inputs(args.out, args.num, args.seed)
    print(f"{args.out}: written")


def _add_train(commands: Any) -> None:
    parser = _add_command(
        commands,
        "train",
        _train,
        "train a model; run again, it goes on where it stopped",
        "maskconver train --gin_file experiments/demo.gin --model_dir runs/demo \\\n"
        "      --gin.train.total_steps=100",
    )
    _add_gin_file(parser)
    _add_gin(parser)
    parser.add_argument("--model_dir", required=True, metavar="DIR", help="the run's folder")


def _train(args: argparse.Namespace) -> None:
    from maskconver_tf.training import gin_support, runs

    gin_support.load(args.gin_file, args.gin)
    runs.train_run(args.model_dir)


def _add_evaluate(commands: Any) -> None:
    parser = _add_command(
        commands,
        "evaluate",
        _evaluate,
        "score a trained model: PQ, SQ and RQ, and COCO-format results",
        "maskconver evaluate --model runs/demo --data data/val --out runs/demo/val",
    )
    _add_model(parser)
    parser.add_argument("--data", metavar="DIR", help="dataset folder (default: the run's own)")
    parser.add_argument("--out", metavar="DIR", help="folder for results (default: the run's)")
    _add_gin(parser)


def _evaluate(args: argparse.Namespace) -> None:
    from maskconver_tf.training import runs

    runs.evaluate_run(args.model, args.data, args.out or args.model, args.gin)


def _add_predict(commands: Any) -> None:
    parser = _add_command(
        commands,
        "predict",
        _predict,
        "segment pictures: masks in color, a list of segments, an id map",
        "maskconver predict --model runs/demo street.jpg beach.jpg --out pictures",
    )
    _add_model(parser, "a run's --model_dir, or what `maskconver export` wrote")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures to segment")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--score_threshold", type=float, metavar="X", help="0..1 (default: the run's own)"
    )


def _predict(args: argparse.Namespace) -> None:
    import maskconver_tf
    from maskconver_tf.inference.predictor import check_files, predict_files

    check_files(args.images)  # Before TensorFlow takes its time.
    predictor = maskconver_tf.load(args.model, args.score_threshold)
    predict_files(predictor, args.images, args.out)


def _add_export(commands: Any) -> None:
    parser = _add_command(
        commands,
        "export",
        _export,
        "write a SavedModel for TensorFlow Serving",
        "maskconver export --model runs/demo --out exported",
    )
    _add_model(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of numbered versions")
    _add_gin(parser)


def _export(args: argparse.Namespace) -> None:
    from maskconver_tf.training import runs

    segmenter = runs.load_run(args.model, args.gin)
    from maskconver_tf.export.saved_model import export

    print(f"{export(segmenter, args.out)}: exported; TensorFlow Serving watches {args.out}")


# ---- Parsing -------------------------------------------------------------------------------------
class _Parser(argparse.ArgumentParser):
    """Raises a `UserError` where argparse would exit, and remembers its options to suggest one."""

    def __init__(self, **kwargs: Any) -> None:
        self.options: list[str] = []
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **kwargs)

    def add_argument(self, *names: str, **kwargs: Any) -> argparse.Action:
        self.options += [name for name in names if name.startswith("--")]
        return super().add_argument(*names, **kwargs)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # First, since argparse would rather complain of the option that is missing in consequence.
        if self.get_default("handler"):
            for argument in args:
                name = argument.partition("=")[0]
                if name.startswith("--") and name not in ["--", *self.options]:
                    self.refuse(name)
        return super().parse_known_args(args, namespace)

    def refuse(self, argument: str) -> NoReturn:
        close = difflib.get_close_matches(argument, self.options, n=1)
        advice = f"did you mean {close[0]}?" if close else f"see {self.prog} --help"
        raise UserError(f"unknown argument {argument}; {advice}")

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def _add_command(
    commands: Any,
    name: str,
    handler: Callable[[argparse.Namespace], None],
    summary: str,
    example: str,
) -> _Parser:
    parser = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example:\n  {example}"
    )
    parser.set_defaults(parser=parser, handler=handler)
    # Suppressed, so as not to undo one given before the command.
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show where an error arose"
    )
    return parser


def _add_model(parser: _Parser, what: str = "--model_dir of the training") -> None:
    parser.add_argument("--model", required=True, metavar="DIR", help=what)


def _add_gin_file(parser: _Parser) -> None:
    parser.add_argument(
        "--gin_file",
        action="append",
        required=True,
        metavar="FILE",
        help="experiment; given again, the later one overrides",
    )


def _add_gin(parser: _Parser) -> None:
    parser.set_defaults(takes_gin=True)
    parser.add_argument(
        "--gin.NAME=VALUE",
        dest="gin",
        action="append",
        default=[],
        metavar="",
        help="override one setting: train.total_steps=9, or STEPS=9 for a macro",
    )


def _add_workers(parser: _Parser) -> None:
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one per CPU)")


def _run_command(argv: list[str]) -> int:
    gin = [argument for argument in argv if argument.startswith(_GIN_PREFIX)]
    others = [_with_underscores(argument) for argument in argv if argument not in gin]
    args, unknown = _make_parser().parse_known_args(others)
    if gin and not args.takes_gin:
        raise UserError(f"{gin[0]}: this command takes no {_GIN_PREFIX}NAME=VALUE")
    for argument in gin:
        if "=" not in argument:
            raise UserError(f"{argument}: expected {_GIN_PREFIX}NAME=VALUE, with = and no space")
    if unknown:
        args.parser.refuse(unknown[0])
    if args.handler is None:
        args.parser.print_help(sys.stderr)
        return 2
    args.gin = [argument.removeprefix(_GIN_PREFIX) for argument in gin]
    args.handler(args)
    return 0


def _with_underscores(argument: str) -> str:
    """`--skip-bad` is `--skip_bad`."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument[2:].partition("=")
    return f"--{name.replace('-', '_')}{equals}{value}"
