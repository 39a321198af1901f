"""Reads PNG and TIFF files whose pixel values are ids or labels, not colors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.source import FilePicture
from maskconver_tf.files.encoded_pictures.raw_values import (
    NotRaw,
    read_raw_values,
    read_rgb_ids,
)
from maskconver_tf.files.id_map import rgb_to_ids
from maskconver_tf.files.pictures import TooManyPixels, UnreadablePicture

CHANNELS = "RGBA"
"""Letters that name a channel of a color PNG or TIFF."""

T = TypeVar("T")


def read_id_map(picture: FilePicture, file: str) -> np.ndarray:
    """Reads the ids R + 256 G + 65536 B of a color PNG or TIFF.

    Returns:
      int32 `[h, w]`.

    Raises:
      UnusablePicture: the file is missing, unreadable or not in color with 8 bits per channel.
    """
    return _read(read_rgb_ids, picture, file, Problem.MAP_MODE)


def read_labels(picture: FilePicture, file: str) -> np.ndarray:
    """Reads the labels of a PNG or TIFF.

    The label is the stored value of a gray pixel, the index (not the color) of a palette pixel, or
    R + 256 G + 65536 B of an RGB pixel. Transparency has no meaning.

    Returns:
      int32 `[h, w]`.

    Raises:
      UnusablePicture: the file is missing, unreadable or of another kind.
    """
    raw = _read(read_raw_values, picture, file, Problem.LABEL_MODE)
    return rgb_to_ids(raw.values[..., :3]) if raw.values.ndim == 3 else raw.values


def read_channels(picture: FilePicture, file: str, channels: Sequence[str]) -> list[np.ndarray]:
    """Reads numbers that are stored in one or two channels of a color picture of 8 bits.

    Args:
      channels: one or two letters of `CHANNELS` for each number, the lower byte first: "G", "GB".

    Returns:
      int32 `[h, w]` for each entry of `channels`.

    Raises:
      UnusablePicture: the file is missing, unreadable or lacks a channel.
    """
    raw = _read(read_raw_values, picture, file, Problem.CHANNELS)
    if set("".join(channels)) - set(raw.kind if raw.values.ndim == 3 else ""):
        found = f"{raw.what}; asked for the channels {', '.join(channels)}"
        raise picture.unusable(file, Problem.CHANNELS, found)
    pixels = raw.values.astype(np.int32)
    return [
        sum(pixels[..., CHANNELS.index(letter)] << 8 * i for i, letter in enumerate(letters))
        for letters in channels
    ]


def _read(
    reader: Callable[[bytes, int], T], picture: FilePicture, file: str, other_kind: Problem
) -> T:
    """Returns what `reader` makes of the file.

    Args:
      other_kind: problem to report if the file is sound but of a kind that `reader` refuses.
    """
    encoded = picture.read(file, Problem.MAP_MISSING, Problem.MAP_UNREADABLE)
    try:
        return reader(encoded, picture.max_pixels)
    except TooManyPixels as error:
        raise picture.unusable(file, Problem.TOO_MANY_PIXELS, str(error)) from None
    except UnreadablePicture as error:
        raise picture.unusable(file, Problem.MAP_UNREADABLE, str(error)) from None
    except NotRaw as error:
        raise picture.unusable(file, other_kind, str(error)) from None
