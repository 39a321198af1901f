"""Reads records, with fixed numbers of threads and buffers."""

from __future__ import annotations

import os
from collections.abc import Sequence

import tensorflow as tf

READ_AHEAD = 2**20
"""Bytes to read from a file at once: remote storage is faster with few large requests."""


def read_records(paths: Sequence[str | os.PathLike]) -> tf.data.Dataset:
    """Reads the serialized examples of shards, one shard after the other.

    All that is made of this dataset is `without_autotuning`, too.
    """
    names = [os.fspath(path) for path in paths]
    return without_autotuning(tf.data.TFRecordDataset(names, buffer_size=READ_AHEAD))


def parallel_calls() -> int:
    """Returns how many examples to prepare at a time: one for each processor core."""
    return os.cpu_count() or 1


def without_autotuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Turns off TensorFlow's search for good numbers of threads and buffers.

    The search has a thread of its own, which sleeps for as long as the iterator has lived, at most
    a minute. In TensorFlow 2.20 the end of the iterator often fails to wake it: `StartCancel` calls
    the waiting thread before it sets the flag that the thread looks at. Then the process stands
    still for the rest of that minute.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
