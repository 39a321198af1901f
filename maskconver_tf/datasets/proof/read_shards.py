"""Finds the records of a dataset folder and their pictures, and the shards that differ."""

from __future__ import annotations

from tqdm import tqdm

from maskconver_tf.datasets.findings import Finding
from maskconver_tf.datasets.process_pool import num_workers, process_pool
from maskconver_tf.datasets.proof.differences import Difference
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.shard_index import (
    RecordPlace,
    ShardIndex,
    ShardRequest,
    index_shard,
)

Key = tuple[bytes, bytes]
"""Id and file name of a picture; see `codec.picture_key`."""


class StoredRecords:
    """The records of a dataset folder. It keeps the place of each, not its content.

    Attributes:
      num_records: number of records that can be read.
      num_segments: number of their segments.
      findings: shards that differ from dataset.json, and records that cannot be read.
    """

    def __init__(self, folder: DatasetFolder, workers: int | None, progress: bool):
        """Reads all shards once, in several processes."""
        self.num_records = 0
        self.num_segments = 0
        self.findings: list[Finding] = []
        self._places: dict[Key, list[RecordPlace]] = {}
        self._repeated: set[Key] = set()
        paths = [str(path) for path in folder.shard_paths]
        with process_pool(num_workers(workers, max(1, len(paths))), index_shard) as index_all:
            indexes = index_all(ShardRequest(path) for path in paths)
            bar = tqdm(
                indexes, "shards", len(paths), unit=" shards", disable=not progress, leave=False
            )
            for shard, index in enumerate(bar):
                self._add(shard, index)
                entry = folder.manifest["shards"][shard]
                name = str(entry["name"])
                for kind, found in _shard_differences(index, entry):
                    self.findings.append(Finding(name, paths[shard], kind, found))

    def take(self, key: Key) -> RecordPlace | None:
        """Returns the first record of a picture and forgets it; None if there is none."""
        places = self._places.get(key)
        if places is None:
            return None
        place = places.pop(0)
        if places:
            self._repeated.add(key)
        else:
            del self._places[key]
        return place

    def rest(self) -> list[tuple[Key, bool, list[RecordPlace]]]:
        """Returns the records that nobody took: key, whether it was taken once, and places."""
        return [(key, key in self._repeated, places) for key, places in self._places.items()]

    def _add(self, shard: int, index: ShardIndex) -> None:
        for number, begin, num_bytes, num_segments, key in index.records:
            place = RecordPlace(shard, number, begin, num_bytes, num_segments)
            self._places.setdefault(key, []).append(place)
            self.num_records += 1
            self.num_segments += num_segments


def _shard_differences(index: ShardIndex, entry: dict) -> list[tuple[Difference, str]]:
    """Compares a shard with its entry in dataset.json."""
    if index.num_bytes < 0:
        return [(Difference.SHARD, "the shard does not exist or cannot be opened")]
    found = []
    if index.num_bytes != entry["num_bytes"]:
        sizes = f"{index.num_bytes} bytes, and {entry['num_bytes']} in dataset.json"
        found.append((Difference.SHARD, sizes))
    elif index.sha256 != entry["sha256"]:
        found.append((Difference.SHARD, "another SHA-256 than in dataset.json"))
    for number, reason in index.broken:
        text = f"record {number} (counted from 0): {reason}"
        found.append((Difference.UNREADABLE_RECORD, text))
    if not found and index.num_records != entry["num_examples"]:
        text = f"{index.num_records} records, and num_examples {entry['num_examples']}"
        found.append((Difference.COUNTS, text))
    return found
