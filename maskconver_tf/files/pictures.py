"""Reads picture files of any kind with Pillow, and makes plain RGB files of them.

A plain file is a JPEG or PNG that decodes to upright 8-bit RGB. `graph_decoding.py` decodes it in a
TensorFlow graph.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> the operation that makes the picture upright."""


class UnreadablePicture(Exception):
    """The file is damaged, incomplete or not a picture; the text says which."""


def open_picture(encoded: bytes, formats: tuple[str, ...] | None = None) -> Image.Image:
    """Decodes a whole picture.

    Args:
      formats: the formats to accept, by Pillow's names; by default all that Pillow reads.

    Raises:
      UnreadablePicture: the picture cannot be decoded to its last pixel.
    """
    try:
        picture = Image.open(io.BytesIO(encoded), formats=formats)
        picture.load()
    except UnidentifiedImageError:
        wanted = f"{formats[0]} file" if formats else "picture"
        raise UnreadablePicture(f"not a {wanted}" if encoded else "an empty file") from None
    except Exception as error:  # Damaged files make Pillow raise nearly anything.
        raise UnreadablePicture(str(error)) from None
    return picture


def bits_per_channel(encoded: bytes, picture: Image.Image) -> int:
    """Bits per channel: 8, 16 or 32. Pillow does not tell when it cuts 16-bit colors to 8 bits."""
    if picture.format == "PNG":
        return max(8, encoded[24])  # The first chunk is fixed, so the depth is always here.
    if picture.mode in ("I", "F"):
        return 32
    return 16 if picture.mode.startswith("I;16") else 8


def orientation(picture: Image.Image) -> int:
    """Reads the EXIF orientation, 1 (upright) to 8; 1 if the tag is missing or invalid."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # As above; an unreadable tag counts as missing.
        return 1
    return value if value in range(1, 9) else 1


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Returns width and height of the picture after its EXIF orientation is applied."""
    return picture.size[::-1] if orientation(picture) >= 5 else picture.size


def to_plain_rgb(encoded: bytes, picture: Image.Image, turn: bool) -> tuple[bytes, str | None]:
    """Returns a file that every decoder of JPEG and PNG reads as the same upright 8-bit RGB.

    A plain JPEG or PNG stays as it is, byte for byte. A grayscale JPEG stays too, since decoders
    expand it to RGB. Everything else becomes a PNG, which loses nothing more: 16-bit channels keep
    their upper 8 bits, alpha is dropped and not blended, and tags are dropped.

    Args:
      encoded: the file.
      picture: `open_picture(encoded)`.
      turn: whether to apply the EXIF orientation; if False, the stored pixels stay as they are.

    Returns:
      The bytes; and, if the picture was not plain RGB, a text that says what it was and what was
      done ("palette PNG, converted"), else None.
    """
    if orientation(picture) != 1:
        done = "turned upright" if turn else "tag dropped"
        return _to_png(picture, turn), f"EXIF orientation, {done}"
    if picture.format in ("JPEG", "MPO") and picture.mode == "L":
        return encoded, "grayscale JPEG, kept as it is and read as RGB"
    kind = _kind_if_not_plain(encoded, picture)
    return (_to_png(picture, False), f"{kind}, converted") if kind else (encoded, None)


def _kind_if_not_plain(encoded: bytes, picture: Image.Image) -> str | None:
    """Says what the file is if it is not a plain RGB JPEG or PNG, else returns None."""
    if picture.format in ("JPEG", "MPO"):  # MPO: a JPEG file that holds more than one picture.
        return None if picture.mode == "RGB" else f"{picture.mode} JPEG"
    if picture.format != "PNG":
        return f"{picture.format} file"
    if bits_per_channel(encoded, picture) == 16:
        return "16-bit PNG"
    if "A" in picture.mode or "transparency" in picture.info:
        return "PNG with alpha"
    return {"RGB": None, "P": "palette PNG"}.get(picture.mode, "grayscale PNG")


def _to_png(picture: Image.Image, turn: bool) -> bytes:
    if turn:
        picture = picture.transpose(_TURNS[orientation(picture)])
    if picture.mode.startswith("I"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    png = io.BytesIO()
    Image.fromarray(np.asarray(picture.convert("RGB"))).save(png, "PNG")
    return png.getvalue()
