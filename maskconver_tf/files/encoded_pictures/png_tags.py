"""The tags of a PNG, without its pixels."""

from __future__ import annotations

import zlib

from maskconver_tf.files.encoded_pictures.png_chunks import PNG_START, png_chunks

_TAGS = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
"""Chunks that may tell the orientation. They may follow the pixels (PNG specification, W3C)."""


def only_tags(encoded: bytes) -> bytes:
    """Returns a PNG of one pixel with the tags of another, which Pillow reads at once.

    Of the PNG itself Pillow must decode all pixels, because tags may follow them.

    Args:
      encoded: a PNG that starts with a whole header. Its end may be missing.
    """
    tags = [encoded[begin:end] for kind, begin, end in png_chunks(encoded) if kind in _TAGS]
    header = _chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0")
    pixel = _chunk(b"IDAT", zlib.compress(b"\0\0"))
    return encoded[:PNG_START] + header + b"".join(tags) + pixel + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return len(data).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")
