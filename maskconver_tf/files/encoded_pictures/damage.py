"""Finds damage in PNG and JPEG files that Pillow overlooks and TensorFlow's decoder does not.

Pillow stops reading as soon as it has the last pixel. TensorFlow's decoder reads the whole file, so
it refuses a file whose end is missing, or a PNG with a wrong checksum. The functions here look at
the frame of the file and, rarely, inflate its data; they do not decode pixels. Sources: PNG
specification (W3C), ITU-T T.81.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from maskconver_tf.files.encoded_pictures.png_chunks import PNG_START, png_chunks

_HEADER_END = 33
_CRITICAL_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}

_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
"""A JPEG marker between compressed data; 00 and RSTn (D0 to D7) belong to the data."""

_OUTPUT_AT_A_TIME = 256

_EOI, _SOS, _PROGRESSIVE = 0xD9, 0xDA, 0xC2
_WITHOUT_CONTENT = {0x01, 0xD8, _EOI}


def png_damage(encoded: bytes) -> str | None:
    """Says what is wrong with a PNG that starts with a whole header, or returns None.

    It checks that all chunks are there, that the checksums of those chunks which every decoder has
    to read are right, and that every decoder knows these chunks.
    """
    view, data = memoryview(encoded), []
    for kind, begin, end in png_chunks(encoded):
        if not kind[0] & 0x20:  # A lower-case letter marks a chunk that decoders may pass over.
            if kind not in _CRITICAL_CHUNKS or (kind == b"IHDR" and begin > PNG_START):
                return f"PNG with an unexpected chunk {kind.decode('latin-1')!r}"
            if zlib.crc32(view[begin + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
                return f"PNG with a wrong checksum in the chunk {kind.decode()}"
        if kind == b"IDAT":
            data.append(view[begin + 8 : end - 4])
        if kind == b"IEND":
            return _data_damage(data, is_checked=_can_promise_a_row(encoded))
    return "PNG without its end, the chunk IEND"


def add_promised_row(encoded: bytes) -> bytes | None:
    """Returns the PNG with a header that promises one more row, or None if Pillow minds.

    Pillow looks for this row, so it reads the compressed data to their end and checks their sum.
    """
    start = start_with_promised_row(encoded)
    return start and start + encoded[_HEADER_END:]


def start_with_promised_row(encoded: bytes) -> bytes | None:
    """Returns what the first bytes of `add_promised_row` are in place of those of the PNG."""
    if not _can_promise_a_row(encoded):
        return None
    height = int.from_bytes(encoded[20:24], "big") + 1
    header = b"IHDR" + encoded[16:20] + height.to_bytes(4, "big") + encoded[24 : _HEADER_END - 4]
    return encoded[: PNG_START + 4] + header + zlib.crc32(header).to_bytes(4, "big")


def _can_promise_a_row(encoded: bytes) -> bool:
    """Whether the PNG is neither interlaced nor animated (acTL)."""
    return encoded[28] == 0 and encoded.find(b"acTL", _HEADER_END, encoded.find(b"IDAT")) < 0


def _data_damage(data: list[memoryview], is_checked: bool) -> str | None:
    """Inflates compressed pixels, if Pillow does not check all that TensorFlow's decoder checks.

    Args:
      is_checked: whether Pillow reads the data to their end. Even then it accepts data that reach
        behind their window, if their header promises less than the usual 32 KiB.
    """
    first = next((part[0] for part in data if part), 0x78)
    if first >> 4 == 7 and is_checked:
        return None
    inflate = zlib.decompressobj(wbits=0)  # 0: the window that the header promises.
    try:
        # Only with little output at a time does zlib look into the window.
        rest = b"".join(data)
        while rest and not inflate.eof:
            inflate.decompress(rest, _OUTPUT_AT_A_TIME)
            rest = inflate.unconsumed_tail
    except zlib.error as error:
        if "distance" not in str(error):
            return f"PNG with damaged data ({error})"
        return "PNG with compressed data that do not fit the window size in their header"
    return None if inflate.eof else "PNG whose compressed data break off"


def jpeg_damage(encoded: bytes) -> str | None:
    """Says that a JPEG lacks its end marker, if Pillow overlooked that, or returns None."""
    if encoded.endswith(b"\xff\xd9") or any(code == _EOI for code, _ in _segments(encoded)):
        return None
    return "JPEG without its end marker"


def lacks_scans(encoded: bytes) -> bool:
    """Whether a progressive JPEG lacks scans; each decoder smooths it in its own way."""
    missing: dict[int, list[int]] = {}  # Component -> for each coefficient, bits still to come.
    for code, body in _segments(encoded):
        if code == _EOI:
            break
        if code == _PROGRESSIVE:
            missing = {component: [1] * 64 for component in body[6 : 6 + 3 * body[5] : 3]}
        if code == _SOS:
            after = 1 + 2 * body[0]
            first, last, bits = body[after], min(body[after + 1], 63), body[after + 2] & 15
            for component in set(body[1:after:2]) & missing.keys():
                missing[component][first : last + 1] = [bits] * (last + 1 - first)
    return any(any(bits) for bits in missing.values())


def _segments(encoded: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields marker code and content of the segments of a JPEG, without the compressed data."""
    position = 2
    while found := _MARKER.search(encoded, position):
        code, position = found[1][0], found.end()
        if code not in _WITHOUT_CONTENT:
            begin, position = position, position + int.from_bytes(encoded[position : position + 2])
            yield code, encoded[begin + 2 : position]
        else:
            yield code, b""
