"""Fixed numbers of threads and buffers for pipelines that read examples."""

from __future__ import annotations

import os

import tensorflow as tf


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
