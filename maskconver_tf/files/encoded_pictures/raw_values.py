"""Reads the numbers that a PNG or TIFF stores in its pixels, without any conversion.

Pillow stretches gray of 1, 2 and 4 bits to 0..255, and turns or inverts some TIFF files. That is
right for pictures and wrong for labels. Sources: PNG specification (W3C), TIFF 6.0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.files.id_map import rgb_to_ids
from maskconver_tf.files.pictures import load_pixels, open_header

_PNG_KINDS = {0: "gray", 2: "RGB", 3: "palette", 4: "gray with alpha", 6: "RGBA"}
"""Color type in the header -> kind."""

_TIFF_KINDS = {
    (1, 1): "gray",
    (1, 2): "gray with alpha",
    (2, 3): "RGB",
    (2, 4): "RGBA",
    (3, 1): "palette",
}
"""Photometric interpretation and number of channels -> kind."""

_READABLE_BITS = {
    "gray": ("1", "2", "4", "8", "16", "32", "signed 16", "signed 32"),
    "gray with alpha": ("8",),
    "palette": ("1", "2", "4", "8"),
    "RGB": ("8",),
    "RGBA": ("8",),
}

_MODES = {
    "gray": ("1", "L", "I", "I;16", "I;16B"),
    "gray with alpha": ("LA",),
    "palette": ("P",),
    "RGB": ("RGB",),
    "RGBA": ("RGBA", "RGBX"),
}
"""Pillow's modes in which the numbers are the stored ones, but for the stretching of gray."""

_LOSSLESS = (1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000)
"""TIFF compressions without loss: none, CCITT, LZW, Deflate, PackBits, LZMA, Zstandard."""

_SUBFILE, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 258, 259, 262
_ORIENTATION, _NUM_CHANNELS, _NUMBER_FORMAT = 274, 277, 339
"""TIFF tags."""

_SMALLER_COPY_OR_MASK = 1 | 4
"""Bits of the tag `_SUBFILE`."""


class NotRaw(Exception):
    """The stored numbers cannot be read; the text says what the file is."""


class RawPicture(NamedTuple):
    """The stored numbers of a picture.

    Attributes:
      kind: "gray", "gray with alpha", "palette", "RGB" or "RGBA".
      what: the file in words, for messages.
      values: int32 `[h, w]` with gray values or palette indices, without alpha; or uint8
        `[h, w, 3]` or `[h, w, 4]`.
      decoded: the picture as Pillow decodes it.
    """

    kind: str
    what: str
    values: np.ndarray
    decoded: Image.Image


def read_raw_values(encoded: bytes, max_pixels: int = MAX_PIXELS) -> RawPicture:
    """Reads the stored numbers of a PNG or TIFF.

    Raises:
      UnreadablePicture: the file is neither, is damaged or has more than `max_pixels` pixels.
      NotRaw: the file has another kind of numbers, or Pillow changes them.
    """
    picture = open_header(encoded, ("PNG", "TIFF"), max_pixels)
    is_png = picture.format == "PNG"
    kind, bits = _png_numbers(encoded) if is_png else _tiff_numbers(picture)
    what = f"{picture.format}, {kind}, {bits} bits per channel"
    if bits not in _READABLE_BITS.get(kind, ()):
        raise NotRaw(what)
    if other := _other_pictures(picture):
        raise NotRaw(f"{what}, {other}")
    picture = load_pixels(encoded, picture)
    if picture.mode not in _MODES[kind]:
        raise NotRaw(f"{what}, which Pillow reads as {picture.mode}")
    pixels = np.asarray(picture)
    if kind in ("RGB", "RGBA"):
        return RawPicture(kind, what, pixels, picture)
    values = (pixels[..., 0] if kind == "gray with alpha" else pixels).astype(np.int32)
    if picture.mode == "L" and bits in ("2", "4"):
        values //= 255 // (2 ** int(bits) - 1)
    if bits in ("32", "signed 16", "signed 32") and (lowest := int(values.min())) < 0:
        found = lowest if bits.startswith("signed") else lowest + 2**32
        raise NotRaw(f"{what}, with the value {found}")
    return RawPicture(kind, what, values, picture)


def read_rgb_ids(encoded: bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Reads a picture that holds R + 256 G + 65536 B in each pixel.

    Lossless PNG optimizers replace few colors by a palette, which gives the same RGB.

    Returns:
      int32 `[h, w]`.

    Raises:
      UnreadablePicture, NotRaw: as for `read_raw_values`; or the picture is not in color.
    """
    raw = read_raw_values(encoded, max_pixels)
    if raw.kind in ("RGB", "RGBA"):
        return rgb_to_ids(raw.values[..., :3])
    if raw.kind != "palette":
        raise NotRaw(raw.what)
    num_colors = len(raw.decoded.palette.getdata()[1]) // len(raw.decoded.palette.mode)
    if (highest := int(raw.values.max())) >= num_colors:
        raise NotRaw(f"{raw.what}, with the index {highest} and only {num_colors} colors")
    return rgb_to_ids(np.asarray(raw.decoded.convert("RGB")))


def _png_numbers(encoded: bytes) -> tuple[str, str]:
    """Returns kind and bits per channel; the first chunk, IHDR, has fixed places for them."""
    return _PNG_KINDS.get(encoded[25], f"color type {encoded[25]}"), str(encoded[24])


def _tiff_numbers(picture: Image.Image) -> tuple[str, str]:
    tags = picture.tag_v2
    photometric, num_channels = tags.get(_PHOTOMETRIC, 0), tags.get(_NUM_CHANNELS, 1)
    kind = _TIFF_KINDS.get((photometric, num_channels))
    if kind is None:
        meaning = "white is 0" if photometric == 0 else f"photometric interpretation {photometric}"
        kind = f"{num_channels} channels, {meaning}"
    elif (compression := tags.get(_COMPRESSION, 1)) not in _LOSSLESS:
        kind += f" with compression {compression}, which may lose numbers"
    elif (orientation := tags.get(_ORIENTATION, 1)) != 1:
        kind += f" with orientation {orientation}"
    numbers = {1: "", 2: "signed ", 3: "float "}
    return kind, "/".join(
        f"{numbers.get(number, f'format {number} ')}{bits}"
        for number, bits in sorted(
            {(_entry(tags, _NUMBER_FORMAT, i), b) for i, b in enumerate(tags.get(_BITS, (1,)))}
        )
    )


def _entry(tags: dict, tag: int, index: int) -> int:
    """Returns the entry of a tag for one channel; a missing number format is unsigned, 1."""
    entries = tags.get(tag, (1,))
    return entries[min(index, len(entries) - 1)]


def _other_pictures(picture: Image.Image) -> str:
    """Says that the file holds more pictures than one, or returns an empty text.

    Smaller copies and masks, which map programs add to a TIFF, do not count.
    """
    num_frames = getattr(picture, "n_frames", 1)
    if num_frames == 1:
        return ""
    if picture.format == "TIFF":
        others = 0
        for frame in range(1, num_frames):
            picture.seek(frame)
            others += not picture.tag_v2.get(_SUBFILE, 0) & _SMALLER_COPY_OR_MASK
        picture.seek(0)
        if not others:
            return ""
    return f"{num_frames} pictures in one file"
