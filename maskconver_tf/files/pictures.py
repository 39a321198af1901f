"""Reads picture files of any kind with Pillow, and makes plain RGB files of them.

A plain file is a JPEG or PNG that decodes to upright 8-bit RGB. `graph_decoding` decodes it in a
TensorFlow graph.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from maskconver_tf.files.encoded_pictures.damage import (
    add_promised_row,
    jpeg_damage,
    lacks_scans,
    png_damage,
)
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> the operation that makes the picture upright."""

_GRAY_JPEG = "grayscale JPEG"

NEARLY_BLACK = "nearly black"
"""In the text of a conversion: the file uses less than a quarter of its 16 bits."""

_QUARTER = 64

_UNKNOWN_TIFF = "a TIFF of a kind that Pillow cannot read"

_MAX_SIDE = 1_000_000
"""Greatest height and width that TensorFlow's decoder of PNG accepts."""

_MAX_JPEG_PIXELS = (2**29 - 1) // 3
"""Most pixels of a JPEG that TensorFlow decodes to RGB."""


class UnreadablePicture(Exception):
    """The file is damaged, incomplete or not a picture; the text says which."""


class TooManyPixels(UnreadablePicture):
    """The picture is larger than the limit; the text says how large."""


class UnusableNumbers(UnreadablePicture):
    """The picture has numbers whose range is unknown, such as floats; the text says which."""


class UnusableChannels(UnusableNumbers):
    """The picture lacks a channel, or is a stack or a film; the text says which."""


