"""Reads all channels of a picture as they are stored, without a loss of bits."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from maskconver_tf.files.encoded_pictures.damage import png_damage
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.files.pictures import (
    TURNS,
    TooManyPixels,
    UnreadablePicture,
    UnusableChannels,
    UnusableNumbers,
    load_pixels,
    open_header,
    orientation,
    turned_upright,
)

if TYPE_CHECKING:
    import tifffile

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_KINDS = {2: "rgb", 6: "rgba"}
_PNG_GRAY_ALPHA = 4
"""Color types of PNG."""
_CONVERTED = ("PALETTE", "SEPARATED", "CIELAB")
"""Kinds of TIFF whose numbers are no brightness; Pillow makes RGB of them."""
_CHANNEL_AXES = "CSI"
"""Axes that hold channels: C of microscopes, S of colors, I of pages without a name."""
_LONG_SIDE = 1_000_000


def read_channels(encoded: bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Reads a TIFF, PNG, JPEG or any file that Pillow reads.

    A TIFF may have its channels beside each other, in planes or in pages. Other files are turned
    upright.

    Returns:
      `[h, w, c]`: bool, unsigned or signed whole numbers, or floats.

    Raises:
      UnreadablePicture: the file is damaged or not a picture.
      TooManyPixels: it has more than `max_pixels` pixels.
      UnusableChannels: it is a stack or a film.
      UnusableNumbers: it has complex numbers.
    """
    if encoded.startswith(_TIFF_STARTS):
        return _read_tiff(encoded, max_pixels)
    picture = open_header(encoded, None, max_pixels)
    if picture.format == "PNG" and encoded[24] == 16 and encoded[25] != 0:
        return _read_deep_png(encoded, picture)
    return _read_by_pillow(encoded, max_pixels)


def _read_by_pillow(encoded: bytes, max_pixels: int) -> np.ndarray:
    picture = open_header(encoded, None, max_pixels)
    if (count := getattr(picture, "n_frames", 1)) > 1 and picture.format == "TIFF":
        raise UnusableChannels(f"{count} pages with colors from a palette, or of inks")
    picture = load_pixels(encoded, picture)
    if orientation(picture) != 1:
        picture = turned_upright(picture)
    if picture.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV", "La", "RGBa"):
        picture = picture.convert("RGB")
    return _with_channels(np.asarray(picture))


def _read_deep_png(encoded: bytes, picture: Image.Image) -> np.ndarray:
    """Reads several channels of 16 bits, which Pillow cuts to 8."""
    from kornia_rs import io as fast_png  # A client has only NumPy and Pillow.

    if damage := png_damage(encoded):
        raise UnreadablePicture(damage)
    if encoded[25] == _PNG_GRAY_ALPHA:
        pixels = _read_gray_alpha(encoded, picture.width * picture.height)
    else:
        try:
            kind = _PNG_KINDS[encoded[25]]
            pixels = np.asarray(fast_png.decode_image_png_u16(encoded, picture.size[::-1], kind))
        except Exception as error:  # The decoder has no error of its own.
            raise UnreadablePicture(str(error)) from None
    if (turn := TURNS.get(orientation(picture))) is None:
        return pixels
    planes = (Image.fromarray(plane).transpose(turn) for plane in np.moveaxis(pixels, 2, 0))
    return np.stack(list(planes), axis=2)


def _read_gray_alpha(encoded: bytes, num_pixels: int) -> np.ndarray:
    """Reads gray and alpha of 16 bits as RGBA of 8, which has the same bytes in each pixel."""
    header = b"IHDR" + encoded[16:24] + bytes([8, 6]) + encoded[26:29]
    as_rgba = encoded[:12] + header + zlib.crc32(header).to_bytes(4, "big") + encoded[33:]
    picture = load_pixels(as_rgba, open_header(as_rgba, ("PNG",), num_pixels))
    return np.asarray(picture).view(">u2").astype(np.uint16)


def _read_tiff(encoded: bytes, max_pixels: int) -> np.ndarray:
    import tifffile  # A client has only NumPy and Pillow.

    try:
        with tifffile.TiffFile(io.BytesIO(encoded)) as file:
            series = file.series[0]
            axes, shape = series.axes, series.shape
            sides = {axis: size for axis, size in zip(axes, shape, strict=True) if size > 1}
            _check_axes(series, sides, max_pixels)
            if file.pages[0].tags.valueof(274, 1) != 1:
                raise UnusableChannels("a TIFF with an orientation tag; store the picture upright")
            if getattr(file.pages[0].photometric, "name", "") in _CONVERTED:
                return _read_by_pillow(encoded, max_pixels)
            pixels = series.asarray()
            if file.pages[0].photometric == tifffile.PHOTOMETRIC.MINISWHITE:
                pixels = _inverted(pixels)
    except UnreadablePicture:
        raise
    except Exception as error:  # Damaged files make the reader raise nearly anything.
        raise UnreadablePicture(str(error) or type(error).__name__) from None
    y, x = axes.index("Y"), axes.index("X")
    others = [number for number in range(len(axes)) if number not in (y, x)]
    pixels = pixels.transpose([y, x, *others])
    return np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1))


def _check_axes(series: tifffile.TiffPageSeries, sides: dict[str, int], max_pixels: int) -> None:
    axes, shape = series.axes, series.shape
    if "Y" not in axes or "X" not in axes:
        raise UnusableChannels(f"a TIFF with the axes {axes}, without Y and X")
    height, width = shape[axes.index("Y")], shape[axes.index("X")]
    if height * width > max_pixels:
        raise TooManyPixels(f"{width} x {height}, which is {height * width} pixels")
    if max(height, width) > _LONG_SIDE:
        raise TooManyPixels(f"{width} x {height}, and a side may have {_LONG_SIDE} pixels at most")
    stacked = {axis: size for axis, size in sides.items() if axis not in f"YX{_CHANNEL_AXES}Q"}
    channels = [axis for axis in sides if axis in f"{_CHANNEL_AXES}Q"]
    if stacked or len(channels) > 1:
        shown = ", ".join(f"{axis} of {size}" for axis, size in sides.items() if axis not in "YX")
        raise UnusableChannels(f"a stack or film ({shown})")
    if series.dtype.kind not in "buif":
        raise UnusableNumbers(f"{series.dtype} numbers")


def _inverted(pixels: np.ndarray) -> np.ndarray:
    """Turns numbers in which white is 0 around, as other readers do."""
    if pixels.dtype.kind == "b":
        return ~pixels
    if pixels.dtype.kind != "u":
        raise UnusableNumbers(f"{pixels.dtype} numbers in which white is 0")
    return np.iinfo(pixels.dtype).max - pixels


def _with_channels(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
