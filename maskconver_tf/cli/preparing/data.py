"""The commands of `maskconver data`: synth, check, build and show."""

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
    input_size,
)
from maskconver_tf.datasets.sources.options import DEFAULT_SOURCE, OPTIONS, describe_sources
from maskconver_tf.errors import UserError

_CHECK_NOTES = """\
To check a source that is not built yet, give --source and its options, as for `data build`. An
option with val_ before its name describes the validation part, such as --val_split val. Options
that you do not repeat in this way are the same for both parts.

To prove a built folder DIR against its source, give --against. The source is read again by the
rules of the build, and every picture, segment and class is compared with the records:

  maskconver data check data/train --against              the source that dataset.json names
  maskconver data check data/train --against /mnt/coco    the same source after a move
  maskconver data check data/train --against --images ... --panoptic ... --annotations ...

exit status: 0 for no problems, 1 for problems (0 with --exit_zero), 2 for an error in the command

"""

_GRID_OPTIONS = ("input_size", "num_slots", "label_stride", "mask_stride", "ceiling_pictures")
"""Options of `data check` that describe a model."""


def add_data_commands(commands: Any) -> None:
    data = commands.add_parser("data", help="make, check, build and show datasets")
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
            help=f"scenes in {part} (default: {default})",
        )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="each seed gives other scenes (default: 0)"
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


# ---- check ---------------------------------------------------------------------------------------
def add_check_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "check",
        run_check,
        "tell what is in a dataset, what is wrong with it, and what a perfect model would score",
        "maskconver data check --out report coco --input_size 640,640 --input_size 1280,1280",
        epilog=_CHECK_NOTES + describe_sources(),
    )
    parser.add_argument(
        "dataset_folder",
        nargs="?",
        metavar="DIR",
        help="a folder that `data build` wrote, or a folder in COCO panoptic layout with all its "
        "parts; omit DIR if --source options name the dataset",
    )
    parser.add_argument("--val", metavar="DIR", help="validation part, a folder of the same kinds")
    parser.add_argument(
        "--against",
        nargs="?",
        const="",
        metavar="SOURCE",
        help="compare the built folder DIR with its source, and do nothing else; SOURCE is the "
        "folder of the source if it is not where dataset.json says",
    )
    parser.add_argument("--out", metavar="DIR", help="folder for check.html and check.json")
    parser.add_argument(
        "--exit_zero", action="store_true", help="end with status 0 even if there are problems"
    )
    _add_grid_options(parser)
    add_workers_option(parser)
    add_source_options(parser, with_val=True)


def _add_grid_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--input_size",
        action="append",
        type=input_size,
        metavar="H,W",
        help="input size of the model; may be repeated (default: 640,640)",
    )
    for name, default, what in (
        ("num_slots", 248, "most segments of a picture in training"),
        ("label_stride", 2, "input pixels per cell of the labels"),
        ("mask_stride", 4, "input pixels per cell of the masks"),
        ("ceiling_pictures", 200, "pictures of each part that measure the PQ ceiling; 0: none"),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"{what} (default: {default})"
        )


def run_check(args: argparse.Namespace) -> int:
    given = {name: getattr(args, name) for name in OPTIONS}
    val_given = {name: getattr(args, f"val_{name}") for name in OPTIONS}
    check = _check if args.against is None else _prove
    report = check(args, given, val_given)
    print(report)
    return 1 if report.problems and not args.exit_zero else 0


def _prove(args: argparse.Namespace, given: dict[str, Any], val_given: dict[str, Any]) -> Any:
    from maskconver_tf.planning.dataset_proof.prove_dataset import prove_dataset

    for name in _GRID_OPTIONS:
        if getattr(args, name) != args.parser.get_default(name):
            raise UserError(
                f"--{name}: --against compares records and source and measures nothing for a "
                f"model; remove --{name}, or check without --against"
            )
    return prove_dataset(
        args.dataset_folder,
        args.val,
        args.against,
        args.source,
        given,
        val_given,
        args.out,
        args.workers,
    )


def _check(args: argparse.Namespace, given: dict[str, Any], val_given: dict[str, Any]) -> Any:
    from maskconver_tf.planning.dataset_check.check_dataset import check_dataset

    return check_dataset(
        args.dataset_folder,
        args.val,
        args.source or DEFAULT_SOURCE,
        given,
        val_given,
        args.out,
        input_sizes=args.input_size or [(640, 640)],
        num_slots=args.num_slots,
        label_stride=args.label_stride,
        mask_stride=args.mask_stride,
        ceiling_pictures=args.ceiling_pictures,
        workers=args.workers,
        make_fusion=_make_fusion,
    )


def _make_fusion() -> Any:
    """Loads TensorFlow; the check calls it only to measure a ceiling."""
    from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

    return PanopticFusion()


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
