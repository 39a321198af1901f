"""Runs a network on pictures that are divided among the replicas of a worker."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from maskconver_tf.training.machines.workers import Workers

Infer = Callable[[np.ndarray], dict[str, tf.Tensor]]
"""A function from images, uint8 `[B, H, W, 3]`, to outputs with a batch axis."""


def divide_among_replicas(infer: Infer, workers: Workers) -> Infer:
    """Makes a function like `infer` that divides each batch among this worker's replicas.

    The number of images need not be a multiple of the number of replicas.
    """
    strategy, replicas = workers.strategy, workers.num_local_replicas
    if strategy.num_replicas_in_sync == 1:
        return infer

    # This needs its own function, because `infer` cannot take the values of several replicas.
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
