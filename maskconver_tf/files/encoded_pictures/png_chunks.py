"""The chunks that a PNG consists of (PNG specification, W3C)."""

from __future__ import annotations

from collections.abc import Iterator

PNG_START = 8
"""Bytes in front of the first chunk."""


def png_chunks(encoded: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields the name of each whole chunk, and where the chunk begins and ends."""
    begin = PNG_START
    while begin + 12 <= len(encoded):
        end = begin + 12 + int.from_bytes(encoded[begin : begin + 4], "big")
        if end > len(encoded):
            return
        yield encoded[begin + 4 : begin + 8], begin, end
        begin = end
