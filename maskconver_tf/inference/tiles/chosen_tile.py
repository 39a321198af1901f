"""Chooses the windows of `maskconver predict --tile`."""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from tqdm import tqdm

from maskconver_tf.errors import UserError
from maskconver_tf.inference.tiles.known_window import MOST_TIMES, KnownWindow
from maskconver_tf.inference.tiles.training_scale import picture_sizes, training_window
from maskconver_tf.inference.tiles.windows import SHORTEST_SIDE, TileSize, tile_size

_AUTO = "auto"
_LONGEST_SIDE = 2**14


class GivenTile(NamedTuple):
    """What the user gave: the sides, None for `auto`; and the overlap, None for a quarter."""

    sides: tuple[int, int] | None
    overlap: int | None


def parse_tile(tile: str | None, overlap: int | None) -> GivenTile | None:
    """Reads `--tile` and `--overlap`; None without `--tile`.

    Raises:
      UserError: a value is wrong, or `--overlap` comes without `--tile`.
    """
    if tile is None:
        if overlap is not None:
            raise UserError(f"--overlap {overlap}: has no effect without --tile; add --tile auto")
        return None
    if tile.strip().lower() == _AUTO:
        return GivenTile(None, overlap)
    match = re.fullmatch(r"\s*(\d{1,6})\s*(?:,\s*(\d{1,6})\s*)?", tile)
    sides = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not all(0 < side <= _LONGEST_SIDE for side in sides):
        raise UserError(
            f"--tile {tile}: expected auto, one side or height,width of at most {_LONGEST_SIDE} "
            "pixels, such as 512 or 384,512"
        )
    tile_size(*sides, overlap)
    return GivenTile(sides, overlap)


def known_window(model: str, input_size: tuple[int, int] | None) -> KnownWindow | None:
    """Finds the size of a picture that fills the input of a model; None if nothing tells it.

    Args:
      model: folder of a run or an export.
      input_size: (height, width) of the model's input.
    """
    if input_size is None:
        return None
    found = training_window(model, input_size)
    return KnownWindow(found or tuple(input_size), is_of_training=found is not None)


def warn_of_large_pictures(data: str | None, window: KnownWindow | None) -> None:
    """Warns on stderr if the first pictures of a dataset folder shrink much more than in training.

    Args:
      data: the folder.
      window: None for no warning.
    """
    if window is None:
        return
    times = [window.times(*size) for size in picture_sizes(data)]
    if large := [each for each in times if each > MOST_TIMES]:
        tqdm.write(
            f"warning: {len(large)} of the first {len(times)} pictures of {data} shrink up to "
            f"{max(large):.1f} times {window.loss()}. --tile auto scores them in windows",
            file=sys.stderr,
        )


def choose_tile(given: GivenTile, window: KnownWindow | None) -> TileSize:
    """Returns the windows; for `auto` those of the training's scale.

    Raises:
      UserError: it is `auto`, and nothing tells the size of the model's input.
    """
    if given.sides is not None:
        return tile_size(*given.sides, given.overlap)
    if window is None:
        raise UserError(
            "--tile auto: the model does not tell the size of its input; give the size of the "
            "training's pictures, such as --tile 512"
        )
    sides = (max(side, SHORTEST_SIDE) for side in window.size)
    tile = tile_size(*sides, given.overlap)
    known = "of the training's scale"
    if not window.is_of_training:
        known = "of the model's input, since the dataset of the training is not in its place"
    tqdm.write(
        f"windows of {tile.height} x {tile.width} pixels, {known}; they overlap by {tile.overlap}",
        file=sys.stderr,
    )
    return tile
