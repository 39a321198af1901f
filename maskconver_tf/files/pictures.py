"""Picture files of any kind to bytes that decode to upright 8-bit RGB."""

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
"""EXIF orientation -> what makes the picture upright."""


class UnreadablePicture(Exception):
    """A file that is damaged, cut short or no picture; says which."""


def open_picture(encoded: bytes, formats: tuple[str, ...] | None = None) -> Image.Image:
    """Decodes a whole picture.

    Args:
      formats: Pillow's names of the formats to accept, by default all it reads.

    Raises:
      UnreadablePicture: it cannot be decoded to its last pixel.
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
    """Bits a channel: 8, 16 or 32; Pillow alone hides that it cuts 16-bit colors to 8."""
    if picture.format == "PNG":
        return max(8, encoded[24])  # At this place in every PNG: the first chunk is fixed.
    if picture.mode in ("I", "F"):
        return 32
    return 16 if picture.mode.startswith("I;16") else 8


def orientation(picture: Image.Image) -> int:
    """EXIF orientation, 1 (upright) to 8; 1 where the tag is missing or means nothing."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # As above; a tag that cannot be read means nothing.
        return 1
    return value if value in range(1, 9) else 1


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Width and height after turning the picture as its EXIF orientation asks."""
    return picture.size[::-1] if orientation(picture) >= 5 else picture.size


def to_plain_rgb(encoded: bytes, picture: Image.Image, turn: bool) -> tuple[bytes, str | None]:
    """Makes sure that every decoder of JPEG and PNG sees the same upright 8-bit RGB.

    A plain JPEG or PNG stays as it is, byte for byte; so does a grayscale JPEG, which decoders
    expand. All else becomes PNG, so that nothing is lost twice: of 16 bits the upper 8 stay, alpha
    is left out and not blended, tags are dropped.

    Args:
      encoded: the file.
      picture: `open_picture(encoded)`.
      turn: whether to turn it as its EXIF orientation asks; else the stored pixels stay.

    Returns:
      The bytes, and what was not plain about the picture or None.
    """
    if orientation(picture) != 1:
        done = "turned upright" if turn else "tag dropped"
        return _to_png(picture, turn), f"EXIF orientation, {done}"
    if picture.format in ("JPEG", "MPO") and picture.mode == "L":
        return encoded, "grayscale JPEG, kept as it is and read as RGB"
    oddity = _oddity(encoded, picture)
    return (_to_png(picture, False), f"{oddity}, converted") if oddity else (encoded, None)


def _oddity(encoded: bytes, picture: Image.Image) -> str | None:
    """What keeps the file from being a plain RGB JPEG or PNG, or None."""
    if picture.format in ("JPEG", "MPO"):  # MPO: a JPEG with more pictures behind it.
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
