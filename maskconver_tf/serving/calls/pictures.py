"""Pictures that a client sends: files, bytes or arrays."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.files.pictures import (
    UnreadablePicture,
    open_color_picture,
    plain_pixels,
    to_plain_rgb,
)
from maskconver_tf.inference.predictor import describe_missing_picture

Picture = str | os.PathLike | bytes | np.ndarray
"""A path, the content of a file, or uint8 `[h, w, 3]`."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")


def encoded_picture(picture: Picture) -> bytes:
    """Returns the file to send; an array becomes a PNG.

    Raises:
      UserError: the path is no file, or the array has another type or shape.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise UserError(
                f"picture is {picture.dtype} {list(picture.shape)}; expected uint8 [height, width, "
                "3], RGB. Convert it, or pass the path of the file"
            )
        png = io.BytesIO()
        Image.fromarray(picture).save(png, "PNG", compress_level=1)
        return png.getvalue()
    try:
        return Path(picture).read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(describe_missing_picture(picture)) from None
    except OSError as error:
        raise UserError(
            f"{picture}: cannot be read ({error.strerror}); get permission to read it"
        ) from None


def upright_pixels(encoded: bytes, size: tuple[int, int]) -> np.ndarray:
    """Returns uint8 `[h, w, 3]`, upright RGB, as the local API reads it.

    Args:
      encoded: a file that the model has answered.
      size: height and width of the answer, for a file that only the model can decode.
    """
    try:
        plain, _ = to_plain_rgb(encoded, open_color_picture(encoded), turn=True)
        return plain_pixels(plain)
    except UnreadablePicture:
        return np.zeros([*size, 3], np.uint8)


def find_pictures(folder: str | os.PathLike) -> Iterator[Path]:
    """Yields the picture files of a folder and of the folders in it, sorted by path.

    Raises:
      UserError: the path is no folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; give a folder of pictures")
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            yield path
