"""The processes that train one model together, and what they must agree on."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Workers:
    """This process among those of its strategy.

    Whatever holds a collective operation, a checkpoint's batch statistics say, must happen on each
    of them in the same order; the chief alone writes where people look.

    Attributes:
      strategy: of the run.
      count: processes.
      index: this one's number, from 0.
    """

    strategy: tf.distribute.Strategy
    count: int = 1
    index: int = 0

    @classmethod
    def of(cls, strategy: tf.distribute.Strategy) -> Workers:
        """Those of a strategy: one, but for `MultiWorkerMirroredStrategy`."""
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return cls(strategy)
        resolver = strategy.cluster_resolver
        jobs = resolver.cluster_spec().as_dict()
        before = len(jobs.get("chief", [])) if resolver.task_type == "worker" else 0
        count = sum(len(hosts) for hosts in jobs.values())
        return cls(strategy, count, before + resolver.task_id)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes checkpoints, summaries and results."""
        return self.index == 0

    @property
    def may_write_in_background(self) -> bool:
        """Whether a checkpoint may be written while steps go on: not where reading the values is
        collective, nor, untried, on a TPU."""
        return self.count == 1 and not isinstance(self.strategy, tf.distribute.TPUStrategy)

    @property
    def local_replicas(self) -> int:
        return self.strategy.num_replicas_in_sync // self.count

    def sum(self, value: np.ndarray | float) -> np.ndarray:
        """The sum of what each worker gives, in float64; waits for all of them."""
        value = np.asarray(value, np.float64)
        if self.count == 1:
            return value
        total = self._sum_of_replicas(tf.constant(value))
        return self.strategy.experimental_local_results(total)[0].numpy()

    def wait(self) -> None:
        """Returns when all workers have come here."""
        self.sum(0.0)

    @functools.cached_property
    def _sum_of_replicas(self):
        @tf.function(autograph=False)
        def total(value: tf.Tensor):
            return self.strategy.run(self._share, args=(value,))

        return total

    def _share(self, value: tf.Tensor) -> tf.Tensor:
        """The worker's value counts once, however many replicas it has."""
        context = tf.distribute.get_replica_context()
        is_first = context.replica_id_in_sync_group % self.local_replicas == 0
        value = tf.where(is_first, value, tf.zeros_like(value))
        return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
