"""The command `maskconver evaluate`."""

from __future__ import annotations

import argparse
from typing import Any

from maskconver_tf.cli import run_options
from maskconver_tf.cli.arguments import add_command, add_gin_option, add_model_option, folder_name
from maskconver_tf.cli.threshold_options import add_threshold_options, thresholds_of
from maskconver_tf.cli.tile_options import add_tile_options
from maskconver_tf.errors import UserError


def add_evaluate_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "evaluate",
        run_evaluate,
        "score a trained model: PQ, SQ and RQ with results in COCO format; mIoU; or accuracy",
        "maskconver evaluate --model runs/demo --eval_data data/val --out runs/demo/val",
    )
    add_model_option(parser)
    parser.add_argument(
        "--eval_data",
        "--data",
        dest="eval_data",
        type=folder_name("--eval_data"),
        metavar="DIR",
        help="dataset to score on; both names mean the same (default: the run's own)",
    )
    parser.add_argument(
        "--train_data",
        type=folder_name("--train_data"),
        metavar="DIR",
        help="dataset of the training, as in `train`; the scores do not depend on it (default: "
        "the run's own)",
    )
    parser.add_argument(
        "--out",
        type=folder_name("--out", "runs/demo/val"),
        metavar="DIR",
        help="folder for results (default: the run's)",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="write the thresholds of this evaluation into the run, for all later predictions",
    )
    parser.add_argument(
        "--recalibrate",
        action="store_true",
        help="fit curves that make the scores of the segments honest, and keep them in the run for "
        "all later predictions if they are better on pictures that did not fit them; PQ does not "
        "change",
    )
    add_threshold_options(parser)
    add_gin_option(parser, "PanopticFusion.score_threshold=0.5")
    add_tile_options(parser)


def run_evaluate(args: argparse.Namespace) -> None:
    from maskconver_tf.files.paths import make_out_folder
    from maskconver_tf.inference.tiles.chosen_tile import parse_tile

    tile = parse_tile(args.tile, args.overlap)
    if tile is not None and args.recalibrate:
        raise UserError(
            f"--recalibrate: found --tile {args.tile}, which joins the scores of windows; expected "
            "pictures as a whole. Remove one of the options"
        )
    if args.out:
        make_out_folder(args.out)  # Before TensorFlow loads.
    from maskconver_tf.config import roots

    bindings = [*run_options.settings(args, ["train_data"]), *args.gin]
    roots.evaluate_run(
        args.model,
        args.eval_data,
        args.out or args.model,
        bindings,
        thresholds_of(args),
        args.keep,
        tile,
        args.recalibrate,
    )
