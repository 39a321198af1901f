"""Large pictures, whose RGB copy is made row by row, so that it never exists as a whole."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from maskconver_tf.files.encoded_pictures.damage import png_damage, start_with_promised_row
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.files.encoded_pictures.png_tags import only_tags
from maskconver_tf.files.encoded_pictures.replaced_start import ReplacedStart
from maskconver_tf.files.pictures import (
    UnreadablePicture,
    load_pixels,
    open_color_header,
    orientation,
    rgb_pixels,
    turned_upright,
    without_pillow_limit,
)

_STRIP = 64
"""Rows that are converted at once."""


def load_upright(path: str, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decodes a picture once, upright, in its own kind of pixels. It may have a row too many.

    Raises:
      OSError: the file cannot be read.
      UnreadablePicture, TooManyPixels, UnusableNumbers: as for `open_color_picture`.
    """
    encoded = Path(path).read_bytes()
    picture = open_color_header(encoded, max_pixels)
    is_upright_png = picture.format == "PNG" and _orientation(encoded, picture) == 1
    start = start_with_promised_row(encoded) if is_upright_png else None
    if start is None:
        picture = load_pixels(encoded, picture)  # Turns a TIFF, and drops its tag.
        return picture if orientation(picture) == 1 else turned_upright(picture)
    # `load_pixels` would cut the additional row off, which copies the picture.
    damage = png_damage(encoded)
    del encoded, picture  # The file may be half as large as its pixels.
    try:
        with without_pillow_limit(), open(path, "rb") as file:
            picture = Image.open(ReplacedStart(file, start), formats=("PNG",))
            picture.load()
    except Exception as error:  # Damaged files make Pillow raise nearly anything.
        raise UnreadablePicture(str(error)) from None
    if damage:
        raise UnreadablePicture(damage)
    return picture


def size_upright(path: str, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Returns width and height of `load_upright`, without its additional row, from the header."""
    encoded = Path(path).read_bytes()
    picture = open_color_header(encoded, max_pixels)
    turns = picture.format != "TIFF" and _orientation(encoded, picture) >= 5
    return picture.size[::-1] if turns else picture.size


def _orientation(encoded: bytes, picture: Image.Image) -> int:
    """Reads `orientation` without decoding the pixels."""
    if picture.format == "PNG":
        with contextlib.suppress(Exception):  # Unreadable tags count as missing.
            return orientation(Image.open(io.BytesIO(only_tags(encoded)), formats=("PNG",)))
        return 1
    return orientation(picture)


def rows_to_rgb(picture: Image.Image, width: int, start: int, end: int) -> np.ndarray:
    """Returns rows of `load_upright` as uint8 `[end - start, width, 3]`, as `to_plain_rgb` does."""
    rows = np.empty((end - start, width, 3), np.uint8)
    for top in range(start, end, _STRIP):  # Each conversion makes several copies.
        bottom = min(top + _STRIP, end)
        rows[top - start : bottom - start] = rgb_pixels(picture.crop((0, top, width, bottom)))
    return rows
