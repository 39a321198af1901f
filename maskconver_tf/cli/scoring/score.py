"""The command `maskconver score`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from maskconver_tf.cli.arguments import (
    add_command,
    add_workers_option,
    folder_name,
    positive_count,
)
from maskconver_tf.errors import UserError

_INPUTS = """\
inputs:
  COCO panoptic files (also Cityscapes' cityscapes_panoptic_val.json): --truth and --pred are JSON
      files, --truth_png and --pred_png their folders of PNG files (default: the JSON's path
      without .json)
  two folders of label pictures: --truth and --pred are folders, --coding says how the pictures
      hold class and instance, --classes is the class list. Files of one name belong together
      two_channel: the class in R and the instance in G, or as --class_channel and
          --instance_channel say
      id_maps: class x 1000 + instance in each pixel, or as --divisor says
      cityscapes: the values of the instanceIds files; the classes are known

outputs: tables of PQ by group, class and size, of the kinds of error that cost PQ and of what each
fix brings, mIoU, and AP and calibration if the predictions have scores. --out writes results.json,
per_class.csv, per_picture.csv, per_segment.csv, and recalibration.json for `maskconver convert`.

docs/evaluation.md tells what each number means."""


def add_score_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "score",
        run_score,
        "score panoptic predictions of any program from files, and tell where PQ is lost",
        "maskconver score --truth panoptic_val.json --truth_png panoptic_val \\\n"
        "      --pred predictions.json --pred_png predictions --out scores",
        _INPUTS,
    )
    for name, what in (("truth", "the truth"), ("pred", "the predictions")):
        parser.add_argument(
            f"--{name}",
            required=True,
            type=folder_name(f"--{name}", "panoptic_val.json"),
            metavar="PATH",
            help=f"{what}: COCO panoptic JSON, or a folder of label pictures",
        )
        parser.add_argument(f"--{name}_png", metavar="DIR", help=f"id maps of {what}, PNG")
    parser.add_argument(
        "--against", metavar="PATH", help="other predictions of the same pictures to compare with"
    )
    parser.add_argument("--against_png", metavar="DIR", help="id maps of --against, PNG")
    parser.add_argument(
        "--out", metavar="DIR", help="folder for results.json, CSV files and recalibration.json"
    )
    parser.add_argument(
        "--boundary", action="store_true", help="also boundary PQ; takes about twice the time"
    )
    parser.add_argument(
        "--strict", action="store_true", help="PQ to the last bit as COCO's program gives it"
    )
    parser.add_argument(
        "--allow_missing", action="store_true", help="count a missing prediction as empty"
    )
    add_workers_option(parser)
    _add_folder_options(parser)


def _add_folder_options(parser: Any) -> None:
    group = parser.add_argument_group("two folders of label pictures")
    group.add_argument("--coding", metavar="NAME", help="two_channel, id_maps or cityscapes")
    group.add_argument("--classes", metavar="FILE", help="class list, JSON")
    group.add_argument("--class_channel", metavar="C", default="R", help="default: R")
    group.add_argument("--instance_channel", metavar="C", default="G", help="default: G")
    group.add_argument("--divisor", type=positive_count("--divisor"), metavar="N", default=1000)
    group.add_argument(
        "--void_ids",
        metavar="N,N",
        default="0,255",
        help="classes that mean void, unless the list has them (default: 0,255)",
    )


def run_score(args: argparse.Namespace) -> None:
    from maskconver_tf.datasets.process_pool import num_workers
    from maskconver_tf.evaluation.scoring.score import score_files, write_scoring
    from maskconver_tf.evaluation.scoring.terminal_tables import format_scoring
    from maskconver_tf.files.paths import make_out_folder

    if args.out:
        make_out_folder(args.out)
    pairs = _pairs(args)
    for note in pairs.notes:
        print(f"note: {note}", file=sys.stderr)
    workers = num_workers(args.workers, pairs.count)
    scoring = score_files(pairs, workers, args.strict, args.boundary)
    written = write_scoring(Path(args.out), scoring) if args.out else []
    print(format_scoring(scoring.results))  # After the files: `| head` ends the program here.
    if written:
        print(f"{args.out}: {', '.join(written)}")


def _pairs(args: argparse.Namespace) -> Any:
    """Pairs the pictures of JSON files or of folders, whichever --truth is."""
    predictions = [(args.pred, args.pred_png)]
    if args.against:
        predictions.append((args.against, args.against_png))
    if Path(args.truth).is_dir():
        return _folder_pairs(args, [path for path, _ in predictions])
    if args.coding is not None:
        raise UserError(
            f"--coding {args.coding}: found --truth {args.truth}, which is no folder; --coding "
            "belongs to two folders of label pictures. Remove it, or give folders"
        )
    from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs

    files = [
        (Path(path), Path(png) if png else Path(path).with_suffix(""))
        for path, png in [(args.truth, args.truth_png), *predictions]
    ]
    return coco_pairs(files[0], files[1:], args.allow_missing, args.strict)


def _folder_pairs(args: argparse.Namespace, predictions: list[str]) -> Any:
    from maskconver_tf.datasets.sources.label_pictures.two_channel import checked_channels
    from maskconver_tf.datasets.sources.named_source import parse_numbers
    from maskconver_tf.evaluation.scoring.reading.folder_pairs import CODINGS, Coding, folder_pairs

    if args.coding is None:
        raise UserError(
            f"--truth {args.truth}: found a folder; expected a COCO panoptic JSON file. Give the "
            f"file, or --coding with one of {', '.join(CODINGS)} for a folder of label pictures"
        )
    coding = Coding(
        args.coding,
        Path(args.classes) if args.classes else None,
        checked_channels(args.class_channel, args.instance_channel),
        args.divisor,
        parse_numbers("void_ids", args.void_ids),
    )
    return folder_pairs(
        Path(args.truth), [Path(path) for path in predictions], coding, args.allow_missing
    )
