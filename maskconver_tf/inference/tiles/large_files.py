"""Writes maps that are too large for the memory: PNG row by row, TIFF tile by tile."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tifffile

from maskconver_tf.files.id_map import ids_to_rgb

_TILE = 512
_FILTER_UP = 2
_LEVEL = 3


def write_id_png(path: Path, height: int, width: int, bands: Iterable[np.ndarray]) -> None:
    """Writes segment ids as a PNG, R + 256 G + 65536 B.

    Args:
      bands: rows of ids from the top, `[n, width]`.
    """
    compress = zlib.compressobj(_LEVEL)
    above = np.zeros(3 * width, np.uint8)
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        for band in bands:
            rows = ids_to_rgb(band).reshape(len(band), -1)
            filtered = np.full((len(band), 3 * width + 1), _FILTER_UP, np.uint8)
            filtered[:, 1:] = rows - np.concatenate([above[None], rows[:-1]])
            above = rows[-1]
            _write_chunk(file, b"IDAT", compress.compress(filtered.tobytes()))
        _write_chunk(file, b"IDAT", compress.flush())
        _write_chunk(file, b"IEND", b"")


def write_tiled_tiff(
    path: Path,
    height: int,
    width: int,
    kind: type[np.unsignedinteger],
    bands: Iterable[np.ndarray],
) -> None:
    """Writes ids as a tiled TIFF with tiles of 512 x 512 pixels, compressed without loss.

    Args:
      kind: type of a pixel, uint16 or uint32.
      bands: rows of ids from the top, `[n, width]`.
    """
    tifffile.imwrite(
        path,
        _tiles(bands, kind),
        shape=(height, width),
        dtype=kind,
        tile=(_TILE, _TILE),
        compression="zlib",
        photometric="minisblack",
        metadata=None,
        bigtiff=height * width * np.dtype(kind).itemsize >= 2**31,
    )


def _tiles(bands: Iterable[np.ndarray], kind: type) -> Iterator[np.ndarray]:
    """Yields tiles from left to right and from top to bottom, filled up with 0."""
    for rows in _rows_of_tiles(bands):
        for left in range(0, rows.shape[1], _TILE):
            tile = np.zeros((_TILE, _TILE), kind)
            part = rows[:, left : left + _TILE]
            tile[: part.shape[0], : part.shape[1]] = part
            yield tile


def _rows_of_tiles(bands: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Cuts bands of any height into bands of the height of a tile; the last may be lower."""
    waiting: list[np.ndarray] = []
    count = 0
    for band in bands:
        waiting.append(band)
        count += len(band)
        if count >= _TILE:
            rows = np.concatenate(waiting)
            for top in range(0, count - _TILE + 1, _TILE):
                yield rows[top : top + _TILE]
            waiting = [rows[count - count % _TILE :]]
            count %= _TILE
    if count:
        yield np.concatenate(waiting)


def _write_chunk(file, kind: bytes, data: bytes) -> None:
    if data or kind == b"IEND":
        file.write(struct.pack(">I", len(data)) + kind + data)
        file.write(struct.pack(">I", zlib.crc32(kind + data)))
