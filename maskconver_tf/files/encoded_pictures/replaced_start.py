"""A file that is read with another start than it has."""

from __future__ import annotations

import io
from typing import BinaryIO


class ReplacedStart(io.RawIOBase):
    """Reads a file whose first bytes are replaced, without a copy of the rest in memory.

    Args:
      file: open for reading; the caller closes it.
      start: the new first bytes, as many as they replace.
    """

    def __init__(self, file: BinaryIO, start: bytes):
        self._file, self._start = file, start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:
        position = self._file.tell()
        count = self._file.readinto(buffer)
        replaced = self._start[position : position + count]
        buffer[: len(replaced)] = replaced
        return count
