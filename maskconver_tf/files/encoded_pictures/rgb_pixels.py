"""Reads id maps quickly: most of them are plain RGB PNG files of 8 bits.

Decoding takes most of the time of a scoring. The decoder of kornia-rs (Rust) needs a quarter of
Pillow's time for these files. It reads only files whose chunks are complete and known to be plain;
`read_rgb_ids` reads all others and says what is wrong with damaged ones.
"""

from __future__ import annotations

import zlib

import numpy as np
from kornia_rs import io

from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.files.encoded_pictures.raw_values import read_rgb_ids

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PLAIN = bytes([8, 2, 0, 0, 0])
"""The end of IHDR: 8 bits, RGB, Deflate, ordinary filters, not interlaced."""
_COLORS_OR_FRAMES = (b"tRNS", b"PLTE", b"acTL", b"fcTL", b"fdAT")


def read_rgb_pixels(encoded: bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Reads a picture that holds R + 256 G + 65536 B in each pixel.

    Returns:
      uint8 `[h, w, 3]`, or int32 ids `[h, w]` if the file is not a plain RGB PNG.

    Raises:
      UnreadablePicture, NotRaw: as for `read_rgb_ids`.
    """
    size = _size_of_plain_rgb(encoded)
    if size is not None and size[0] * size[1] <= max_pixels:
        try:
            return np.asarray(io.decode_image_png_u8(encoded, size, "rgb"))
        except Exception:  # Whatever is wrong: the other reader names it.
            pass
    return read_rgb_ids(encoded, max_pixels)


def _size_of_plain_rgb(encoded: bytes) -> tuple[int, int] | None:
    """Returns height and width of a plain RGB PNG without damage, None for any other file."""
    if encoded[:8] != _SIGNATURE or encoded[12:16] != b"IHDR" or encoded[24:29] != _PLAIN:
        return None
    at, view = 8, memoryview(encoded)
    while at + 12 <= len(encoded):
        length = int.from_bytes(view[at : at + 4], "big")
        end = at + 12 + length
        name = encoded[at + 4 : at + 8]
        if end > len(encoded) or name in _COLORS_OR_FRAMES:
            return None
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            return None
        if name == b"IEND":
            width, height = (int.from_bytes(view[i : i + 4], "big") for i in (16, 20))
            return (height, width) if end == len(encoded) and width and height else None
        at = end
    return None
