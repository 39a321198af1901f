"""Says which records a shard holds and where; the processes of a proof do this."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import NamedTuple

from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.tfrecord_file import (
    BrokenRecords,
    parse_example,
    read_records,
)
from maskconver_tf.files.paths import local_or_remote_path


@dataclasses.dataclass(frozen=True)
class ShardRequest:
    """A shard to index: its path."""

    path: str

    @property
    def image_file(self) -> str:
        """Name of the file in messages of `process_pool`."""
        return self.path


class RecordPlace(NamedTuple):
    """Where a record is.

    Attributes:
      shard: number of the shard.
      number: number of the record in its shard, from 0.
      begin, num_bytes: its place in the file.
      num_segments: number of segments that it lists.
    """

    shard: int
    number: int
    begin: int
    num_bytes: int
    num_segments: int


@dataclasses.dataclass
class ShardIndex:
    """The content of a shard.

    Attributes:
      records: for each record that can be read its number, place and size in bytes, the number of
        its segments, and the key of its picture (see `codec.picture_key`).
      broken: (number, reason) of each record that cannot be read.
      num_records: number of records, with those that cannot be read.
      num_bytes: size of the file; -1 if it cannot be opened.
      sha256: SHA-256 of the file.
    """

    records: list[tuple[int, int, int, int, tuple[bytes, bytes]]] = dataclasses.field(
        default_factory=list
    )
    broken: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    num_records: int = 0
    num_bytes: int = -1
    sha256: str = ""


def index_shard(request: ShardRequest) -> ShardIndex:
    """Reads a shard once. A shard that does not exist has no records."""
    index = ShardIndex()
    path = local_or_remote_path(request.path)
    try:
        with path.open("rb") as file:
            hashed = _HashedFile(file)
            _read_records(hashed, index)
            while hashed.read(2**20):  # Behind damage the records end, but not the file.
                pass
    except OSError:
        return index
    index.num_bytes, index.sha256 = hashed.num_bytes, hashed.sha256.hexdigest()
    return index


def _read_records(file: _HashedFile, index: ShardIndex) -> None:
    try:
        for begin, serialized in read_records(file):
            number = index.num_records
            index.num_records += 1
            try:
                key, num_segments = codec.key_and_count(parse_example(serialized))
            except BrokenRecords as error:
                index.broken.append((number, str(error)))
            else:
                index.records.append((number, begin, len(serialized), num_segments, key))
    except BrokenRecords as error:
        index.broken.append((index.num_records, str(error)))


class _HashedFile:
    """A file that is hashed while it is read."""

    def __init__(self, file):
        self._file = file
        self.sha256 = hashlib.sha256()
        self.num_bytes = 0

    def read(self, count: int) -> bytes:
        data = self._file.read(min(count, 2**40))
        self.sha256.update(data)
        self.num_bytes += len(data)
        return data