def open_color_picture(encoded: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decodes a whole picture that `to_plain_rgb` can convert.

    Raises:
      UnreadablePicture: the picture cannot be decoded to its last pixel.
      TooManyPixels: it has more than `max_pixels` pixels, or a very long side.
      UnusableNumbers: its channels have neither 8 nor 16 bits, as floats and 32-bit integers.
    """
    return load_pixels(encoded, open_color_header(encoded, max_pixels))


def open_color_header(encoded: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Opens a picture that `to_plain_rgb` can convert; it raises as `open_color_picture`."""
    try:
        picture = open_header(encoded, None, max_pixels)
    except UnreadablePicture as error:
        if str(error) == _UNKNOWN_TIFF:
            more = "`maskconver data build --channels` reads more kinds"
            raise UnusableNumbers(f"{error}; {more}") from None
        raise
    if found := _unusable_numbers(picture):
        raise UnusableNumbers(found)
    return picture


def open_header(
    encoded: bytes, formats: tuple[str, ...] | None, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Opens a picture without decoding its pixels.

    Args:
      formats: the formats to accept, by Pillow's names; None for all that Pillow reads.
      max_pixels: most pixels of a picture.

    Raises:
      UnreadablePicture: the file is not a picture in one of the formats.
      TooManyPixels: the picture has more than `max_pixels` pixels, or a very long side.
    """
    try:
        with without_pillow_limit():
            picture = Image.open(io.BytesIO(encoded), formats=formats)
    except UnidentifiedImageError:
        wanted = f"{' or '.join(formats)} file" if formats else "picture"
        if encoded.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
            raise UnreadablePicture(_UNKNOWN_TIFF) from None
        raise UnreadablePicture(f"not a {wanted}" if encoded else "an empty file") from None
    except Exception as error:  # Damaged files make Pillow raise nearly anything.
        raise UnreadablePicture(str(error)) from None
    width, height = picture.size
    if width * height > max_pixels:
        raise TooManyPixels(f"{width} x {height}, which is {width * height} pixels")
    if max(width, height) > _MAX_SIDE:
        raise TooManyPixels(f"{width} x {height}, and a side may have {_MAX_SIDE} pixels at most")
    return picture


def load_pixels(encoded: bytes, picture: Image.Image) -> Image.Image:
    """Decodes the pixels of `open_header(encoded)`; raises `UnreadablePicture` for damage."""
    damage = None
    try:
        with without_pillow_limit():
            if picture.format == "PNG":
                picture = _load_png(encoded, picture)
                damage = png_damage(encoded)
            else:
                picture.load()
    except Exception as error:  # As above.
        raise UnreadablePicture(str(error)) from None
    if picture.format in ("JPEG", "MPO"):
        damage = jpeg_damage(encoded)
    if damage:
        raise UnreadablePicture(damage)
    return picture


def _load_png(encoded: bytes, picture: Image.Image) -> Image.Image:
    """Decodes a PNG. Pillow reads compressed data to their end only if a row seems to follow."""
    taller = add_promised_row(encoded)
    if taller is None:
        picture.load()
        return picture
    cropped = Image.open(io.BytesIO(taller), formats=("PNG",)).crop((0, 0, *picture.size))
    cropped.format = picture.format
    return cropped


def plain_pixels(plain: bytes) -> np.ndarray:
    """Decodes what `to_plain_rgb` returned to uint8 `[h, w, 3]`."""
    with without_pillow_limit():
        return np.asarray(Image.open(io.BytesIO(plain)).convert("RGB"))


@contextlib.contextmanager
def without_pillow_limit() -> Iterator[None]:
    """Turns Pillow's limit of pixels off; `open_header` has its own. Threads may overlap."""
    with _limit_lock:
        _limit_off.append(Image.MAX_IMAGE_PIXELS)
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _limit_lock:
            before = _limit_off.pop()
            if not _limit_off:
                Image.MAX_IMAGE_PIXELS = before


_limit_lock = threading.Lock()
_limit_off: list[int | None] = []


def _unusable_numbers(picture: Image.Image) -> str | None:
    """Says which numbers a picture has if their range is unknown, else returns None."""
    if picture.mode == "F":
        return "floats"
    if picture.mode == "I":
        return "whole numbers of 32 bits (mode I of Pillow)"
    if picture.format != "TIFF":
        return None
    bits, is_negative = picture.tag_v2.get(258, (1,)), picture.tag_v2.get(262) == 0
    if not set(bits) <= {1, 2, 4, 8, 16}:
        return f"{bits[0]} bits per channel"
    if 16 in bits and is_negative:
        return "16 bits per channel in which white is 0"
    return None


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
    their upper 8 bits, alpha is dropped and not blended, and tags are dropped. The text has
    `NEARLY_BLACK` if these 8 bits stay below 64, as those of most cameras with 12 bits do.

    Args:
      encoded: the file.
      picture: `open_color_picture(encoded)`.
      turn: whether to apply the EXIF orientation; if False, the stored pixels stay as they are.

    Returns:
      The bytes; and, if the picture was not plain RGB, a text that says what it was and what was
      done ("palette PNG, converted"), else None.
    """
    if orientation(picture) != 1:
        done = "turned upright" if turn else "tag dropped"
        return _to_png(picture, turn), f"EXIF orientation, {done}"
    kind = _kind_if_not_plain(encoded, picture)
    if kind == _GRAY_JPEG:
        return encoded, f"{kind}, kept as it is and read as RGB"
    if kind is None:
        return encoded, None
    pixels = rgb_pixels(picture)
    is_dark = _is_deep(encoded, picture) and bool(pixels.max() < _QUARTER)
    return _png_of(pixels), f"{kind}, converted" + f"; {NEARLY_BLACK}" * is_dark


def _kind_if_not_plain(encoded: bytes, picture: Image.Image) -> str | None:
    """Says what the file is if it is not a plain RGB JPEG or PNG, else returns None."""
    if picture.format in ("JPEG", "MPO"):  # MPO: a JPEG file that holds more than one picture.
        if picture.mode not in ("RGB", "L"):
            return f"{picture.mode} JPEG"
        if picture.width * picture.height > _MAX_JPEG_PIXELS:
            return "very large JPEG"
        if "progression" in picture.info and lacks_scans(encoded):
            return "incomplete progressive JPEG"
        return _GRAY_JPEG if picture.mode == "L" else None
    if picture.format != "PNG":
        return f"{picture.format} file"
    if encoded[24] == 16:  # The first chunk is fixed, so the depth is always here.
        return "16-bit PNG"
    if "A" in picture.mode or "transparency" in picture.info:
        return "PNG with alpha"
    return {"RGB": None, "P": "palette PNG"}.get(picture.mode, "grayscale PNG")


def _is_deep(encoded: bytes, picture: Image.Image) -> bool:
    """Whether a channel of the file has 16 bits."""
    if picture.format == "PNG":
        return encoded[24] == 16
    return picture.format == "TIFF" and max(picture.tag_v2.get(258, (1,))) == 16


def _to_png(picture: Image.Image, turn: bool) -> bytes:
    return _png_of(rgb_pixels(turned_upright(picture) if turn else picture))


def _png_of(pixels: np.ndarray) -> bytes:
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    return png.getvalue()


def turned_upright(picture: Image.Image) -> Image.Image:
    """Applies an EXIF orientation, which must not be 1."""
    return picture.transpose(TURNS[orientation(picture)])


def rgb_pixels(picture: Image.Image) -> np.ndarray:
    """Converts a picture of any mode to 8-bit RGB, uint8 `[h, w, 3]`; see `to_plain_rgb`."""
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("La", "RGBa"):  # Colors that are already multiplied by alpha.
        picture = picture.convert({"La": "LA", "RGBa": "RGBA"}[picture.mode])
    return np.asarray(picture.convert("RGB"))
