"""Which examples a training reads, in which order, and their way into batches."""

from __future__ import annotations

import dataclasses
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from maskconver_tf.errors import RunStopped, UserError, check_counts

_SERVICE_PATIENCE = 60
"""Seconds until the dispatcher of a `tf.data` service has to take calls."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExampleOrder:
    """Endless batches of examples, a pure function of the seed and the batch number.

    Each epoch visits every example once, in an order of its own; example i of the run is augmented
    with a seed made of i. A run that stops at step s therefore goes on with `batches(first_step=s)`
    exactly as if it had never stopped, and nothing of the pipeline needs saving.

    A subclass has `data_dir` and `batch_size`, and says with `_reader` what is read.

    Attributes:
      shuffle_buffer: still-encoded examples held for shuffling; 0 keeps the order on disk.
      shuffle_shards: take the shards in another order in every epoch; for a dataset larger than
        the buffer whose order on disk means something.
      max_examples: use only the first ones of the dataset; None for all.
      cache: keep the encoded examples in memory.
      num_readers: shards read at once.
      shard_files: each host reads its own shards, not all of them. Less to read, but what a step
        holds then depends on the number of hosts.
      deterministic: False lets examples come as they get ready: the same ones, a little faster, in
        an order that no run repeats.
      service: address of a `tf.data` service, such as "grpc://host:5050", whose workers prepare
        the examples. They take whole epochs each, so that the order is theirs.
      seed: of order and augmentation.
    """

    shuffle_buffer: int = 1024
    shuffle_shards: bool = False
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
        check_counts(where, 1, batch_size=self.batch_size, num_readers=self.num_readers)
        check_counts(where, 0, shuffle_buffer=self.shuffle_buffer)
        self._check_together("shard_files", "max_examples", "the first examples lie in few shards")
        self._check_together("shuffle_shards", "max_examples", "the first ones have a fixed order")
        self._check_together("shuffle_shards", "cache", "what is kept has the order of one epoch")

    def _check_together(self, first: str, second: str, why: str) -> None:
        if getattr(self, first) and getattr(self, second):
            values = f"{first} = {getattr(self, first)} and {second} = {getattr(self, second)}"
            raise UserError(f"{type(self).__name__}: {values}: {why}; set one of the two")

    @property
    def num_examples(self) -> int:
        return limited(self._reader().num_examples, self.max_examples)

    def _reader(self, host: int = 0, hosts: int = 1) -> Any:
        """What has `num_examples` and gives `examples(shuffle_seed)`, such as a `ShardReader`."""
        raise NotImplementedError

    def _batches(
        self,
        prepare: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], dict[str, tf.Tensor]],
        first_step: int,
        context: tf.distribute.InputContext | None,
    ) -> tf.data.Dataset:
        """The batches from `first_step` on, of one replica's share each.

        Args:
          prepare: of a serialized example, the one before it and a seed int32 `[2]`, makes fields.
          first_step: batches that came before.
          context: replicas and this host's share of them; None for one replica.
        """
        hosts = context.num_input_pipelines if context else 1
        host = context.input_pipeline_id if context else 0
        numbered = self._numbered(first_step * self.batch_size, host, hosts)

        @tf.autograph.experimental.do_not_convert  # It would take longer than the rest of tracing.
        def prepare_numbered(
            number: tf.Tensor, serialized: tf.Tensor, other: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            seed = tf.random.fold_in(tf.constant([self.seed, 0x5EED]), number)
            return prepare(serialized, other, seed)

        examples = numbered.map(prepare_numbered, num_parallel_calls=tf.data.AUTOTUNE)
        if self.service:
            examples = examples.apply(self._at_service(first_step, hosts))
        size = context.get_per_replica_batch_size(self.batch_size) if context else self.batch_size
        batches = examples.batch(size, drop_remainder=True)
        return batches.prefetch(tf.data.AUTOTUNE).with_options(_options(self.deterministic))

    def _serialized_of(self, step: int) -> Iterator[tf.Tensor]:
        """The serialized examples of a step's batch, over all replicas.

        Empty where the order is no function of the step alone: with `shard_files`, with a `service`
        and where `deterministic` is off.
        """
        if self.shard_files or self.service or not self.deterministic:
            return
        numbered = self._numbered(step * self.batch_size, 0, 1).take(self.batch_size)
        yield from (serialized for _, serialized, _ in numbered)

    def _numbered(self, done: int, host: int, hosts: int) -> tf.data.Dataset:
        """(number in the run, serialized example, another one) of a host, `done` left out.

        Numbers are those of the global run: host h has h, h + hosts, ...
        """
        if self.shard_files:
            own = self._epochs(self._reader(host, hosts), done // hosts)
            return own.map(lambda number, *pair: (number * hosts + host, *pair))
        numbered = self._epochs(self._reader(), done)
        # The hosts of a service are given examples, each one once.
        return numbered if self.service else numbered.shard(hosts, host)

    def _epochs(self, reader: Any, done: int) -> tf.data.Dataset:
        """Examples with their number and the one before them, epoch after epoch, from `done` on."""
        num_examples = limited(reader.num_examples, self.max_examples)
        if num_examples == 0:
            raise UserError(
                f"{self.data_dir}: found no example that this host could read; build the dataset "
                "again, or with fewer shards"
            )
        in_order = reader.examples()
        if self.max_examples is not None:
            in_order = in_order.take(self.max_examples)
        if self.cache:
            in_order = in_order.cache()

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            # Of this function's graph alone; otherwise the process's global seed would join in.
            tf.random.set_seed(1)
            seed = number * 0x9E3779B1 + self.seed
            examples = reader.examples(seed) if self.shuffle_shards else in_order
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


def limited(count: int, limit: int | None) -> int:
    """`count`, or `limit` if that is less; None for no limit."""
    return count if limit is None else min(count, limit)


def check_max_examples(where: str, max_examples: int | None) -> None:
    """Refuses a limit that leaves no example."""
    if max_examples is not None and max_examples < 1:
        raise UserError(
            f"{where}.max_examples = {max_examples}: expected 1 or more, or None for all"
        )


def check_service(name: str, address: str) -> None:
    """Waits for a dispatcher that is starting too; without end and word `tf.data` would do so.

    Raises:
      UserError: this is no address.
      RunStopped: nobody answers there, which another start may find changed.
    """
    protocol, _, place = address.rpartition("://")
    host, _, port = place.rpartition(":")
    if not protocol or not host or not port.isdecimal() or int(port) > 65535:
        raise UserError(
            f"{name} = {address!r}: expected the address of a running tf.data dispatcher, such as "
            "grpc://host:5050"
        )
    deadline = time.monotonic() + _SERVICE_PATIENCE
    while error := _refusal(host.strip("[]"), int(port), deadline):
        if time.monotonic() > deadline:
            raise RunStopped(
                f"{name} = {address!r}: no tf.data dispatcher could be reached there ({error}); "
                "start it, or correct the address, then start again with the same command"
            )
        print(f"{name} = {address!r}: {error}; waiting for it", file=sys.stderr)
        time.sleep(min(5, _SERVICE_PATIENCE / 4))


def _refusal(host: str, port: int, deadline: float) -> OSError | UnicodeError | None:
    """Why nobody there takes a call; None if somebody does."""
    try:
        socket.create_connection((host, port), max(1.0, deadline - time.monotonic())).close()
    except (OSError, UnicodeError) as error:
        return error
    return None


def _with_previous(
    previous: tf.Tensor, serialized: tf.Tensor
) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
    """A step of `scan`: an example beside the one before it, the first beside itself."""
    return serialized, (serialized, tf.where(previous == "", serialized, previous))


def _options(deterministic: bool) -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = deterministic
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return options
