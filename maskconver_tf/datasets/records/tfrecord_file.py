"""Reads TFRecord files and their `tf.train.Example` without TensorFlow, which takes long to import.

A file is a row of records: the length (8 bytes), its checksum (4), the content, and the checksum of
the content (4). Sources: TensorFlow's record_reader.h and example.proto, the encoding of protobuf.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

_HEADER, _FOOTER = 12, 4

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
"""Wire types of protobuf."""

_BYTES_LIST, _INT64_LIST = 1, 3
"""Field numbers in `tf.train.Feature`."""


class BrokenRecords(Exception):
    """A file or a record that cannot be read; the text says why."""


def read_records(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yields position in bytes and content of each record, without a look at its checksum.

    Raises:
      BrokenRecords: the file breaks off in a record, or the length of a record is damaged.
    """
    position = 0
    while header := file.read(_HEADER):
        if len(header) < _HEADER:
            raise BrokenRecords("the file breaks off")
        length, checksum = struct.unpack("<QI", header)
        if checksum != _masked_crc32c(header[:8]):
            raise BrokenRecords("the length of the record is damaged")
        content = file.read(length)
        if len(content) < length or len(file.read(_FOOTER)) < _FOOTER:
            raise BrokenRecords("the file breaks off")
        yield position + _HEADER, content
        position += _HEADER + length + _FOOTER


def parse_example(serialized: bytes) -> dict[str, list[bytes] | list[int]]:
    """Returns key -> values of a `tf.train.Example`; raises `BrokenRecords` if it is none."""
    try:
        features = {}
        for _, _, content in _fields(serialized, 1):
            for _, _, entry in _fields(content, 1):
                parts = {number: value for number, _, value in _fields(entry)}
                features[bytes(parts[1]).decode()] = _values(parts[2])
        return features
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise BrokenRecords(f"not a tf.train.Example ({error})") from None


def _values(feature: bytes) -> list[bytes] | list[int]:
    values = []
    for kind, _, content in _fields(feature):
        for _, wire_type, value in _fields(content, 1):
            if kind == _BYTES_LIST:
                values.append(bytes(value))
            elif kind == _INT64_LIST and wire_type == _VARINT:
                values.append(_signed(value))
            elif kind == _INT64_LIST:
                values.extend(_packed_varints(value))
    return values


def _fields(message: bytes, wanted: int | None = None) -> Iterator[tuple[int, int, int | bytes]]:
    """Yields number, wire type and value of the fields of a message.

    Args:
      wanted: the field number to yield; None for all.
    """
    position, view = 0, memoryview(message)
    while position < len(view):
        tag, position = _varint(view, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _varint(view, position)
        else:
            if wire_type == _BYTES:
                length, position = _varint(view, position)
            else:
                length = {_FIXED_64: 8, _FIXED_32: 4}[wire_type]
            value, position = view[position : position + length], position + length
            if position > len(view):
                raise ValueError("a field breaks off")
        if wanted in (None, number):
            yield number, wire_type, value


def _packed_varints(view: bytes) -> Iterator[int]:
    position = 0
    while position < len(view):
        value, position = _varint(view, position)
        yield _signed(value)


def _varint(view: bytes, position: int) -> tuple[int, int]:
    """Returns the number at `position`, 7 bits per byte, and the position after it."""
    value, shift = 0, 0
    while True:
        byte = view[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _masked_crc32c(data: bytes) -> int:
    """The checksum of TFRecord files: CRC-32C, turned and with a constant added."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _crc_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_CRC_TABLE = [_crc_entry(byte) for byte in range(256)]
