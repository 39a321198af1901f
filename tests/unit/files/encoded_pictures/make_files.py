"""Writes PNG and TIFF files of any depth byte by byte, so that tests know what is in them."""

import io
import struct
import zlib

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
"""Passes of an interlaced PNG: first row, first column, row step, column step."""


def encode(pixels, image_format, **options):
    """A file as Pillow writes it."""
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, image_format, **options)
    return encoded.getvalue()


def chunk(kind, data, crc=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def png(values, bits, color_type, palette=b"", transparency=b"", interlaced=False):
    """A PNG whose pixels hold `values`, `[h, w]` or `[h, w, channels]`."""
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    parts = [values[y::dy, x::dx] for y, x, dy, dx in passes]
    rows = b"".join(
        b"\0" + _packed(row.ravel(), bits, ">") for part in parts if part.size for row in part
    )
    height, width = values.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, int(interlaced))
    chunks = [(b"IHDR", header), (b"PLTE", palette), (b"tRNS", transparency)]
    chunks = [(kind, data) for kind, data in chunks if data]
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(*one) for one in chunks)


def tiff(values, bits, order="<", number_format=1, more_tags=()):
    """An uncompressed TIFF of gray `values`, `[h, w]`.

    Args:
      number_format: 1 unsigned, 2 signed, 3 float.
      more_tags: tag -> value or list of values, 16 bits each; replaces tags of the same number.
    """
    height, width = values.shape
    data = b"".join(_packed(row, bits, order, "uif"[number_format - 1]) for row in values)
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: height}
    tags |= {279: len(data), 339: number_format} | dict(more_tags)
    data += b"\0" * (len(data) % 2)
    after = 8 + len(data) + 2 + 12 * len(tags) + 4
    directory, lists = struct.pack(f"{order}H", len(tags)), b""
    for tag, found in sorted(tags.items()):
        numbers = found if isinstance(found, list) else [found]
        packed = struct.pack(f"{order}{len(numbers)}H", *numbers)
        if len(packed) > 4:
            packed, lists = struct.pack(f"{order}I", after + len(lists)), lists + packed
        directory += struct.pack(f"{order}HHI", tag, 3, len(numbers)) + packed.ljust(4, b"\0")
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8 + len(data))
    return start + data + directory + b"\0" * 4 + lists


def _packed(row, bits, order, letter="u"):
    if bits >= 8:
        return row.astype(f"{order}{letter}{bits // 8}").tobytes()
    text = "".join(format(int(value), f"0{bits}b") for value in row)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")
