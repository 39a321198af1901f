"""Reads large pictures row by row where the file allows it."""

from __future__ import annotations

import functools

import numpy as np
import tifffile
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.encoded_pictures.pixel_limit import LARGEST_MAX_PIXELS
from maskconver_tf.files.picture_rows import load_upright, rows_to_rgb, size_upright
from maskconver_tf.files.pictures import UnreadablePicture
from maskconver_tf.inference.predictor import explain_unreadable, read_image

SMALL_PIXELS = 25_000_000
"""A picture of at most so many pixels is read as a whole, and its map is kept in memory."""

_HIGHEST_STRIP = 4096
_PLAIN_PHOTOMETRIC = {tifffile.PHOTOMETRIC.MINISBLACK: (1, 2), tifffile.PHOTOMETRIC.RGB: (3, 4)}


class ArrayRows:
    """A picture in memory, uint8 `[h, w, 3]`."""

    def __init__(self, pixels: np.ndarray):
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def read(self, start: int, end: int) -> np.ndarray:
        return self.pixels[start:end]


class PillowRows:
    """A picture that Pillow decodes at once; its RGB copy is made row by row.

    Memory: 4 bytes a pixel for color, 1 for gray, until the last row is read.
    """

    def __init__(self, path: str, max_pixels: int):
        self._path, self._max_pixels = path, max_pixels
        with explain_unreadable(path):
            self.width, self.height = size_upright(path, max_pixels)

    def read(self, start: int, end: int) -> np.ndarray:
        rows = rows_to_rgb(self._picture, self.width, start, end)
        if end == self.height:  # Outputs need the memory now.
            del self._picture
        return rows

    @functools.cached_property
    def _picture(self) -> Image.Image:
        with explain_unreadable(self._path):
            return load_upright(self._path, self._max_pixels)


class TiffRows:
    """A TIFF of 8 or 16 bits whose strips or tiles are decoded when their rows are read."""

    def __init__(self, path: str, page: tifffile.TiffPage):
        self._path, self._page = path, page
        self.height, self.width = page.imagelength, page.imagewidth

    def read(self, start: int, end: int) -> np.ndarray:
        rows = np.zeros((end - start, self.width, 3), np.uint8)
        page = self._page
        step = page.tilelength if page.is_tiled else page.rowsperstrip
        across = -(-self.width // page.tilewidth) if page.is_tiled else 1
        first, last = start // step, -(-end // step)
        for index in range(first * across, last * across):
            self._paint(rows, start, index)
        return rows

    def _paint(self, rows: np.ndarray, start: int, index: int) -> None:
        """Decodes a strip or tile, and copies its pixels."""
        decoded, (_, _, top, left, _), (_, height, width, _) = self._decode(index)
        part = _eight_bits(decoded[0])[:height, :width]
        part = np.repeat(part[..., :1], 3, axis=-1) if part.shape[-1] < 3 else part[..., :3]
        part = part[:, : self.width - left]
        begin, end = max(top, start), min(top + len(part), start + len(rows))
        rows[begin - start : end - start, left : left + part.shape[1]] = part[
            begin - top : end - top
        ]

    def _decode(self, index: int) -> tuple:
        page, handle = self._page, self._page.parent.filehandle
        try:
            handle.seek(page.dataoffsets[index])
            data = handle.read(page.databytecounts[index])
            found = page.decode(data, index, jpegtables=page.jpegtables)
        except Exception as error:  # Damaged files make decoders raise nearly anything.
            raise _damaged(self._path, str(error)) from None
        if found[0] is None:
            raise _damaged(self._path, f"the TIFF's part {index} is empty")
        return found


def is_large(picture: object) -> bool:
    """Whether a picture, as `read_rows` or `read_image` returned it, is not in memory."""
    return isinstance(picture, PillowRows | TiffRows)


def read_rows(
    path: str, max_pixels: int = LARGEST_MAX_PIXELS, mapping: ChannelMapping | None = None
) -> ArrayRows | PillowRows | TiffRows:
    """Opens a picture for reading by rows; a small one is read at once.

    A picture with a channel mapping is read at once, whatever its size: its range of values is that
    of the whole picture.

    Raises:
      UserError: the file is missing or not a picture, or a build would refuse it.
    """
    if mapping is not None:
        return ArrayRows(read_image(path, max_pixels, mapping))
    if (page := _plain_tiff_page(path)) is not None and _num_pixels(page) <= max_pixels:
        if _num_pixels(page) > SMALL_PIXELS:
            return TiffRows(path, page)
        page.parent.close()
    rows = PillowRows(path, max_pixels)
    if rows.width * rows.height > SMALL_PIXELS:
        return rows
    return ArrayRows(read_image(path, max_pixels))


def _num_pixels(page: tifffile.TiffPage) -> int:
    return page.imagelength * page.imagewidth


def _plain_tiff_page(path: str) -> tifffile.TiffPage | None:
    """Returns the page of a TIFF that `TiffRows` reads as `read_image` does; else None."""
    try:
        page = tifffile.TiffFile(path).pages[0]
        is_plain = (
            page.samplesperpixel in _PLAIN_PHOTOMETRIC.get(page.photometric, ())
            and page.dtype in (np.uint8, np.uint16)
            and page.bitspersample in (8, 16)
            and page.planarconfig == tifffile.PLANARCONFIG.CONTIG
            and page.compression in (1, 5, 8, 32773, 32946)  # None, LZW, Deflate, PackBits.
            and page.tags.valueof(274, 1) == 1  # Upright.
            and page.imagedepth == 1
            and (page.tilelength if page.is_tiled else page.rowsperstrip) <= _HIGHEST_STRIP
        )
        if is_plain:  # LZW needs a package that may be missing.
            page.decode(None, 0)
            tifffile.TIFF.DECOMPRESSORS[page.compression]
    except Exception:  # Not a TIFF, or one for the other reader, which names what is wrong.
        return None
    if not is_plain:
        page.parent.close()
        return None
    return page


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def _damaged(path: str, reason: str) -> UserError:
    with explain_unreadable(path):
        raise UnreadablePicture(reason)
