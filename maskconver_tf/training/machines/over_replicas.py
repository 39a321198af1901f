"""A network over pictures, a share on each of a worker's replicas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from maskconver_tf.training.machines.workers import Workers

Infer = Callable[[np.ndarray], dict[str, tf.Tensor]]


def over_replicas(infer: Infer, workers: Workers) -> Infer:
    """`infer`, a function of images uint8 `[B, H, W, 3]`, for any B whatever the replicas."""
    strategy, replicas = workers.strategy, workers.local_replicas
    if strategy.num_replicas_in_sync == 1:
        return infer

    # A function of its own: `infer` knows no values of several replicas.
    @tf.function(autograph=False)
    def infer_shares(values: tf.Tensor) -> dict[str, tf.Tensor]:
        return strategy.run(lambda images: infer(images), args=(values,))

    def infer_all(images: np.ndarray) -> dict[str, tf.Tensor]:
        padded = np.pad(images, [[0, -len(images) % replicas], [0, 0], [0, 0], [0, 0]])
        shares = np.split(padded, replicas)
        values = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(shares[context.replica_id_in_sync_group % replicas])
        )
        return {
            name: tf.concat(strategy.experimental_local_results(value), axis=0)[: len(images)]
            for name, value in infer_shares(values).items()
        }

    return infer_all
