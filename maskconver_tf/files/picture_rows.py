"""Large pictures, whose RGB copy is made row by row, so that it never exists as a whole."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from maskconver_tf.files.encoded_pictures.damage import add_promised_row, png_damage
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.files.pictures import (
    UnreadablePicture,
    load_pixels,
    open_color_header,
    orientation,
    rgb_pixels,
    turned_upright,
    upright_size,
    without_pillow_limit,
)

_STRIP = 64
"""Rows that are converted at once."""


def load_upright(encoded: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decodes a picture once, upright, in its own kind of pixels. It may have a row too many.

    Raises:
      UnreadablePicture, TooManyPixels, UnusableNumbers: as for `open_color_picture`.
    """
    picture = open_color_header(encoded, max_pixels)
    is_upright_png = picture.format == "PNG" and orientation(picture) == 1
    taller = add_promised_row(encoded) if is_upright_png else None
    if taller is None:
        picture = load_pixels(encoded, picture)  # Turns a TIFF, and drops its tag.
        return picture if orientation(picture) == 1 else turned_upright(picture)
    # `load_pixels` would cut the additional row off, which copies the picture.
    try:
        with without_pillow_limit():
            picture = Image.open(io.BytesIO(taller), formats=("PNG",))
            picture.load()
    except Exception as error:  # Damaged files make Pillow raise nearly anything.
        raise UnreadablePicture(str(error)) from None
    if damage := png_damage(encoded):
        raise UnreadablePicture(damage)
    return picture


def size_upright(encoded: bytes, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Returns width and height of `load_upright`, without its additional row, from the header."""
    picture = open_color_header(encoded, max_pixels)
    return picture.size if picture.format == "TIFF" else upright_size(picture)


def rows_to_rgb(picture: Image.Image, width: int, start: int, end: int) -> np.ndarray:
    """Returns rows of `load_upright` as uint8 `[end - start, width, 3]`, as `to_plain_rgb` does."""
    rows = np.empty((end - start, width, 3), np.uint8)
    for top in range(start, end, _STRIP):  # Each conversion makes several copies.
        bottom = min(top + _STRIP, end)
        rows[top - start : bottom - start] = rgb_pixels(picture.crop((0, top, width, bottom)))
    return rows
