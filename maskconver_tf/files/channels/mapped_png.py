"""A picture after its channel mapping, as a PNG that an export takes.

The graph of an export cannot map channels, and a picture must be mapped once. So an export of a
model with a mapping takes only files with a mark: an empty chunk of its own behind the header.
Decoders of PNG skip it (PNG specification, "Chunk naming conventions": ancillary, private).
"""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.channels.mapped_picture import open_picture
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS

MARK = b"mcRg"
"""Type of the chunk."""
_HEADER_BYTES = 33
MARK_AT = _HEADER_BYTES + 4
"""Position of the type: behind the signature, the header chunk and the chunk's length."""


def encode_mapped(encoded: bytes, mapping: ChannelMapping, max_pixels: int = MAX_PIXELS) -> bytes:
    """Maps the channels of a picture file; returns the PNG to send to an export.

    A file with the mark stays as it is.

    Args:
      encoded: the file, of any kind that `open_picture` reads.
      mapping: that of the model.
      max_pixels: most pixels of the picture.

    Raises:
      UnreadablePicture, TooManyPixels, UnusableNumbers: as `open_picture`.
    """
    return encoded if is_marked(encoded) else marked_png(open_picture(encoded, max_pixels, mapping))


def open_mapped(
    encoded: bytes, mapping: ChannelMapping, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Opens a picture file as the export sees it; one with the mark is not mapped again.

    Raises:
      UnreadablePicture, TooManyPixels, UnusableNumbers: as `open_picture`.
    """
    return open_picture(encoded, max_pixels, None if is_marked(encoded) else mapping)


def is_marked(encoded: bytes) -> bool:
    """Whether a file is what `encode_mapped` made."""
    return encoded[MARK_AT : MARK_AT + len(MARK)] == MARK


def marked_png(mapped: Image.Image) -> bytes:
    """Encodes a picture whose channels are mapped, 8-bit RGB."""
    png = io.BytesIO()
    mapped.save(png, "PNG", compress_level=1)
    content = png.getvalue()
    chunk = struct.pack(">I", 0) + MARK + struct.pack(">I", zlib.crc32(MARK))
    return content[:_HEADER_BYTES] + chunk + content[_HEADER_BYTES:]
