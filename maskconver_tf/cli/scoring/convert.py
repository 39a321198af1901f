"""The command `maskconver convert`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from maskconver_tf.cli.arguments import add_command, folder_name
from maskconver_tf.errors import UserError

_FORMATS = """\
formats of --to:
  panoptic    a folder with predictions.json and predictions/*.png, which `maskconver score` reads
  instances   a JSON list of the things with run lengths and scores, which COCO.loadRes reads
  cityscapes  a folder with CITY/*_gtFine_labelIds.png and *_gtFine_instanceIds.png, which
              `maskconver score --coding cityscapes` reads; only for Cityscapes' classes

--pred is COCO panoptic JSON, or a list of instances. Where instances overlap, the pixels belong to
the higher score. --recalibration replaces the scores by shares that were right, which
`maskconver score --out` measured."""
TARGETS = ("panoptic", "instances", "cityscapes")


def add_convert_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "convert",
        run_convert,
        "write predictions in another format: COCO panoptic, COCO instances, Cityscapes",
        "maskconver convert --pred predictions.json --to instances --out instances.json",
        _FORMATS,
    )
    parser.add_argument(
        "--pred",
        required=True,
        type=folder_name("--pred", "predictions.json"),
        metavar="JSON",
        help="the predictions",
    )
    parser.add_argument(
        "--pred_png",
        metavar="DIR",
        help="id maps of --pred, PNG (default: its path without .json)",
    )
    parser.add_argument(
        "--classes", metavar="FILE", help="class list, JSON (default: categories of --pred)"
    )
    parser.add_argument("--to", required=True, choices=TARGETS, help="format to write")
    parser.add_argument(
        "--out",
        required=True,
        type=folder_name("--out", "converted"),
        metavar="PATH",
        help="folder to write; with --to instances a JSON file",
    )
    parser.add_argument(
        "--recalibration", metavar="FILE", help="recalibration.json of `maskconver score --out`"
    )


def run_convert(args: argparse.Namespace) -> None:
    from maskconver_tf.evaluation.formats.convert import convert, read_predictions
    from maskconver_tf.evaluation.lost_quality.recalibration import Recalibration
    from maskconver_tf.files.paths import make_out_folder

    if args.recalibration and args.to == "cityscapes":
        raise UserError(
            f"--recalibration {args.recalibration}: found --to cityscapes, whose files have no "
            "scores; expected panoptic or instances. Leave it out, or choose another format"
        )
    path, out = Path(args.pred), Path(args.out)
    make_out_folder(str(out.parent if args.to == "instances" else out))
    png_folder = Path(args.pred_png) if args.pred_png else path.with_suffix("")
    classes = Path(args.classes) if args.classes else None
    recalibration = Recalibration.load(Path(args.recalibration)) if args.recalibration else None
    found = read_predictions(path, png_folder, classes)
    print(f"{args.out}: {convert(found, args.to, out, recalibration)}")
