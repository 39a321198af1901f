"""Decodes an uncompressed BMP inside a graph, with 1 to 32 bits a pixel.

TensorFlow's own decoder knows neither color tables nor less than 8 bits. This one raises nothing.
Source: the structures BITMAPINFOHEADER and BITMAPV5HEADER in the documentation of Windows.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from maskconver_tf.files.graph_decoding import picture_status
from maskconver_tf.files.graph_decoding.byte_fields import Bytes, number_at, signed
from maskconver_tf.files.graph_decoding.header import Header, make_header

_OLD_HEADER = 12
_HEADERS = (_OLD_HEADER, 40, 52, 56, 64, 108, 124)
_DEPTHS = (1, 4, 8, 16, 24, 32)
_MASKS_AT = 54
_NO_COMPRESSION, _MASKS = 0, 3
_MASKS_OF_16 = (0x7C00, 0x03E0, 0x001F)
_MASKS_OF_32 = (0xFF0000, 0x00FF00, 0x0000FF)


class _Layout(NamedTuple):
    """How the pixels are stored; int64 scalars, where not stated otherwise.

    Attributes:
      is_top_down: bool, whether the first stored row is the highest.
      first_pixel: position of the first stored row.
      row_bytes: bytes of a stored row, a multiple of 4.
      masks: `[3]`, bits of red, green and blue in a pixel of 16 or 32 bits.
      colors: `[256, 3]`, the color table; colors that the file lacks are black.
    """

    status: tf.Tensor
    height: tf.Tensor
    width: tf.Tensor
    depth: tf.Tensor
    is_top_down: tf.Tensor
    first_pixel: tf.Tensor
    row_bytes: tf.Tensor
    masks: tf.Tensor
    colors: tf.Tensor


def bmp_header(file: Bytes) -> Header:
    """Reads the size, and whether the file is uncompressed and has all its rows."""
    layout = _layout(file)
    end = layout.first_pixel + layout.row_bytes * layout.height
    is_whole = (layout.width > 0) & (end <= file.size)
    return make_header(file.content, layout.height, layout.width, is_whole, status=layout.status)


def decode_bmp(file: Bytes) -> tf.Tensor:
    """Decodes a file for which `bmp_header` has the status `OK`; uint8 `[h, w, 3]`."""
    layout = _layout(file)
    begin = layout.first_pixel
    rows = file.data[begin : begin + layout.row_bytes * layout.height]
    rows = tf.reshape(rows, tf.stack([layout.height, layout.row_bytes]))
    rows = tf.cond(layout.is_top_down, lambda: rows, lambda: tf.reverse(rows, [0]))
    branches = [lambda depth=depth: _indexed(rows, layout, depth) for depth in (1, 4, 8)]
    branches.append(lambda: _masked(rows, layout, 2))
    branches.append(lambda: _by_pixel(rows, layout, 3)[..., ::-1])
    branches.append(lambda: _masked(rows, layout, 4))
    index = tf.argmax(layout.depth == tf.constant(_DEPTHS, tf.int64), output_type=tf.int32)
    return tf.ensure_shape(tf.switch_case(index, branches), [None, None, 3])


def _layout(file: Bytes) -> _Layout:
    header = number_at(file, 14, 4)
    is_old = header == _OLD_HEADER
    sides = tf.where(
        is_old,
        number_at(file, tf.constant([18, 20], tf.int64), 2),
        signed(number_at(file, tf.constant([18, 22], tf.int64), 4), 32),
    )
    depth = tf.where(is_old, number_at(file, 24, 2), number_at(file, 28, 2))
    compression = tf.where(is_old, tf.constant(0, tf.int64), number_at(file, 30, 4))
    has_masks = (compression == _MASKS) & ((depth == 16) | (depth == 32))
    usual = tf.where(depth == 16, tf.constant(_MASKS_OF_16, tf.int64), _MASKS_OF_32)
    masks = number_at(file, tf.constant([_MASKS_AT, _MASKS_AT + 4, _MASKS_AT + 8], tf.int64), 4)
    is_known = tf.reduce_any(header == tf.constant(_HEADERS, tf.int64))
    is_known &= tf.reduce_any(depth == tf.constant(_DEPTHS, tf.int64))
    is_known &= (compression == _NO_COMPRESSION) | has_masks
    return _Layout(
        tf.where(is_known, picture_status.OK, picture_status.UNSUPPORTED),
        tf.abs(sides[1]),
        sides[0],
        depth,
        sides[1] < 0,
        number_at(file, 10, 4),
        (sides[0] * depth + 31) // 32 * 4,
        tf.where(has_masks, masks, usual),
        _color_table(file, header, depth, is_old),
    )


def _color_table(file: Bytes, header: tf.Tensor, depth: tf.Tensor, is_old: tf.Tensor) -> tf.Tensor:
    """Reads the color table; uint8 `[256, 3]`."""
    given = tf.where(is_old, tf.constant(0, tf.int64), number_at(file, 46, 4))
    most = tf.bitwise.left_shift(tf.constant(1, tf.int64), tf.minimum(depth, 8))
    count = tf.where(given > 0, given, most)
    index = tf.range(256, dtype=tf.int64)
    at = 14 + header + index * tf.where(is_old, tf.constant(3, tf.int64), 4)
    value = number_at(file, at, 3)
    value = tf.where(index < count, value, 0)
    return tf.cast(tf.stack([value // 65536, value // 256 % 256, value % 256], 1), tf.uint8)


def _indexed(rows: tf.Tensor, layout: _Layout, depth: int) -> tf.Tensor:
    """Looks pixels of 1, 4 or 8 bits up in the color table."""
    shifts = tf.range(8 - depth, -1, -depth, dtype=tf.int32)
    values = tf.bitwise.right_shift(rows[..., tf.newaxis], tf.cast(shifts, tf.uint8))
    values = tf.bitwise.bitwise_and(values, 2**depth - 1)
    values = tf.reshape(values, tf.stack([layout.height, -1]))[:, : layout.width]
    return tf.gather(layout.colors, tf.cast(values, tf.int32))


def _by_pixel(rows: tf.Tensor, layout: _Layout, count: int) -> tf.Tensor:
    """Returns the `count` bytes of each pixel; uint8 `[h, w, count]`."""
    rows = rows[:, : layout.width * count]
    return tf.reshape(rows, tf.stack([layout.height, layout.width, count]))


def _masked(rows: tf.Tensor, layout: _Layout, count: int) -> tf.Tensor:
    """Takes red, green and blue out of pixels of 16 or 32 bits, and scales them to 0..255."""
    weights = tf.constant([256**power for power in range(count)], tf.int64)
    values = tf.cast(_by_pixel(rows, layout, count), tf.int64) @ weights[:, tf.newaxis]
    lowest = tf.maximum(tf.bitwise.bitwise_and(layout.masks, -layout.masks), 1)
    largest = tf.maximum(layout.masks // lowest, 1)
    values = tf.bitwise.bitwise_and(values, layout.masks) // lowest * 255 // largest
    return tf.cast(values, tf.uint8)
