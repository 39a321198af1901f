"""Reads size and EXIF data of a JPEG inside a graph (ITU-T T.81, annex B)."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.files.graph_decoding.byte_fields import (
    Bytes,
    byte_at,
    has_at,
    number_at,
    part,
)
from maskconver_tf.files.graph_decoding.header import Header, make_header

_MOST_SEGMENTS = 4096
MOST_SCANS = 100
"""Most scans of a progressive JPEG. Each costs time for the whole picture, but almost no bytes."""

_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
_NO_FRAMES = (0xC4, 0xC8, 0xCC)
"""Markers C0 to CF that do not start a frame: Huffman tables, reserved, arithmetic coding."""
_ALONE = (0x01, *range(0xD0, 0xD9))
"""Markers without a length."""
_EXIF = b"Exif\0\0"


def jpeg_header(file: Bytes) -> Header:
    """Reads the segments before the first scan, as libjpeg does."""
    markers = _marker_positions(file)

    def step(position, size, exif, is_open):
        at = _next_marker(markers, position, file.size)
        code = tf.cast(byte_at(file, at + 1), tf.int32)
        length = tf.where(
            _is_any(code, _ALONE), tf.constant(0, tf.int64), number_at(file, at + 2, 2, big=True)
        )
        is_frame = (code >= 0xC0) & (code <= 0xCF) & ~_is_any(code, _NO_FRAMES)
        sides = number_at(file, at + 2 + tf.constant([3, 5], tf.int64), 2, big=True)
        size = tf.where(is_frame & (size[0] < 0), sides, size)
        more = tf.cond(
            (code == _APP1) & has_at(file, at + 4, _EXIF),
            lambda: part(file, at + 4 + len(_EXIF), length - 2 - len(_EXIF)),
            lambda: tf.constant(b""),
        )
        is_over = _is_any(code, (_SOI, _EOI, _SOS)) | (at >= file.size)
        is_broken = ~_is_any(code, _ALONE) & (length < 2)
        return at + 2 + length, size, tf.strings.join([exif, more]), ~(is_over | is_broken)

    unknown = tf.constant([-1, -1], tf.int64)
    _, size, exif, is_open = tf.while_loop(
        lambda *state: state[-1],
        step,
        (tf.constant(2, tf.int64), unknown, tf.constant(b""), tf.constant(True)),
        maximum_iterations=_MOST_SEGMENTS,
    )
    num_scans = tf.math.count_nonzero(tf.gather(file.data, markers + 1) == _SOS)
    is_whole = ~is_open & (num_scans <= MOST_SCANS)
    return make_header(file.content, size[0], size[1], is_whole, exif)


def _marker_positions(file: Bytes) -> tf.Tensor:
    """Positions of FF before a marker code; int64 `[n]`. RSTn is left out: it ends nothing."""
    data = file.data
    first, code = data[:-1] == 0xFF, data[1:]
    is_restart = tf.bitwise.bitwise_and(code, 0xF8) == 0xD0
    return tf.where(first & (code != 0) & (code != 0xFF) & ~is_restart)[:, 0]


def _next_marker(markers: tf.Tensor, position: tf.Tensor, none: tf.Tensor) -> tf.Tensor:
    """The first marker at or after a position, else `none`."""
    index = tf.searchsorted(markers, position[tf.newaxis], out_type=tf.int64)[0]
    return tf.concat([markers, none[tf.newaxis]], 0)[index]


def _is_any(code: tf.Tensor, codes: tuple[int, ...]) -> tf.Tensor:
    return tf.reduce_any(code == tf.constant(codes))
