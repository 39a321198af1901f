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


def read_id_map(item: FilePicture, file: str) -> np.ndarray:
    """Reads the ids R + 256 G + 65536 B of an RGB PNG.

    Returns:
      int32 `[h, w]`.

    Raises:
      UnusablePicture: the file is missing, unreadable or not an 8-bit RGB PNG.
    """
    picture, bits = _open(item, file)
    # Lossless PNG optimizers replace few colors by a palette, which gives the same RGB.
    if picture.mode not in ("RGB", "RGBA", "P") or bits != 8:
        raise item.unusable(file, Problem.MAP_MODE, f"mode {picture.mode}, {bits} bits per channel")
    return rgb_to_ids(np.asarray(picture.convert("RGB")))


def read_labels(item: FilePicture, file: str) -> np.ndarray:
    """Reads the labels of a PNG.

    The label is the value of a gray PNG (8 or 16 bits), the index (not the color) of a palette PNG,
    or R + 256 G + 65536 B of an RGB PNG.

    Returns:
      int32 `[h, w]`.

    Raises:
      UnusablePicture: the file is missing, unreadable or of another kind.
    """
    picture, bits = _open(item, file)
    if picture.mode in ("RGB", "RGBA") and bits == 8:
        return rgb_to_ids(np.asarray(picture.convert("RGB")))
    if picture.mode in ("1", "L", "P", "I") or picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.int32)
    raise item.unusable(file, Problem.LABEL_MODE, f"mode {picture.mode}, {bits} bits per channel")


def read_channels(item: FilePicture, file: str, channels: Sequence[str]) -> list[np.ndarray]:
    """Reads numbers that are stored in one or two channels of an 8-bit color PNG.

    Args:
      channels: one or two letters of `CHANNELS` for each number, the lower byte first: "G", "GB".

    Returns:
      int32 `[h, w]` for each entry of `channels`.

    Raises:
      UnusablePicture: the file is missing, unreadable or lacks a channel.
    """
    picture, bits = _open(item, file)
    missing = set("".join(channels)) - set(picture.mode)
    if picture.mode not in ("RGB", "RGBA") or bits != 8 or missing:
        raise item.unusable(file, Problem.CHANNELS, f"mode {picture.mode}, {bits} bits per channel")
    pixels = np.asarray(picture).astype(np.int32)
    return [
        sum(pixels[..., CHANNELS.index(letter)] << 8 * i for i, letter in enumerate(letters))
        for letters in channels
    ]


def _open(item: FilePicture, file: str) -> tuple[Image.Image, int]:
    """Returns the decoded PNG and its number of bits per channel."""
    encoded = item.read(file, Problem.MAP_MISSING, Problem.MAP_UNREADABLE)
    try:
        picture = open_picture(encoded, ("PNG",))
    except UnreadablePicture as error:
        raise item.unusable(file, Problem.MAP_UNREADABLE, str(error)) from None
    return picture, bits_per_channel(encoded, picture)
