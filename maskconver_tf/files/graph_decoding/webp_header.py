"""Reads size, EXIF data and first frame of a WebP inside a graph (RFC 9649).

A decoder of WebP unpacks all frames of an animation, which may fill the memory. So the header's
`still` is a file with the first frame only.
"""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.files.graph_decoding.byte_fields import (
    Bytes,
    byte_at,
    has_at,
    little_endian,
    number_at,
    part,
)
from maskconver_tf.files.graph_decoding.header import Header, make_header

_MOST_CHUNKS = 4096
_FIRST_CHUNK, _CONTENT, _CHUNKS_OF_EXTENDED = 12, 20, 30
_ANIMATED, _HAS_ALPHA = 0x02, 0x10
_FRAME_HEADER = 16


def webp_header(file: Bytes) -> Header:
    """Reads the three forms of WebP: lossy, lossless, and extended by other chunks."""
    return tf.cond(
        has_at(file, _FIRST_CHUNK, b"VP8X"),
        lambda: _extended(file),
        lambda: tf.cond(
            has_at(file, _FIRST_CHUNK, b"VP8L"), lambda: _lossless(file), lambda: _lossy(file)
        ),
    )


def _lossy(file: Bytes) -> Header:
    is_whole = has_at(file, _FIRST_CHUNK, b"VP8 ") & has_at(file, _CONTENT + 3, b"\x9d\x01\x2a")
    width, height = tf.unstack(number_at(file, tf.constant([26, 28], tf.int64), 2) % 2**14)
    return make_header(file.content, height, width, is_whole)


def _lossless(file: Bytes) -> Header:
    bits = number_at(file, _CONTENT + 1, 4)
    width, height = bits % 2**14 + 1, bits // 2**14 % 2**14 + 1
    return make_header(file.content, height, width, byte_at(file, _CONTENT) == 0x2F)


def _extended(file: Bytes) -> Header:
    exif, frame = _find_chunks(file)
    is_animated = tf.bitwise.bitwise_and(byte_at(file, _CONTENT), _ANIMATED) > 0
    sides = number_at(file, tf.constant([27, 24], tf.int64), 3) + 1
    still, corner, inner = _first_frame(file, frame)
    fits = tf.reduce_all(corner + inner <= sides) & (frame < file.size)
    return make_header(
        tf.where(is_animated, still, file.content),
        sides[0],
        sides[1],
        tf.where(is_animated, fits, True),
        part(file, exif + 8, number_at(file, exif + 4, 4)),
        corner=tf.where(is_animated, corner, tf.zeros_like(corner)),
    )


def _find_chunks(file: Bytes) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the EXIF data and the first frame; int64, the end of the file for what is missing."""

    def step(position, exif, frame):
        exif = tf.where((exif >= file.size) & has_at(file, position, b"EXIF"), position, exif)
        frame = tf.where((frame >= file.size) & has_at(file, position, b"ANMF"), position, frame)
        return position + 8 + _even(number_at(file, position + 4, 4)), exif, frame

    _, exif, frame = tf.while_loop(
        lambda position, exif, frame: position < file.size,
        step,
        (tf.constant(_CHUNKS_OF_EXTENDED, tf.int64), file.size, file.size),
        maximum_iterations=_MOST_CHUNKS,
    )
    return exif, frame


def _first_frame(file: Bytes, frame: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Makes a file of a frame; returns it, the frame's corner and its size, both (y, x)."""
    begin = frame + 8
    data = part(file, begin + _FRAME_HEADER, number_at(file, frame + 4, 4) - _FRAME_HEADER)
    sides = part(file, begin + 6, 6)
    extended = tf.strings.join([b"VP8X\x0a\0\0\0", bytes([_HAS_ALPHA, 0, 0, 0]), sides])
    body = tf.strings.join([b"WEBP", extended, data])
    size = tf.strings.length(body)
    corner = 2 * number_at(file, begin + tf.constant([3, 0], tf.int64), 3)
    inner = number_at(file, begin + tf.constant([9, 6], tf.int64), 3) + 1
    return tf.strings.join([b"RIFF", little_endian(size, 4), body]), corner, inner


def _even(size: tf.Tensor) -> tf.Tensor:
    return size + size % 2
