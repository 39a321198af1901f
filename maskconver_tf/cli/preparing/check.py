"""The command `maskconver data check`."""

from __future__ import annotations

import argparse
from typing import Any

from maskconver_tf.cli.arguments import (
    CommandParser,
    add_command,
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

_GRID_OPTIONS = (
    *("input_size", "sizes", "num_slots", "label_stride", "mask_stride", "ceiling_pictures"),
    *("num_proposals", "train_size", "scale_range"),
)
"""Options of `data check` that describe a model."""


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
    parser.add_argument(
        "--sizes",
        choices=("auto",),
        metavar="auto",
        help="compare input sizes from half to twice the usual size of the pictures: PQ ceilings, "
        "and the time of a picture as a multiple of that at the first size, by the input's pixels",
    )
    parser.add_argument(
        "--train_size",
        type=input_size,
        metavar="H,W",
        help="input size of the training, if it is another one; for warnings",
    )
    parser.add_argument(
        "--scale_range",
        type=_scale_range,
        default=(1.0, 1.0),
        metavar="A,B",
        help="TrainingInput.scale_range, for warnings (default: 1,1)",
    )
    for name, default, what in (
        ("num_slots", 248, "most segments of a picture in training"),
        ("num_proposals", 256, "most segments of a prediction"),
        ("label_stride", 2, "input pixels per cell of the labels"),
        ("mask_stride", 4, "input pixels per cell of the masks"),
        ("ceiling_pictures", 200, "pictures of each part that measure the PQ ceiling; 0: none"),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"{what} (default: {default})"
        )


def _scale_range(text: str) -> tuple[float, float]:
    """Parses `--scale_range`."""
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError(
            f"--scale_range {text}: expected the lowest and the highest scale, such as 0.5,2"
        ) from None
    return low, high


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
    from maskconver_tf.planning.dataset_check.advice.settings_advice import TrainingView
    from maskconver_tf.planning.dataset_check.check_dataset import check_dataset

    if args.sizes and args.input_size:
        raise UserError("found both --sizes and --input_size; give one of them")
    return check_dataset(
        args.dataset_folder,
        args.val,
        args.source or DEFAULT_SOURCE,
        given,
        val_given,
        args.out,
        input_sizes=None if args.sizes else args.input_size or [(640, 640)],
        num_slots=args.num_slots,
        label_stride=args.label_stride,
        mask_stride=args.mask_stride,
        ceiling_pictures=args.ceiling_pictures,
        workers=args.workers,
        make_fusion=_make_fusion,
        view=TrainingView(args.num_proposals, args.train_size, args.scale_range),
    )


def _make_fusion() -> Any:
    """Loads TensorFlow; the check calls it only to measure a ceiling."""
    from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

    return PanopticFusion()
