"""The command `maskconver report`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskconver_tf.cli.arguments import (
    add_command,
    add_workers_option,
    folder_name,
    positive_count,
)
from maskconver_tf.errors import UserError

if TYPE_CHECKING:
    from maskconver_tf.evaluation.report.model_folders import ReportModel
    from maskconver_tf.evaluation.report.report_truth import Truth

_INPUTS = """\
RUN is one of these; several are compared with the first:
  the folder of a training; if it has no predictions yet, they are made first
  a folder that `maskconver evaluate --out` wrote
  a JSON file in COCO's panoptic format; its PNG files lie in the folder of its name without .json

The truth is the dataset that `evaluate` scored on, or what --data or --truth says.
Open index.html of the report in a browser. It needs no network and no server."""


def add_report_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "report",
        run_report,
        "make a page that shows scores, what they lose, and the pictures behind each number",
        "maskconver report runs/demo --out report",
        _INPUTS,
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="what to report")
    parser.add_argument(
        "--out",
        required=True,
        type=folder_name("--out", "report"),
        metavar="DIR",
        help="folder for the report; an older report there is replaced",
    )
    parser.add_argument(
        "--names",
        nargs="+",
        metavar="NAME",
        help="what the page calls each RUN (default: its path)",
    )
    parser.add_argument(
        "--title", default="Panoptic report", help="heading of the page (default: Panoptic report)"
    )
    parser.add_argument(
        "--boundary",
        action="store_true",
        help="also boundary PQ; scoring then takes twice the time",
    )
    parser.add_argument(
        "--allow_missing", action="store_true", help="count a missing prediction as empty"
    )
    parser.add_argument(
        "--side",
        type=positive_count("--side"),
        default=640,
        metavar="N",
        help="longest side of the pictures on the page, in pixels (default: 640)",
    )
    add_workers_option(parser)
    _add_truth_options(parser)


def _add_truth_options(parser: Any) -> None:
    group = parser.add_argument_group("another truth")
    group.add_argument("--data", metavar="DIR", help="dataset folder, as `data build` writes it")
    group.add_argument("--truth", metavar="JSON", help="COCO panoptic JSON file")
    group.add_argument(
        "--truth_png", metavar="DIR", help="its PNG files (default: the JSON's path without .json)"
    )
    group.add_argument(
        "--images", metavar="DIR", help="its pictures; without them the page shows no photos"
    )


def run_report(args: argparse.Namespace) -> None:
    from maskconver_tf.evaluation.report.model_folders import find_models, other_thresholds
    from maskconver_tf.evaluation.report.write_report import ReportOptions, write_report

    _check_truth_options(args)
    paths = [Path(run) for run in args.runs]
    _check_out(Path(args.out), paths)
    for path in paths:
        _evaluate_if_needed(path, args)
    models = find_models(paths, args.names)
    for note in filter(None, map(other_thresholds, models)):
        print(f"note: {note}", file=sys.stderr)
    truth = _truth(args, models)
    options = ReportOptions(
        args.title,
        args.workers,
        args.boundary,
        args.allow_missing,
        args.side,
    )
    made = write_report(models, truth, Path(args.out), options)
    for model, scored in zip(models, made.scored, strict=True):
        pq = scored.results["all"]["pq"]
        print(f"{model.name}: PQ {'none' if pq is None else f'{pq:.1f}'}")
    print(f"{made.page}: {made.num_pictures} pictures; open it in a browser")


def _check_out(out: Path, runs: list[Path]) -> None:
    if out.resolve() in [run.resolve() for run in runs]:
        raise UserError(
            f"--out {out}: found what is reported; expected a folder for the report alone. Give "
            f"another one, such as --out {out / 'report'}"
        )


def _check_truth_options(args: argparse.Namespace) -> None:
    if args.data and args.truth:
        raise UserError(
            f"--data {args.data} and --truth {args.truth}: found two truths; expected one. Leave "
            "one of them out"
        )
    for name in ("truth_png", "images"):
        value = getattr(args, name)
        if value and not args.truth:
            raise UserError(
                f"--{name} {value}: found no --truth, to which it belongs; add --truth with a COCO "
                f"panoptic JSON file, or leave --{name} out"
            )


def _evaluate_if_needed(path: Path, args: argparse.Namespace) -> None:
    """Makes the predictions of a run that has none, or has those of older weights."""
    from maskconver_tf.evaluation.report.model_folders import why_evaluate

    given = args.data or args.truth
    reason = why_evaluate(path, needs_record=not given)
    if reason is None:
        return
    if args.truth:
        raise UserError(
            f"{path}: {reason}. `maskconver evaluate --model {path} --data DATASET` makes them for "
            "a dataset folder; then report again, with --data DATASET in place of --truth"
        )
    print(f"{path}: {reason}, so it is evaluated first", flush=True)
    from maskconver_tf.config import roots

    roots.evaluate_run(str(path), args.data, str(path))


def _truth(args: argparse.Namespace, models: list[ReportModel]) -> Truth:
    from maskconver_tf.evaluation.report.model_folders import run_mapping
    from maskconver_tf.evaluation.report.report_truth import CocoTruth, DatasetTruth
    from maskconver_tf.files.paths import local_or_remote_path

    if args.truth:
        path = Path(args.truth)
        if not path.is_file():
            found = "a folder" if path.is_dir() else "nothing"
            raise UserError(
                f"--truth {path}: found {found}; expected a COCO panoptic JSON file. Give it, "
                "or a dataset folder with --data"
            )
        png = Path(args.truth_png) if args.truth_png else path.with_suffix("")
        images = Path(args.images) if args.images else None
        return CocoTruth(path, png, images, run_mapping(models) if images else None)
    return DatasetTruth(local_or_remote_path(args.data or _noted_dataset(models)))


def _noted_dataset(models: list[ReportModel]) -> str:
    """Returns the dataset on which all models were evaluated."""
    for model in models:
        if model.record is None:
            raise UserError(
                f"{model.predictions[0]}: found no evaluation.json beside it, which tells where "
                "the truth is. Give the truth with --data, or with --truth and --truth_png"
            )
    datasets = {model.record.dataset: model.name for model in models}
    if len(datasets) > 1:
        (first, name), (second, other), *_ = datasets.items()
        raise UserError(
            f"--data: {name} was evaluated on {first}, but {other} on {second}; expected one "
            "dataset. Give it with --data, or report each alone"
        )
    return next(iter(datasets))
