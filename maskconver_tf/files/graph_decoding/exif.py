"""Reads the EXIF orientation inside a graph and turns pictures upright (EXIF 2.32, TIFF 6.0)."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.files.graph_decoding.byte_fields import (
    Bytes,
    bytes_of,
    has_at,
    number_at,
    part,
    signed,
)

_PREFIX = b"Exif\0\0"
_LITTLE = (b"II*\0", b"II\0*")
_BIG = (b"MM\0*", b"MM*\0", b"MM\0+")
"""Starts of TIFF data that Pillow reads, the wrong ones included; without BigTIFF."""

_TAG = 0x0112
_ENTRY = 12
_BYTES_OF_TYPE = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8)
"""Bytes of one value of each TIFF type; 0 for no such type."""
_SHORT_TYPES, _LONG_TYPES = (3, 8), (4, 9, 13)


def orientation(exif: tf.Tensor) -> tf.Tensor:
    """Returns the orientation, 1 (upright) to 8; 1 if the tag is missing or broken.

    Like Pillow it takes the first value of the first readable entry in the first directory.

    Args:
      exif: string scalar, with or without the prefix `Exif\\0\\0`; may be any bytes.

    Returns:
      int32 scalar.
    """
    return tf.cond(tf.strings.length(exif) < 8, lambda: 1, lambda: _orientation(exif))


def _orientation(exif: tf.Tensor) -> tf.Tensor:
    file = bytes_of(exif)
    tiff = tf.where(has_at(file, 0, _PREFIX), part(file, len(_PREFIX), file.size), exif)
    file = bytes_of(tiff)
    start = part(file, 0, 4)
    return tf.cond(
        tf.reduce_any(start == tf.constant(_BIG)),
        lambda: _from_directory(file, big=True),
        lambda: tf.cond(
            tf.reduce_any(start == tf.constant(_LITTLE)),
            lambda: _from_directory(file, big=False),
            lambda: 1,
        ),
    )


def _from_directory(file: Bytes, big: bool) -> tf.Tensor:
    begin = number_at(file, 4, 4, big)
    count = tf.clip_by_value((file.size - begin - 2) // _ENTRY, 0, number_at(file, begin, 2, big))
    entries = begin + 2 + _ENTRY * tf.range(count)
    kinds = number_at(file, entries + 2, 2, big)
    of_type = tf.constant(_BYTES_OF_TYPE, tf.int64)
    unit = tf.gather(of_type, tf.where(kinds < len(_BYTES_OF_TYPE), kinds, 0))
    sizes = unit * number_at(file, entries + 4, 4, big)
    at = tf.where(sizes > 4, number_at(file, entries + 8, 4, big), entries + 8)
    is_tag = number_at(file, entries, 2, big) == _TAG
    valid = tf.where(is_tag & _is_readable(file, sizes, at))[:, 0]
    # A last value stands for "no entry": upright.
    kind = tf.concat([tf.gather(kinds, valid), [0]], 0)[0]
    at = tf.concat([tf.gather(at, valid), [0]], 0)[0]
    value = tf.where(
        tf.reduce_any(kind == tf.constant(_SHORT_TYPES, tf.int64)),
        signed(number_at(file, at, 2, big), 16),
        tf.where(
            tf.reduce_any(kind == tf.constant(_LONG_TYPES, tf.int64)),
            signed(number_at(file, at, 4, big), 32),
            1,
        ),
    )
    return tf.cast(tf.where((value >= 1) & (value <= 8), value, 1), tf.int32)


def _is_readable(file: Bytes, sizes: tf.Tensor, at: tf.Tensor) -> tf.Tensor:
    """Which entries have their values in the data; bool `[n]`.

    As in Pillow, an entry is passed over if all values so far are larger than the data, and a value
    behind the end of the data ends the directory.
    """
    is_elsewhere = sizes > 4
    is_passed = is_elsewhere & (tf.cumsum(tf.where(is_elsewhere, sizes, 0)) > file.size)
    is_behind = is_elsewhere & ~is_passed & (at + sizes > file.size)
    is_ended = tf.cumsum(tf.cast(is_behind, tf.int32)) > 0
    return (sizes > 0) & ~is_passed & ~is_ended


def turn_upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Applies an orientation, int32 scalar 1 to 8, to a picture `[h, w, 3]`."""
    rows, columns = [0], [1]
    swapped = tf.cond(
        orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: tf.identity(image)
    )
    flips = [[], columns, rows + columns, rows, [], columns, rows + columns, rows]
    branches = [lambda axes=axes: tf.reverse(swapped, axes) if axes else swapped for axes in flips]
    return tf.ensure_shape(tf.switch_case(orientation - 1, branches), [None, None, 3])
