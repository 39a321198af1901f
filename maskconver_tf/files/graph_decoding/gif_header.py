"""Reads the first frame of a GIF inside a graph (GIF89a specification).

A decoder of GIF unpacks all frames at once, which may fill the memory. So the header's `still` is a
GIF with the first frame only, on a screen of the frame's size.
"""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.files.graph_decoding.byte_fields import Bytes, byte_at, number_at, part
from maskconver_tf.files.graph_decoding.header import Header, make_header

_MOST_EXTENSIONS = 256
_MOST_RUNS = 4096
_RUN = 256
"""Blocks of equal size that one step passes. Nearly all blocks of a frame have 255 bytes."""

_EXTENSION, _IMAGE, _CONTROL = 0x21, 0x2C, 0xF9
_SCREEN_END, _DESCRIPTOR = 13, 10


def gif_header(file: Bytes) -> Header:
    """Finds the first frame, and the size of the screen that holds it."""
    global_table = tf.constant(_SCREEN_END, tf.int64), _table_bytes(byte_at(file, 10))
    frame, transparent = _first_frame(file, tf.add(*global_table))
    left, top, width, height = tf.unstack(
        number_at(file, frame + tf.constant([1, 3, 5, 7], tf.int64), 2)
    )
    screen_width, screen_height = tf.unstack(number_at(file, tf.constant([6, 8], tf.int64), 2))
    own_table = frame + _DESCRIPTOR, _table_bytes(byte_at(file, frame + 9))
    end, is_whole = _blocks_end(file, tf.add(*own_table) + 1)
    sides = part(file, frame + 5, 4)
    pieces = [part(file, 0, 6), sides, part(file, 10, frame + 1 - 10), bytes(4), sides]
    pieces += [part(file, frame + 9, end - frame - 9), b";"]
    at, size = (tf.where(own_table[1] > 0, x, y) for x, y in zip(own_table, global_table))
    color_at = tf.where(3 * transparent < size, at + 3 * transparent, file.size)
    return make_header(
        tf.strings.join(pieces),
        tf.maximum(screen_height, top + height),
        tf.maximum(screen_width, left + width),
        is_whole & (byte_at(file, frame) == _IMAGE) & (width > 0) & (height > 0),
        corner=tf.stack([top, left]),
        margin=byte_at(file, color_at + tf.range(3, dtype=tf.int64)),
    )


def _table_bytes(flags: tf.Tensor) -> tf.Tensor:
    """Bytes of a color table, int64; 0 if the flags say that there is none."""
    flags = tf.cast(flags, tf.int64)
    size = 3 * tf.bitwise.left_shift(tf.constant(2, tf.int64), flags % 8)
    return tf.where(flags >= 0x80, size, tf.zeros_like(size))


def _first_frame(file: Bytes, begin: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Passes the extensions; returns where the first frame is, and its transparent color."""

    def step(position, transparent):
        label, flags = byte_at(file, position + 1), byte_at(file, position + 3)
        is_given = (label == _CONTROL) & (flags % 2 == 1)
        transparent = tf.where(
            is_given, tf.cast(byte_at(file, position + 6), tf.int64), transparent
        )
        return _blocks_end(file, position + 2)[0], transparent

    return tf.while_loop(
        lambda position, _: byte_at(file, position) == _EXTENSION,
        step,
        (begin, tf.constant(0, tf.int64)),
        maximum_iterations=_MOST_EXTENSIONS,
    )


def _blocks_end(file: Bytes, begin: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Passes blocks, each with its size first, up to an empty one.

    Returns:
      The position after the empty block, int64; whether it was found, bool.
    """

    def step(position):
        stride = tf.cast(byte_at(file, position), tf.int64) + 1
        sizes = byte_at(file, position + stride * tf.range(_RUN, dtype=tf.int64))
        is_equal = tf.cast(sizes == sizes[0], tf.int64)
        return (position + stride * tf.reduce_sum(tf.math.cumprod(is_equal)),)

    (position,) = tf.while_loop(
        lambda position: byte_at(file, position) > 0,
        step,
        (begin,),
        maximum_iterations=_MOST_RUNS,
    )
    return position + 1, (byte_at(file, position) == 0) & (position < file.size)
