"""Reads size and EXIF data of a PNG inside a graph (PNG specification, W3C, third edition)."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.files.graph_decoding.byte_fields import Bytes, has_at, number_at, part
from maskconver_tf.files.graph_decoding.header import Header, make_header

_MOST_CHUNKS = 8192
_EXIF = b"eXIf"


def png_header(file: Bytes) -> Header:
    """Reads the chunk IHDR, and eXIf wherever it stands."""
    is_whole = has_at(file, 8, b"\0\0\0\x0dIHDR")
    width, height = tf.unstack(number_at(file, tf.constant([16, 20], tf.int64), 4, big=True))
    # Only a file that has these four bytes somewhere is worth a walk through its chunks.
    pieces = tf.strings.split(file.content[tf.newaxis], _EXIF).flat_values
    exif = tf.cond(tf.size(pieces) > 1, lambda: _exif(file), lambda: tf.constant(b""))
    return make_header(file.content, height, width, is_whole, exif)


def _exif(file: Bytes) -> tf.Tensor:
    def step(position, is_found):
        del is_found
        is_exif = has_at(file, position + 4, _EXIF)
        after = position + 12 + number_at(file, position, 4, big=True)
        return tf.where(is_exif, position, after), is_exif

    position, is_found = tf.while_loop(
        lambda position, is_found: ~is_found & (position < file.size),
        step,
        (tf.constant(8, tf.int64), tf.constant(False)),
        maximum_iterations=_MOST_CHUNKS,
    )
    return tf.cond(
        is_found,
        lambda: part(file, position + 8, number_at(file, position, 4, big=True)),
        lambda: tf.constant(b""),
    )
