"""The command that segments pictures with a trained model: `maskconver predict`."""

from __future__ import annotations

import argparse
from typing import Any

from maskconver_tf.cli.arguments import (
    CommandParser,
    add_command,
    add_gin_option,
    add_model_option,
    folder_name,
    whole_number_in,
)
from maskconver_tf.cli.threshold_options import add_threshold_options, thresholds_of
from maskconver_tf.cli.tile_options import add_tile_options
from maskconver_tf.files.encoded_pictures.pixel_limit import (
    HELP,
    LARGEST_MAX_PIXELS,
    MAX_PIXELS,
    parse_max_pixels,
)
from maskconver_tf.inference.output_formats.format_names import DEFAULT_FORMAT, FORMATS

_WITHOUT_EFFECT = {
    *("parser", "handler", "debug", "command", "images", "out", "max_pixels", "format"),
    *("labels", "outlines", "enlarge", "raw_contrast", "image_ids", "overwrite", "threads"),
}
"""Options on which no prediction depends. A picture counts as done only if all others are equal."""


def add_predict_command(commands: Any) -> None:
    names = "\n".join(f"  {name:<11} {what}" for name, what in FORMATS.items())
    parser = add_command(
        commands,
        "predict",
        run_predict,
        "segment pictures; write drawings, id maps, tables, or files of other programs",
        "maskconver predict --model runs/demo photos --out results --format drawing,csv",
        f"formats (STEM is the name of a picture without suffix):\n{names}\n\n"
        "The same command again goes on where it stopped. It predicts a picture again if the\n"
        "picture, the model or an option that changes the result is different.",
    )
    add_model_option(parser, "a run's --model_dir, or a folder that `maskconver export` wrote")
    parser.add_argument(
        "images",
        nargs="+",
        metavar="PICTURES",
        help="pictures, folders, patterns such as 'photos/*.jpg', or .txt files with a path a line",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=folder_name("--out", "pictures"),
        metavar="DIR",
        help="folder to write",
    )
    parser.add_argument(
        "--max_pixels",
        type=parse_max_pixels,
        metavar="N",
        help=f"{HELP}; with --tile the default is {LARGEST_MAX_PIXELS}",
    )
    add_threshold_options(parser)
    add_gin_option(parser, "PanopticFusion.runner_up=True")
    add_tile_options(parser)
    _add_output_options(parser)


def _add_output_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--format",
        action="append",
        metavar="NAME,...",
        help=f"what to write, one or more of the formats below (default: {DEFAULT_FORMAT})",
    )
    parser.add_argument(
        "--image_ids",
        metavar="JSON",
        help="for coco: file whose list images has the id of each file name, such as the truth's "
        "annotations (default: the id of a picture is its name without suffix)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="predict again what is done (default: skip it)"
    )
    parser.add_argument(
        "--threads",
        type=whole_number_in("--threads", 1, 64),
        metavar="N",
        help="threads that read, and as many that write (default: one per CPU, 8 at most)",
    )
    group = parser.add_argument_group("drawings")
    group.add_argument(
        "--labels",
        choices=("auto", "none", "all"),
        default="auto",
        help="which segments get a label: those that stay visible under it, none or all "
        "(default: auto)",
    )
    group.add_argument(
        "--outlines", action="store_true", help="colored outlines only, without filled masks"
    )
    group.add_argument(
        "--enlarge",
        type=whole_number_in("--enlarge", 1, 8),
        default=0,
        metavar="N",
        help="times that each side grows, 1..8 (default: small pictures grow, others do not)",
    )
    group.add_argument(
        "--raw_contrast",
        action="store_true",
        help="leave dark pictures dark (default: brighten them in the drawing)",
    )


def run_predict(args: argparse.Namespace) -> None:
    import functools
    from pathlib import Path

    import maskconver_tf
    from maskconver_tf.files.paths import make_out_folder
    from maskconver_tf.inference.drawing.style import DrawingStyle
    from maskconver_tf.inference.many_files.finished_pictures import written_files
    from maskconver_tf.inference.many_files.model_state import model_state
    from maskconver_tf.inference.many_files.picture_list import list_pictures
    from maskconver_tf.inference.output_formats.coco import read_image_ids
    from maskconver_tf.inference.output_formats.named_formats import make_formats
    from maskconver_tf.inference.predict_files import FilePrediction
    from maskconver_tf.inference.predictor import read_image
    from maskconver_tf.inference.tiles.chosen_tile import choose_tile, parse_tile
    from maskconver_tf.inference.tiles.row_reading import read_rows
    from maskconver_tf.inference.tiles.tiled_predictor import TiledPredictor

    # Loading TensorFlow takes seconds: report all mistakes before.
    tile = parse_tile(args.tile, args.overlap)
    pictures = list_pictures(args.images, args.out, written_files(Path(args.out)))
    style = DrawingStyle(args.labels, args.outlines, args.enlarge, not args.raw_contrast)
    image_ids = read_image_ids(args.image_ids) if args.image_ids else None
    formats = make_formats(_format_names(args.format), style, image_ids)
    make_out_folder(args.out)
    predictor = maskconver_tf.load(args.model, **thresholds_of(args), gin=args.gin)
    settings = {name: repr(v) for name, v in vars(args).items() if name not in _WITHOUT_EFFECT}
    settings |= {"version": maskconver_tf.__version__, "state": model_state(args.model)}
    mapping, window = predictor.categories.pictures, predictor.window
    read = functools.partial(read_image, max_pixels=args.max_pixels or MAX_PIXELS, mapping=mapping)
    if tile is not None:
        predictor = TiledPredictor(predictor, choose_tile(tile, window))
        most = args.max_pixels or LARGEST_MAX_PIXELS
        read = functools.partial(read_rows, max_pixels=most, mapping=mapping)
    FilePrediction(
        predictor,
        args.out,
        formats,
        settings=settings,
        overwrite=args.overwrite,
        read=read,
        window=None if tile else window,
        threads=args.threads,
    ).run(pictures)


def _format_names(given: list[str] | None) -> list[str]:
    names = [name.strip() for text in given or [DEFAULT_FORMAT] for name in text.split(",")]
    return [name for name in names if name] or [DEFAULT_FORMAT]
