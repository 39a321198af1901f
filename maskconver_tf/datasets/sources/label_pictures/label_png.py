"""Reads PNG files whose pixel values are ids or labels, not colors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.source import FilePicture
from maskconver_tf.files.id_map import rgb_to_ids
from maskconver_tf.files.pictures import UnreadablePicture, bits_per_channel, open_picture

CHANNELS = "RGBA"
"""Letters that name a channel of a color PNG."""


def read_id_map(picture: FilePicture, file: str) -> np.ndarray:
    """Reads the ids R + 256 G + 65536 B of an RGB PNG.

    Returns:
      int32 `[h, w]`.

    Raises:
      UnusablePicture: the file is missing, unreadable or not an 8-bit RGB PNG.
    """
    png, bits = _open(picture, file)
    # Lossless PNG optimizers replace few colors by a palette, which gives the same RGB.
    if png.mode not in ("RGB", "RGBA", "P") or bits != 8:
        raise picture.unusable(file, Problem.MAP_MODE, f"mode {png.mode}, {bits} bits per channel")
    return rgb_to_ids(np.asarray(png.convert("RGB")))


def read_labels(picture: FilePicture, file: str) -> np.ndarray:
    """Reads the labels of a PNG.

    The label is the value of a gray PNG (8 or 16 bits), the index (not the color) of a palette PNG,
    or R + 256 G + 65536 B of an RGB PNG.

    Returns:
      int32 `[h, w]`.

    Raises:
      UnusablePicture: the file is missing, unreadable or of another kind.
    """
    png, bits = _open(picture, file)
    if png.mode in ("RGB", "RGBA") and bits == 8:
        return rgb_to_ids(np.asarray(png.convert("RGB")))
    if png.mode in ("1", "L", "P", "I") or png.mode.startswith("I;16"):
        return np.asarray(png).astype(np.int32)
    raise picture.unusable(file, Problem.LABEL_MODE, f"mode {png.mode}, {bits} bits per channel")


def read_channels(picture: FilePicture, file: str, channels: Sequence[str]) -> list[np.ndarray]:
    """Reads numbers that are stored in one or two channels of an 8-bit color PNG.

    Args:
      channels: one or two letters of `CHANNELS` for each number, the lower byte first: "G", "GB".

    Returns:
      int32 `[h, w]` for each entry of `channels`.

    Raises:
      UnusablePicture: the file is missing, unreadable or lacks a channel.
    """
    png, bits = _open(picture, file)
    missing = set("".join(channels)) - set(png.mode)
    if png.mode not in ("RGB", "RGBA") or bits != 8 or missing:
        raise picture.unusable(file, Problem.CHANNELS, f"mode {png.mode}, {bits} bits per channel")
    pixels = np.asarray(png).astype(np.int32)
    return [
        sum(pixels[..., CHANNELS.index(letter)] << 8 * i for i, letter in enumerate(letters))
        for letters in channels
    ]


def _open(picture: FilePicture, file: str) -> tuple[Image.Image, int]:
    """Returns the decoded PNG and its number of bits per channel."""
    encoded = picture.read(file, Problem.MAP_MISSING, Problem.MAP_UNREADABLE)
    try:
        png = open_picture(encoded, ("PNG",))
    except UnreadablePicture as error:
        raise picture.unusable(file, Problem.MAP_UNREADABLE, str(error)) from None
    return png, bits_per_channel(encoded, png)
