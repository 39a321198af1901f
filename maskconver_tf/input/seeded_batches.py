"""Makes the batches of a training: which examples it reads, in which order, with which seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from maskconver_tf.datasets.records.reading import parallel_calls, without_autotuning
from maskconver_tf.errors import UserError
from maskconver_tf.input.data_service import check_service
from maskconver_tf.setting_checks import (
    LARGEST_WHOLE_NUMBER,
    check_flags,
    check_texts,
    check_whole_numbers,
    given,
    is_whole_number,
    wrong_setting,
)

_BATCHES_AHEAD = 2
"""Batches that are ready before the step asks for them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeededBatches:
    """Endless batches of examples. Seed and batch number alone decide what a batch contains.

    Each epoch visits every example once, in its own order. The augmentation of the i-th example of
    the run has a seed made from i. A run that stopped at step s therefore resumes with
    `batches(first_step=s)` exactly as if it had never stopped, and a checkpoint needs no state of
    the pipeline.

    A subclass adds `data_dir` and `batch_size`, and its `_reader` returns what to read.

    Attributes:
      shuffle_buffer: number of encoded examples held for shuffling; 0 keeps the order on disk.
        Each host needs this number times the size of a record in memory: 160 MB for 1024 records of
        160 kB.
      shuffle_shards: read the shards in another order in every epoch. None does it unless
        `max_examples` or `cache` is set, which fix the order of the shards.
      max_examples: use only this many examples, the first ones of the dataset; None for all.
      cache: keep the encoded examples in memory.
      num_readers: number of shards to read at once.
      shard_files: each host reads its own shards only. Hosts then read less, but the content of a
        batch depends on the number of hosts.
      deterministic: if False, examples come in the order in which they get ready. An epoch has the
        same examples and is a little faster, but no run repeats the order.
      service: address of a `tf.data` service, such as "grpc://host:5050". Its workers prepare the
        examples. Each worker takes whole epochs, so the workers decide the order.
      seed: seed of order and augmentation.
    """

    shuffle_buffer: int = 1024
    shuffle_shards: bool | None = None
    max_examples: int | None = None
    cache: bool = False
    num_readers: int = 1
    shard_files: bool = False
    deterministic: bool = True
    service: str | None = None
    seed: int = 0

    def __post_init__(self):
        where = type(self).__name__
        check_max_examples(where, self.max_examples)
        check_whole_numbers(where, 1, batch_size=self.batch_size, num_readers=self.num_readers)
        check_whole_numbers(where, 0, shuffle_buffer=self.shuffle_buffer)
        check_whole_numbers(where, -(2**31), seed=self.seed)
        check_texts(where, "data/train", data_dir=self.data_dir)
        check_texts(where, "grpc://host:5050", **given(service=self.service))
        flags = ("cache", "shard_files", "deterministic")
        check_flags(where, **{name: getattr(self, name) for name in flags})
        check_flags(where, **given(shuffle_shards=self.shuffle_shards))
        self._check_together("shard_files", "max_examples", "the first examples are in few shards")
        self._check_together("shuffle_shards", "max_examples", "the first ones have a fixed order")
        self._check_together("shuffle_shards", "cache", "the cache keeps the order of one epoch")

    def _check_together(self, first: str, second: str, why: str) -> None:
        if getattr(self, first) and getattr(self, second):
            values = f"{first} = {getattr(self, first)} and {second} = {getattr(self, second)}"
            raise UserError(
                f"{type(self).__name__}: {values} exclude each other, because {why}; set only one "
                "of the two"
            )

    @property
    def num_examples(self) -> int:
        return num_used_examples(self._reader().num_examples, self.max_examples)

    def _reader(self, host: int = 0, hosts: int = 1) -> Any:
        """Returns a reader: it has `num_examples` and `examples(shuffle_seed)`."""
        raise NotImplementedError

    def _batches(
        self,
        prepare: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], dict[str, tf.Tensor]],
        first_step: int,
        context: tf.distribute.InputContext | None,
    ) -> tf.data.Dataset:
        """Returns the batches from step `first_step` on; each has the examples of one replica.

        Args:
          prepare: makes the fields of an example from the serialized example, the one before it and
            a seed, int32 `[2]`.
          first_step: number of batches to skip.
          context: the number of replicas and this host's share of them; None for one replica.
        """
        hosts = context.num_input_pipelines if context else 1
        host = context.input_pipeline_id if context else 0
        numbered = self._numbered(first_step * self.batch_size, host, hosts)

        @tf.autograph.experimental.do_not_convert  # Converting takes longer than tracing.
        def prepare_numbered(
            number: tf.Tensor, serialized: tf.Tensor, other: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            seed = tf.random.fold_in(tf.constant([self.seed, 0x5EED]), number)
            return prepare(serialized, other, seed)

        # A service has machines of its own, which find their numbers by themselves.
        calls = tf.data.AUTOTUNE if self.service else parallel_calls()
        examples = numbered.map(prepare_numbered, num_parallel_calls=calls)
        if self.service:
            examples = examples.apply(self._at_service(first_step, hosts))
        size = context.get_per_replica_batch_size(self.batch_size) if context else self.batch_size
        batches = examples.batch(size, drop_remainder=True)
        batches = batches.prefetch(_BATCHES_AHEAD).with_options(_options(self.deterministic))
        return without_autotuning(batches)

    def _serialized_of(self, step: int) -> Iterator[tf.Tensor]:
        """Yields the serialized examples of a step's batch, over all replicas.

        Yields nothing if the step alone does not decide the order: with `shard_files`, with a
        `service`, or without `deterministic`.
        """
        if self.shard_files or self.service or not self.deterministic:
            return
        numbered = self._numbered(step * self.batch_size, 0, 1).take(self.batch_size)
        yield from (serialized for _, serialized, _ in without_autotuning(numbered))

    def _numbered(self, done: int, host: int, hosts: int) -> tf.data.Dataset:
        """Returns (number, serialized example, the one before it) of a host, after `done` examples.

        Numbers count the examples of all hosts: host h has the numbers h, h + hosts, ...
        """
        if self.shard_files:
            own = self._epochs(self._reader(host, hosts), done // hosts)
            return own.map(lambda number, *pair: (number * hosts + host, *pair))
        numbered = self._epochs(self._reader(), done)
        # A service gives each example to one host only.
        return numbered if self.service else numbered.shard(hosts, host)

    def _epochs(self, reader: Any, done: int) -> tf.data.Dataset:
        """Returns (number, example, the one before it) of all epochs, after `done` examples."""
        num_examples = num_used_examples(reader.num_examples, self.max_examples)
        if num_examples == 0:
            raise UserError(
                f"{self.data_dir}: found no example that this host can read, expected one or more; "
                "build the dataset again with fewer shards or more pictures"
            )
        shuffles_shards = self.shuffle_shards
        if shuffles_shards is None:
            shuffles_shards = not self.cache and self.max_examples is None
        in_order = reader.examples()
        if self.max_examples is not None:
            in_order = in_order.take(self.max_examples)
        if self.cache:
            in_order = in_order.cache()

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            # Sets the seed of this graph only. Otherwise the global seed of the process mixes in.
            tf.random.set_seed(1)
            seed = number * 0x9E3779B1 + self.seed
            examples = reader.examples(seed) if shuffles_shards else in_order
            if self.shuffle_buffer:
                buffer = min(self.shuffle_buffer, num_examples)
                examples = examples.shuffle(buffer, seed, reshuffle_each_iteration=False)
            numbered = examples.scan("", _with_previous).enumerate(number * num_examples)
            skipped = tf.where(number == done // num_examples, done % num_examples, 0)
            return numbered.skip(tf.cast(skipped, tf.int64))

        epochs = tf.data.Dataset.range(done // num_examples, tf.int64.max).flat_map(epoch)
        return epochs.map(lambda number, pair: (number, *pair))

    def _at_service(self, first_step: int, hosts: int) -> Callable:
        check_service(f"{type(self).__name__}.service", self.service)
        # Hosts that name the same job share its examples.
        job = f"{self.data_dir}:{self.seed}:{first_step}" if hosts > 1 else None
        return tf.data.experimental.service.distribute(
            tf.data.experimental.service.ShardingPolicy.DYNAMIC, self.service, job_name=job
        )


def num_used_examples(num_examples: int, max_examples: int | None) -> int:
    """Returns how many of `num_examples` are used; `max_examples` is None for all."""
    return num_examples if max_examples is None else min(num_examples, max_examples)


def check_max_examples(where: str, max_examples: int | None) -> None:
    """Raises `UserError` unless `max_examples` is None or a whole number from 1."""
    if max_examples is not None and not is_whole_number(max_examples, 1):
        expected = f"a whole number from 1 to {LARGEST_WHOLE_NUMBER}, or None for all"
        raise wrong_setting(f"{where}.max_examples", max_examples, expected, is_whole_number)


def _with_previous(
    previous: tf.Tensor, serialized: tf.Tensor
) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
    """One step of `scan`: pairs an example with the one before it, the first with itself."""
    return serialized, (serialized, tf.where(previous == "", serialized, previous))


def _options(deterministic: bool) -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = deterministic
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return options
