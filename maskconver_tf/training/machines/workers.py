"""The worker processes that train one model together, and sums over them."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Workers:
    """All workers of a strategy, and the number of this one.

    Some actions contain a collective operation, for example reading the batch statistics for a
    checkpoint. All workers must take such actions in the same order. Only the chief writes into the
    run's folder.

    Attributes:
      strategy: the run's strategy.
      count: number of workers.
      index: number of this worker, from 0.
    """

    strategy: tf.distribute.Strategy
    count: int = 1
    index: int = 0

    @classmethod
    def of(cls, strategy: tf.distribute.Strategy) -> Workers:
        """Finds the workers of a strategy. Only `MultiWorkerMirroredStrategy` has more than one."""
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return cls(strategy)
        resolver = strategy.cluster_resolver
        jobs = resolver.cluster_spec().as_dict()
        before = len(jobs.get("chief", [])) if resolver.task_type == "worker" else 0
        count = sum(len(hosts) for hosts in jobs.values())
        return cls(strategy, count, before + resolver.task_id)

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes checkpoints, summaries and results."""
        return self.index == 0

    @property
    def may_write_in_background(self) -> bool:
        """Whether a checkpoint may be written while training steps run.

        Several workers read the values with collective operations, so they must not. On a TPU we
        have not tried it.
        """
        return self.count == 1 and not isinstance(self.strategy, tf.distribute.TPUStrategy)

    @property
    def num_local_replicas(self) -> int:
        """Number of replicas of this worker."""
        return self.strategy.num_replicas_in_sync // self.count

    def sum(self, value: np.ndarray | float) -> np.ndarray:
        """Adds up the values of all workers, in float64. Waits until each worker gives its own."""
        value = np.asarray(value, np.float64)
        if self.count == 1:
            return value
        total = self._sum_of_replicas(tf.constant(value))
        return self.strategy.experimental_local_results(total)[0].numpy()

    def wait_for_all(self) -> None:
        """Waits until all workers have called this."""
        self.sum(0.0)

    @functools.cached_property
    def _sum_of_replicas(self):
        @tf.function(autograph=False)
        def total(value: tf.Tensor):
            return self.strategy.run(self._share, args=(value,))

        return total

    def _share(self, value: tf.Tensor) -> tf.Tensor:
        """Counts the worker's value once, however many replicas the worker has."""
        context = tf.distribute.get_replica_context()
        is_first = context.replica_id_in_sync_group % self.num_local_replicas == 0
        value = tf.where(is_first, value, tf.zeros_like(value))
        return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
