"""The command that segments pictures with a trained model: `maskconver predict`."""

from __future__ import annotations

import argparse
from typing import Any

from maskconver_tf.cli.arguments import (
    add_command,
    add_model_option,
    folder_name,
    number_in,
)
from maskconver_tf.files.encoded_pictures.pixel_limit import HELP, MAX_PIXELS, parse_max_pixels


def add_predict_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "predict",
        run_predict,
        "segment pictures; write masks in color, lists of segments and id maps",
        "maskconver predict --model runs/demo street.jpg beach.jpg --out pictures",
    )
    add_model_option(parser, "a run's --model_dir, or a folder that `maskconver export` wrote")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures to segment")
    parser.add_argument(
        "--out",
        required=True,
        type=folder_name("--out", "pictures"),
        metavar="DIR",
        help="folder to write",
    )
    parser.add_argument(
        "--max_pixels", type=parse_max_pixels, default=MAX_PIXELS, metavar="N", help=HELP
    )
    parser.add_argument(
        "--score_threshold",
        type=number_in("--score_threshold", 0, 1),
        metavar="X",
        help="lowest score of a segment, 0..1 (default: the run's own)",
    )


def run_predict(args: argparse.Namespace) -> None:
    import maskconver_tf
    from maskconver_tf.inference.predict_files import check_pictures_exist, predict_files

    check_pictures_exist(args.images)  # Loading TensorFlow takes seconds: report bad paths before.
    predictor = maskconver_tf.load(args.model, args.score_threshold)
    predict_files(predictor, args.images, args.out, args.max_pixels)
