"""LiteRT on the command line: `maskconver export --to litert` and `maskconver parity`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from maskconver_tf.cli.arguments import (
    add_command,
    add_gin_option,
    add_model_option,
    folder_name,
    positive_count,
)
from maskconver_tf.cli.threshold_options import add_threshold_options, thresholds_of
from maskconver_tf.errors import UserError

_PRECISIONS = ("float32", "float16", "dynamic", "int8")
LITERT_DEFAULTS = {
    "precisions": _PRECISIONS,
    "float_tensors": None,
    "train_data": None,
    "eval_data": None,
    "calibration_pictures": 32,
    "scored_pictures": 50,
}
"""Of the options that only `--to litert` takes. The parser gives None for those left out."""


def add_litert_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `export` that only `--to litert` reads."""
    parser.add_argument(
        "--precisions",
        type=precisions,
        metavar="NAME,NAME,...",
        help=f"for litert: which files to write, some of {', '.join(_PRECISIONS)} (default: all)",
    )
    parser.add_argument(
        "--float_tensors",
        type=pattern,
        metavar="REGEX",
        help="for litert: tensors that the other precisions leave in float32; the error report of "
        "int8 has their names",
    )
    for name, what in (
        ("train", "pictures that int8 is calibrated on"),
        ("eval", "pictures that every file is scored on"),
    ):
        parser.add_argument(
            f"--{name}_data",
            type=folder_name(f"--{name}_data", f"data/{name}"),
            metavar="DIR",
            help=f"for litert: dataset with the {what} (default: the run's own)",
        )
    for name, what in (
        ("calibration_pictures", "pictures for calibration"),
        ("scored_pictures", "scored pictures"),
    ):
        parser.add_argument(
            f"--{name}",
            type=positive_count(f"--{name}"),
            metavar="N",
            help=f"for litert: number of {what} (default: {LITERT_DEFAULTS[name]})",
        )


def precisions(text: str) -> tuple[str, ...]:
    """Parses `--precisions`: names with commas between, each once, in the usual order."""
    names = [name.strip() for name in text.split(",")]
    if unknown := sorted(set(names) - set(_PRECISIONS)):
        raise UserError(
            f"--precisions {text}: found {unknown[0]!r}; expected some of "
            f"{', '.join(_PRECISIONS)}, with commas between, such as float32,int8"
        )
    return tuple(name for name in _PRECISIONS if name in names)


def pattern(text: str) -> str:
    """Parses `--float_tensors`."""
    if not text:
        raise UserError(
            "--float_tensors '': found an empty text, which is in every name; expected a regular "
            "expression such as center_heatmap_head/output"
        )
    try:
        re.compile(text)
    except re.error as error:
        raise UserError(
            f"--float_tensors {text}: not a regular expression ({error}); expected one such as "
            "center_heatmap_head/output"
        ) from None
    return text


def run_litert_export(args: argparse.Namespace) -> None:
    """Does `maskconver export --to litert`."""
    if args.float_tensors and args.precisions == ("float32",):
        raise UserError(
            f"--float_tensors {args.float_tensors}: --precisions float32 has all tensors in "
            "float32; leave --float_tensors out, or add one of float16, dynamic and int8 to "
            "--precisions"
        )
    from maskconver_tf.config import configuration, roots
    from maskconver_tf.input.pipeline import EvaluationInput, TrainingInput

    segmenter = roots.load_run(args.model, args.gin, thresholds_of(args))
    from maskconver_tf.export.litert.export_litert import export_litert
    from maskconver_tf.export.litert.options import LiteOptions

    def own(kind: type) -> str | None:
        value = configuration.argument(kind, "data_dir")
        return value if isinstance(value, str) else None

    options = LiteOptions(
        precisions=args.precisions,
        float_tensors=args.float_tensors,
        train_data=args.train_data or own(TrainingInput),
        eval_data=args.eval_data or own(EvaluationInput),
        num_calibration=args.calibration_pictures,
        num_scored=args.scored_pictures,
    )
    print(f"{export_litert(segmenter, args.out, options)}: exported")


def add_parity_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "parity",
        run_parity,
        "run a model and its exports on the same pictures and tell where their maps differ",
        "maskconver parity --model runs/demo --exports exported lite --data data/val",
    )
    add_model_option(parser)
    parser.add_argument(
        "--exports",
        nargs="+",
        required=True,
        metavar="PATH",
        help="folders that `maskconver export` wrote, of any runtime, or single .tflite files",
    )
    parser.add_argument("--images", nargs="+", default=[], metavar="IMAGE", help="pictures")
    parser.add_argument(
        "--data",
        type=folder_name("--data", "data/val"),
        metavar="DIR",
        help="dataset with truth, for PQ, in place of --images",
    )
    parser.add_argument(
        "--num_pictures",
        type=positive_count("--num_pictures"),
        default=20,
        metavar="N",
        help="number of pictures of --data (default: 20)",
    )
    add_threshold_options(parser)
    add_gin_option(parser, "PanopticFusion.score_threshold=0.5")


def run_parity(args: argparse.Namespace) -> None:
    if bool(args.images) == bool(args.data):
        found = "both" if args.data else "neither"
        raise UserError(f"found {found} --images and --data; give one of them")
    from maskconver_tf.config import roots
    from maskconver_tf.inference.predictor import describe_missing_picture

    if missing := [path for path in args.images if not Path(path).is_file()]:
        raise UserError("\n".join(map(describe_missing_picture, missing)))
    segmenter = roots.load_run(args.model, args.gin, thresholds_of(args))
    from maskconver_tf.export import parity
    from maskconver_tf.export.litert.held_out import read_examples

    if args.data:
        examples = read_examples(args.data, segmenter.input_size, args.num_pictures)
    else:
        examples = parity.read_pictures(
            args.images, segmenter.input_size, segmenter.categories.pictures
        )
    results = parity.compare_forms(
        segmenter, args.exports, examples, bool(args.data), thresholds_of(args)
    )
    print(parity.format_results(results))
