"""The commands of `maskconver data`: synth, build and show; `check` has its own file."""

from __future__ import annotations

import argparse
from typing import Any

from maskconver_tf.cli import run_options
from maskconver_tf.cli.arguments import (
    CommandParser,
    add_command,
    add_gin_file_option,
    add_gin_option,
    add_source_options,
    add_workers_option,
)
from maskconver_tf.cli.preparing.check import add_check_command
from maskconver_tf.datasets.sources.options import OPTIONS, describe_sources
from maskconver_tf.errors import UserError


def add_data_commands(commands: Any) -> None:
    summary = "make, check, build and show datasets"
    data = commands.add_parser("data", help=summary, description=summary)
    data.set_defaults(parser=data)
    data_commands = data.add_subparsers(title="commands", metavar="COMMAND")
    add_synth_command(data_commands)
    add_check_command(data_commands)
    add_build_command(data_commands)
    add_show_command(data_commands)


# ---- synth ---------------------------------------------------------------------------------------
def add_synth_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "synth",
        run_synth,
        "write a built-in dataset: generated pictures in COCO panoptic layout",
        "maskconver data synth --out scenes --num_train 1000 --num_val 100",
    )
    parser.add_argument(
        "--kind",
        choices=("scenes", "crowd"),
        default="scenes",
        help="scenes: 13 classes, a few things a picture; crowd: 20 to 150 small things of one "
        "class that touch (default: scenes)",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    for part, default in (("train", 1000), ("val", 100)):
        parser.add_argument(
            f"--num_{part}",
            type=int,
            default=default,
            metavar="N",
            help=f"pictures of the part {part} (default: {default})",
        )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="each gives other pictures (default: 0)"
    )
    add_workers_option(parser)


def run_synth(args: argparse.Namespace) -> None:
    from maskconver_tf.datasets.synthetic.toy_scenes import write_toy_scenes

    written = write_toy_scenes(
        args.out, args.num_train, args.num_val, args.seed, args.workers, kind=args.kind
    )
    print(f"{args.out}: {'written' if written else 'holds these pictures already'}")


# ---- build ---------------------------------------------------------------------------------------
def add_build_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "build",
        run_build,
        "check every picture of a dataset and write the dataset as TFRecords",
        "maskconver data build --images coco/val2017 --panoptic coco/panoptic_val2017 \\\n"
        "      --annotations coco/panoptic_val2017.json --out data/coco_val",
        epilog=describe_sources(),
    )
    add_source_options(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="dataset folder to write")
    parser.add_argument(
        "--num_shards", type=int, metavar="N", help="TFRecord files (default: one per 256 pictures)"
    )
    add_workers_option(parser)
    _add_beam_options(parser)
    parser.add_argument("--skip_bad", action="store_true", help="skip bad pictures and list them")
    parser.add_argument("--overwrite", action="store_true", help="replace the content of --out")


def _add_beam_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--runner",
        nargs="?",
        const="DirectRunner",
        metavar="NAME",
        help="build with Apache Beam (needs the extra beam); the runner is DirectRunner (default), "
        "DataflowRunner, FlinkRunner, SparkRunner, ...",
    )
    parser.add_argument(
        "--pipeline_option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="option of Beam or its runner, such as direct_num_workers=4 or project=mine; may be "
        "repeated",
    )


def run_build(args: argparse.Namespace) -> None:
    given = {name: getattr(args, name) for name in OPTIONS}
    names = ("num_shards", "workers", "skip_bad", "overwrite")
    settings = {name: getattr(args, name) for name in names}
    if args.runner:
        from maskconver_tf.datasets.build.beam_build import build_on_beam

        summary = build_on_beam(
            args.source, given, args.out, args.runner, args.pipeline_option, **settings
        )
    elif args.pipeline_option:
        raise UserError("--pipeline_option: Apache Beam reads this option; give --runner as well")
    else:
        from maskconver_tf.datasets.build.build import build_named_source

        summary = build_named_source(args.source, given, args.out, **settings)
    print(summary)


# ---- show ----------------------------------------------------------------------------------------
def add_show_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "show",
        run_show,
        "draw training inputs: augmented pictures, masks, centers and their levels",
        "maskconver data show --gin_file experiments/demo.gin --train_data data/train \\\n"
        "      --out sheet.png",
    )
    add_gin_file_option(parser)
    run_options.add_run_options(parser, run_options.DATA)
    add_gin_option(parser)
    parser.add_argument("--out", required=True, metavar="FILE", help="PNG file to write")
    parser.add_argument("--num", type=int, default=6, metavar="N", help="pictures (default: 6)")
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="seed of order and augmentation (default: the training's)",
    )


def run_show(args: argparse.Namespace) -> None:
    from maskconver_tf.config import configuration

    configuration.load(args.gin_file, [*run_options.settings(args), *args.gin])
    from maskconver_tf.config import roots  # takes seconds: report bad arguments before

    roots.show_run_inputs(args.out, args.num, args.seed)
    print(f"{args.out}: written")
