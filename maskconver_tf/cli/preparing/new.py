"""The command `maskconver new`: from a dataset to a first experiment."""

from __future__ import annotations

import argparse
import math
from typing import Any

from maskconver_tf.cli.arguments import add_command, add_workers_option, folder_name
from maskconver_tf.errors import UserError

_LONGEST = 100_000
"""Minutes; more than two months."""

_NOTES = """\
DATA is a folder that `maskconver data build` wrote, or a folder in COCO panoptic layout, which
the command builds first. The command looks at up to 400 pictures: how many things, how large, how
close, photographs or not. It computes some steps of the chosen model on this machine. Then it
writes an experiment of at most 40 lines, with a reason for each value, and says what to expect.

The validation pictures come from the first of these that you give or have:
  --eval_data DIR   this dataset folder
  --split 0.2       a fifth of DATA. Pictures that show the same stay in one part, and with
                    --group_by folder those of one folder. For --out mine.gin the parts are
                    mine_data/train and mine_data/val
  neither           `val` beside or in DATA; if there is none, the training pictures themselves

The experiment names the data as you do here: start the training in the same folder."""


def add_new_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "new",
        run_new,
        "look at your data and this machine, and write a first experiment for them",
        "maskconver new data/all --split 0.2 --out mine.gin --minutes 30",
        epilog=_NOTES,
    )
    parser.add_argument(
        "data",
        type=folder_name("DATA", "data/all"),
        metavar="DATA",
        help="dataset folder, or COCO panoptic folder",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="experiment to write, .gin")
    parser.add_argument(
        "--minutes",
        type=_minutes,
        default=30.0,
        metavar="N",
        help="how long a training on this machine may take (default: 30)",
    )
    parser.add_argument(
        "--eval_data",
        type=folder_name("--eval_data", "data/val"),
        metavar="DIR",
        help="dataset folder of validation",
    )
    parser.add_argument(
        "--split",
        type=_share,
        metavar="SHARE",
        help="take this share of the pictures for validation, such as 0.2",
    )
    parser.add_argument(
        "--group_by",
        choices=("folder",),
        help="with --split: pictures of one folder, such as the frames of a film, stay together",
    )
    parser.add_argument(
        "--orientation",
        choices=("upright", "any"),
        default="upright",
        help="any: turned and mirrored pictures are as good as upright ones (default: upright)",
    )
    parser.add_argument(
        "--skip_measure", action="store_true", help="assume a speed and measure no PQ ceiling"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the experiment, and data made for it"
    )
    add_workers_option(parser)


def run_new(args: argparse.Namespace) -> None:
    if args.group_by and args.split is None:
        raise UserError(
            f"--group_by {args.group_by}: only --split uses it; add --split 0.2, or remove it"
        )
    from maskconver_tf.planning.first_configuration.new_experiment import (
        NewRequest,
        new_experiment,
    )
    from maskconver_tf.planning.first_configuration.parts.split import SplitRequest

    request = NewRequest(
        data=args.data,
        out=args.out,
        minutes=args.minutes,
        eval_data=args.eval_data,
        split=None if args.split is None else SplitRequest(args.split, args.group_by),
        orientation=args.orientation,
        overwrite=args.overwrite,
        workers=args.workers,
    )
    if args.skip_measure:
        print(new_experiment(request))
        return
    print(new_experiment(request, _measure_text, _measure_ceilings))


def _measure_text(text: str, part_size: int) -> Any:
    from maskconver_tf.config.measured_runs.measure_experiment import measure_experiment

    return measure_experiment(text, part_size)


def _measure_ceilings(plan: Any, opened: Any) -> dict[str, float]:
    from maskconver_tf.planning.first_configuration.ceilings import measure_ceilings

    return measure_ceilings(plan, opened)


def _minutes(text: str) -> float:
    minutes = _number(text)
    if not 0 < minutes <= _LONGEST:
        raise UserError(
            f"--minutes {text}: expected a number of minutes above 0, at most {_LONGEST}, such as "
            "--minutes 30"
        )
    return minutes


def _share(text: str) -> float:
    share = _number(text)
    if not 0 < share < 1:
        raise UserError(
            f"--split {text}: expected the share of the pictures for validation, a number above 0 "
            "and below 1, such as --split 0.2"
        )
    return share


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
