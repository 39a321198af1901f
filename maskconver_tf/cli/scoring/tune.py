"""The command that chooses the thresholds of a run: `maskconver tune`."""

from __future__ import annotations

import argparse
from typing import Any

from maskconver_tf.cli import run_options
from maskconver_tf.cli.arguments import (
    add_command,
    add_gin_option,
    add_model_option,
    folder_name,
    number_in,
)
from maskconver_tf.cli.threshold_options import add_threshold_options, thresholds_of

_KEEP = ("if_real", "always", "never")
_PRECISIONS = ("auto", "float32", "float16")
_NOTES = """\
The network runs once over the pictures. Its proposals are kept in a folder. The command scores some
hundred settings of the fusion on them: score thresholds of things, of stuff and of single classes,
overlap of things and of stuff, area, mask_quality and runner_up. It chooses on one half of the
pictures. The other half tells whether the gain is real. A second call uses the kept proposals
again, without the network.
With float32 each score equals that of `maskconver evaluate` with the same settings.

It writes tune.json, tune.csv and tune.png (PQ around the choice), and thresholds.json into the run.
`evaluate`, `predict`, `export` and `parity` use that file."""


def add_tune_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "tune",
        run_tune,
        "choose the thresholds of a panoptic run on labelled pictures, without training",
        "maskconver tune --model runs/demo --data data/val",
        epilog=_NOTES,
    )
    add_model_option(parser)
    parser.add_argument(
        "--data",
        "--eval_data",
        dest="data",
        type=folder_name("--data", "data/val"),
        metavar="DIR",
        help="dataset to choose on, not the one to report at the end (default: the run's own "
        "evaluation dataset)",
    )
    _add_folders(parser)
    parser.add_argument(
        "--keep",
        choices=_KEEP,
        default=_KEEP[0],
        help="when to write the choice into the run: if the held-out half shows a real gain, "
        f"always or never (default: {_KEEP[0]})",
    )
    parser.add_argument(
        "--no_classes", action="store_true", help="give no class its own score threshold"
    )
    parser.add_argument(
        "--thresholds_only",
        action="store_true",
        help="leave mask_quality and runner_up as they are",
    )
    add_threshold_options(parser)
    add_gin_option(parser, "PanopticFusion.score_threshold=0.5")


def _add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out",
        type=folder_name("--out", "runs/demo/tuning"),
        metavar="DIR",
        help="folder for results (default: tuning in the run's)",
    )
    parser.add_argument(
        "--proposals",
        type=folder_name("--proposals", "runs/demo/tuning/proposals"),
        metavar="DIR",
        help="folder of the kept proposals; you may delete it (default: proposals in --out)",
    )
    parser.add_argument(
        "--max_gigabytes",
        type=number_in("--max_gigabytes", 0.001, 100_000, such_as=4),
        default=4.0,
        metavar="X",
        help="most space of that folder; if float16 does not fit, it holds fewer pictures "
        "(default: 4)",
    )
    parser.add_argument(
        "--precision",
        choices=_PRECISIONS,
        default=_PRECISIONS[0],
        help="of the kept numbers; auto is float32 if all pictures fit (default: auto)",
    )


def run_tune(args: argparse.Namespace) -> None:
    from maskconver_tf.config.thresholds import tune_run
    from maskconver_tf.training.tuning.proposal_store import GIGABYTE, StoreOptions
    from maskconver_tf.training.tuning.tune import TuneOptions

    store = StoreOptions(max_bytes=int(args.max_gigabytes * GIGABYTE), dtype=args.precision)
    options = TuneOptions(
        args.proposals, store, not args.no_classes, not args.thresholds_only, args.keep
    )
    bindings = [*run_options.settings(args, ["train_data"]), *args.gin]
    tune_run.tune_run(args.model, args.data, args.out, bindings, thresholds_of(args), options)
