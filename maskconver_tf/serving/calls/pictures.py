"""Pictures that a client sends: files, bytes or arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.channels.mapped_png import encode_mapped, marked_png, open_mapped
from maskconver_tf.files.pictures import (
    TooManyPixels,
    UnreadablePicture,
    open_color_picture,
    plain_pixels,
    to_plain_rgb,
)
from maskconver_tf.inference.predictor import describe_missing_picture
from maskconver_tf.serving.calls.failures import PictureRefused

Picture = str | os.PathLike | bytes | np.ndarray
"""A path, the content of a file, or uint8 `[h, w, 3]`."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")
_MAPPED_SUFFIXES = (*_SUFFIXES, ".tif", ".tiff")
_STATUS_TOO_LARGE, _STATUS_DAMAGED = 3, 4


def encoded_picture(
    picture: Picture, mapping: ChannelMapping | None = None
) -> bytes | PictureRefused:
    """Returns the file to send; an array becomes a PNG.

    Args:
      picture: the channels of a file are mapped; those of an array and of the result of
        `encode_mapped` are mapped already.
      mapping: how; None to send files as they are.

    Returns:
      The file; or why it cannot be mapped.

    Raises:
      UserError: the path is no file, or the array has another type or shape.
    """
    encoded = _content(picture)
    if mapping is None or not encoded:
        return encoded
    try:
        return encode_mapped(encoded, mapping)
    except UnreadablePicture as error:
        status = _STATUS_TOO_LARGE if isinstance(error, TooManyPixels) else _STATUS_DAMAGED
        return PictureRefused(
            f"the picture cannot be mapped: {error}; this model needs a picture with the channels "
            "of its training",
            status,
        )


def _content(picture: Picture) -> bytes:
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise UserError(
                f"picture is {picture.dtype} {list(picture.shape)}; expected uint8 [height, width, "
                "3], RGB. Convert it, or pass the path of the file"
            )
        return marked_png(Image.fromarray(picture))
    try:
        return Path(picture).read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(describe_missing_picture(picture)) from None
    except OSError as error:
        raise UserError(
            f"{picture}: cannot be read ({error.strerror}); get permission to read it"
        ) from None


def upright_pixels(
    encoded: bytes, size: tuple[int, int], mapping: ChannelMapping | None = None
) -> np.ndarray:
    """Returns uint8 `[h, w, 3]`, upright RGB, as the local API reads it.

    Args:
      encoded: a file that the model has answered.
      size: height and width of the answer, for a file that only the model can decode.
      mapping: that of the model.
    """
    try:
        if mapping is not None:
            return np.asarray(open_mapped(encoded, mapping))
        plain, _ = to_plain_rgb(encoded, open_color_picture(encoded), turn=True)
        return plain_pixels(plain)
    except UnreadablePicture:
        return np.zeros([*size, 3], np.uint8)


def find_pictures(folder: str | os.PathLike, with_tiff: bool = False) -> Iterator[Path]:
    """Yields the picture files of a folder and of the folders in it, sorted by path.

    Args:
      folder: the folder.
      with_tiff: whether the model takes TIFF files, because it maps channels.

    Raises:
      UserError: the path is no folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; give a folder of pictures")
    suffixes = _MAPPED_SUFFIXES if with_tiff else _SUFFIXES
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in suffixes and path.is_file():
            yield path
