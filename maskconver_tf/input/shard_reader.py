"""Reads serialized examples from shards: which host reads which shard, and in which order."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import tensorflow as tf

from maskconver_tf.datasets.records.corrupt_records import CorruptRecord
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.reading import (
    READ_AHEAD,
    read_records,
    without_autotuning,
)
from maskconver_tf.errors import UserError


def read_serialized_examples(
    folder: DatasetFolder, max_examples: int | None = None
) -> tf.data.Dataset:
    """Reads the serialized examples of all shards, in the dataset's order.

    Args:
      max_examples: read only this many; None for all.
    """
    examples = read_records(folder.shard_paths)
    return examples if max_examples is None else examples.take(max_examples)


@dataclasses.dataclass(frozen=True)
class ShardReader:
    """Reads the shards of a folder, all of them or one host's share.

    Attributes:
      folder: the dataset folder to read.
      num_readers: number of shards to read at once, one example of each in turn.
      host: number of this host, from 0.
      num_hosts: number of hosts that share the shards. Host h reads shards h, h + num_hosts, ...
      left_out: records to leave out.
    """

    folder: DatasetFolder
    num_readers: int = 1
    host: int = 0
    num_hosts: int = 1
    left_out: Sequence[CorruptRecord] = ()

    def __post_init__(self):
        if len(self.folder.shard_paths) < self.num_hosts:
            raise UserError(
                f"{self.folder.path}: found {len(self.folder.shard_paths)} shards, expected one or "
                f"more for each of {self.num_hosts} hosts; build the dataset with --num_shards "
                f"{self.num_hosts} or more, or set TrainingInput.shard_files = False"
            )

    @property
    def num_examples(self) -> int:
        """Number of examples in the shards of this host, without those left out."""
        shards = self.folder.manifest["shards"]
        lost = sum(corrupt.num_lost for corrupt in self.left_out if corrupt.shard in self._shards)
        return sum(shards[shard]["num_examples"] for shard in self._shards) - lost

    @property
    def _shards(self) -> range:
        return range(self.host, len(self.folder.shard_paths), self.num_hosts)

    def examples(self, shuffle_seed: tf.Tensor | None = None) -> tf.data.Dataset:
        """Reads the serialized examples of this host once.

        Args:
          shuffle_seed: int64 scalar, the seed of the order of the shards; None for the dataset's
            order.
        """
        paths = [os.fspath(self.folder.shard_paths[shard]) for shard in self._shards]
        shards = tf.data.Dataset.from_tensor_slices((paths, list(self._shards)))
        shards = without_autotuning(shards)
        if shuffle_seed is not None:
            shards = shards.shuffle(len(paths), shuffle_seed, reshuffle_each_iteration=False)
        if self.num_readers == 1:
            return shards.flat_map(self._of_shard)
        return shards.interleave(
            self._of_shard,
            cycle_length=self.num_readers,
            num_parallel_calls=self.num_readers,
        )

    def _of_shard(self, path: tf.Tensor, shard: tf.Tensor) -> tf.data.Dataset:
        examples = tf.data.TFRecordDataset(path, buffer_size=READ_AHEAD)
        if not self.left_out:
            return examples
        bad = tf.constant([[bad.shard, bad.position] for bad in self.left_out], tf.int64)
        ends = [bad.position if bad.num_lost > 1 else 2**62 for bad in self.left_out]
        here = bad[:, 0] == tf.cast(shard, tf.int64)
        end = tf.reduce_min(tf.where(here, tf.constant(ends, tf.int64), 2**62))
        numbered = examples.take(end).enumerate()
        kept = numbered.filter(lambda i, _: ~tf.reduce_any(here & (bad[:, 1] == i)))
        return kept.map(lambda _, serialized: serialized)
