"""Reads numbers and parts of a file inside a TensorFlow graph, without an operation that raises."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

_PADDING = 32


class Bytes(NamedTuple):
    """A file in a graph.

    Attributes:
      content: string scalar.
      data: uint8 `[size + padding]`; the padding is 0.
      size: int64 scalar, bytes of the file.
    """

    content: tf.Tensor
    data: tf.Tensor
    size: tf.Tensor


def bytes_of(content: tf.Tensor) -> Bytes:
    """Makes the bytes of a string scalar readable."""
    data = tf.io.decode_raw(tf.strings.join([content, bytes(_PADDING)]), tf.uint8)
    return Bytes(content, data, tf.size(data, tf.int64) - _PADDING)


def byte_at(file: Bytes, at: tf.Tensor | int) -> tf.Tensor:
    """Returns the bytes at some positions, uint8 in the shape of `at`; 0 behind the end."""
    return tf.gather(file.data, tf.clip_by_value(tf.cast(at, tf.int64), 0, file.size))


def number_at(file: Bytes, at: tf.Tensor | int, count: int, big: bool = False) -> tf.Tensor:
    """Reads unsigned numbers of `count` bytes; int64 in the shape of `at`.

    Bytes behind the end of the file count as 0.

    Args:
      file: the file.
      at: positions of the first bytes.
      count: bytes of a number, 1 to 4.
      big: whether the highest byte comes first.
    """
    order = range(count)[::-1] if big else range(count)
    weights = tf.constant([256**power for power in order], tf.int64)
    positions = tf.cast(at, tf.int64)[..., tf.newaxis] + tf.range(count, dtype=tf.int64)
    return tf.reduce_sum(tf.cast(byte_at(file, positions), tf.int64) * weights, axis=-1)


def signed(number: tf.Tensor, bits: int) -> tf.Tensor:
    """Reads an unsigned number of `bits` bits as a signed one (two's complement)."""
    return tf.where(number >= 2 ** (bits - 1), number - 2**bits, number)


def has_at(file: Bytes, at: tf.Tensor | int, literal: bytes) -> tf.Tensor:
    """Whether the bytes from `at` are `literal`; bool scalar."""
    return part(file, at, len(literal)) == literal


def part(file: Bytes, at: tf.Tensor | int, count: tf.Tensor | int) -> tf.Tensor:
    """Returns `count` bytes from `at` as a string scalar, fewer where the file ends before."""
    begin = tf.clip_by_value(tf.cast(at, tf.int64), 0, file.size)
    count = tf.clip_by_value(tf.cast(count, tf.int64), 0, file.size - begin)
    return tf.strings.substr(file.content, begin, count)


def little_endian(number: tf.Tensor, count: int) -> tf.Tensor:
    """Returns a number as a string scalar of `count` bytes, the lowest first."""
    single_bytes = tf.constant([bytes([value]) for value in range(256)])
    shifts = tf.range(count, dtype=tf.int64) * 8
    values = tf.bitwise.right_shift(tf.cast(number, tf.int64), shifts) % 256
    return tf.strings.reduce_join(tf.gather(single_bytes, values))
