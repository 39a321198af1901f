"""A PNG encoder whose bytes depend only on the pixels.

Ordinary encoders use the installed zlib, and builds of zlib give different bytes. This encoder uses
one Huffman code per picture and does not search for repeats. On noisy pictures, such as the toy
scenes, that costs little size and takes a few lines of integer arithmetic. Sources: PNG
specification (W3C), RFC 1950 and RFC 1951.
"""

from __future__ import annotations

import heapq
import struct
import zlib

import numpy as np

_END_OF_BLOCK = 256
_FILTER_UP = 2


def encode_png(image: np.ndarray) -> bytes:
    """Encodes uint8 `[h, w, 3]` RGB as a PNG file."""
    height, width, _ = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = _zlib_stream(_filter_up(image))
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _filter_up(image: np.ndarray) -> np.ndarray:
    """uint8 `[n]`: for each row its filter type, then the row minus the row above (modulo 256)."""
    rows = image.reshape(image.shape[0], -1)
    filtered = np.full((rows.shape[0], rows.shape[1] + 1), _FILTER_UP, np.uint8)
    filtered[:, 1:] = rows
    filtered[1:, 1:] -= rows[:-1]
    return filtered.ravel()


def _zlib_stream(data: np.ndarray) -> bytes:
    """RFC 1950: two bytes of header, one Deflate block, the checksum."""
    return b"\x78\x01" + _deflate(data) + struct.pack(">I", zlib.adler32(data.tobytes()))


def _deflate(data: np.ndarray) -> bytes:
    """RFC 1951: a single block (type 2, with its own Huffman code) that holds only literals."""
    symbols = np.append(data, np.int16(_END_OF_BLOCK))
    lengths = _code_lengths(np.bincount(symbols, minlength=_END_OF_BLOCK + 1))
    codes = _canonical_codes(lengths)
    # Code lengths are sent as 4 bits each: of the 19 symbols that describe lengths, 0..15 get codes
    # of 4 bits, and the three symbols for repeats get none. There are no distances, so one distance
    # code of length 0.
    nibbles = np.array([_reverse(i, 4) for i in range(16)], np.int32)
    sent = np.append(lengths, np.int32(0))
    values = [[1, 2, 0, 0, 15], [0] * 3, [4] * 16, nibbles[sent], codes[symbols]]
    widths = [[1, 2, 5, 5, 4], [3] * 3, [3] * 16, [4] * len(sent), lengths[symbols]]
    return _pack(*(np.concatenate(fields, dtype=np.int32) for fields in (values, widths)))


def _code_lengths(counts: np.ndarray) -> np.ndarray:
    """Huffman code lengths of 1..15 bits for the symbols that occur, 0 for the others.

    The counts of rare symbols are raised to one in 2048. A code of 16 bits would need counts that
    differ by more than the Fibonacci number 2584, so no code gets longer than 15 bits.
    """
    used = np.flatnonzero(counts)
    floor = int(counts.sum()) // 2048
    heap = [(max(int(counts[s]), floor), i, [int(s)]) for i, s in enumerate(used)]
    heapq.heapify(heap)
    lengths = np.zeros(counts.size, np.int32)
    for order in range(len(used), 2 * len(used) - 1):
        (low, _, first), (high, _, second) = heapq.heappop(heap), heapq.heappop(heap)
        lengths[first + second] += 1
        heapq.heappush(heap, (low + high, order, first + second))
    return lengths


def _canonical_codes(lengths: np.ndarray) -> np.ndarray:
    """int32 codes numbered as in Deflate, by length, then by symbol; bits reversed for sending."""
    codes = np.zeros(lengths.size, np.int32)
    code = 0
    for length in range(1, int(lengths.max()) + 1):
        for symbol in np.flatnonzero(lengths == length):
            codes[symbol] = _reverse(code, length)
            code += 1
        code <<= 1
    return codes


def _reverse(value: int, width: int) -> int:
    return int(format(value, f"0{width}b")[::-1], 2)


def _pack(values: np.ndarray, widths: np.ndarray) -> bytes:
    """Writes `values[i]` with `widths[i]` (1..15, or 0 for nothing) bits each, lowest bit first.

    First neighbors are joined in pairs, then all pairs that start in the same 32-bit word. A pair
    has at most 30 bits, so at least one pair starts in each word. The last pair of a word may
    continue in the next word.
    """
    pairs, pair_widths, odd = values[::2].copy(), widths[::2].copy(), values.size // 2
    pairs[:odd] |= values[1::2] << pair_widths[:odd]
    pair_widths[:odd] += widths[1::2]
    ends = np.cumsum(pair_widths, dtype=np.int64)
    starts = ends - pair_widths
    first_of_word = np.flatnonzero(np.diff(starts >> 5, prepend=-1))
    shifted = pairs.astype(np.int64) << (starts & 31)
    joined = np.append(np.bitwise_or.reduceat(shifted, first_of_word), np.int64(0))
    joined[1:] = (joined[1:] & 0xFFFFFFFF) | (joined[:-1] >> 32)
    return joined.astype("<u4").tobytes()[: int(ends[-1] + 7) // 8]
