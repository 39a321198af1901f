"""The options of the commands that predict large pictures in windows."""

from __future__ import annotations

from maskconver_tf.cli.arguments import CommandParser, whole_number_in


def add_tile_options(parser: CommandParser) -> None:
    """Adds `--tile` and `--overlap`; `tiles.chosen_tile.parse_tile` reads them."""
    parser.add_argument(
        "--tile",
        metavar="SIZE",
        help="predict large pictures in windows of SIZE pixels (or HEIGHT,WIDTH) and join them; "
        "auto takes the scale of the training (default: each picture as a whole)",
    )
    parser.add_argument(
        "--overlap",
        type=whole_number_in("--overlap", 1, 2**14),
        metavar="N",
        help="pixels that windows share, at most half of a window (default: a quarter); best as "
        "large as most things",
    )
