"""PNG files whose pixels are numbers and not colors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.source import FileItem
from maskconver_tf.files.id_map import rgb_to_ids
from maskconver_tf.files.pictures import UnreadablePicture, bits_per_channel, open_picture

CHANNELS = "RGBA"


def read_id_map(item: FileItem, file: str) -> np.ndarray:
    """int32 `[h, w]` ids of an RGB PNG as COCO writes it; raises `Refused`."""
    picture, bits = _open(item, file)
    # A palette is what lossless PNG optimizers make of few colors: it gives the same RGB.
    if picture.mode not in ("RGB", "RGBA", "P") or bits != 8:
        raise item.refusal(file, Problem.MAP_MODE, f"mode {picture.mode}, {bits} bits a channel")
    return rgb_to_ids(np.asarray(picture.convert("RGB")))


def read_labels(item: FileItem, file: str) -> np.ndarray:
    """int32 `[h, w]` labels of a PNG; raises `Refused`.

    Of gray pictures the label is the value (8 or 16 bits), of palette pictures the index and not
    the color, of RGB ones R + 256 G + 65536 B.
    """
    picture, bits = _open(item, file)
    if picture.mode in ("RGB", "RGBA") and bits == 8:
        return rgb_to_ids(np.asarray(picture.convert("RGB")))
    if picture.mode in ("1", "L", "P", "I") or picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.int32)
    raise item.refusal(file, Problem.LABEL_MODE, f"mode {picture.mode}, {bits} bits a channel")


def read_channels(item: FileItem, file: str, channels: Sequence[str]) -> list[np.ndarray]:
    """Values of an 8-bit color PNG in one or two of its channels each; raises `Refused`.

    Args:
      channels: letters of `CHANNELS`, the lower byte first: "G" or "GB".

    Returns:
      int32 `[h, w]` for each entry of `channels`.
    """
    picture, bits = _open(item, file)
    missing = set("".join(channels)) - set(picture.mode)
    if picture.mode not in ("RGB", "RGBA") or bits != 8 or missing:
        raise item.refusal(file, Problem.CHANNELS, f"mode {picture.mode}, {bits} bits a channel")
    pixels = np.asarray(picture).astype(np.int32)
    return [
        sum(pixels[..., CHANNELS.index(letter)] << 8 * i for i, letter in enumerate(letters))
        for letters in channels
    ]


def _open(item: FileItem, file: str) -> tuple[Image.Image, int]:
    """The decoded PNG and its bits a channel."""
    encoded = item.read(file, Problem.MAP_MISSING, Problem.MAP_UNREADABLE)
    try:
        picture = open_picture(encoded, ("PNG",))
    except UnreadablePicture as error:
        raise item.refusal(file, Problem.MAP_UNREADABLE, str(error)) from None
    return picture, bits_per_channel(encoded, picture)
