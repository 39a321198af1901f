"""Overlaps the parts of an evaluation: reading, network, and what becomes of its outputs."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

Example = dict[str, np.ndarray]
Infer = Callable[[Sequence[Example]], Any]
"""Runs the network on a batch."""
Finish = Callable[[Example, Any, int], Any]
"""Makes the prediction of the example at a position of a batch from the outputs of the network."""

MOST_THREADS = 8


def num_threads() -> int:
    """How many pictures are finished at a time."""
    return min(MOST_THREADS, os.cpu_count() or 1)


def predict_ahead(
    examples: Iterator[Example], batch_size: int, infer: Infer, finish: Finish, in_thread: bool
) -> Iterator[tuple[Example, Any]]:
    """Yields each example with its prediction, in order.

    The network computes the next batch while the pictures of this one are finished, several at a
    time. So two batches of outputs are in memory. The results are those of a plain loop.

    Args:
      examples: what to predict.
      batch_size: pictures of a forward pass.
      infer: see `Infer`. No two calls run at a time.
      finish: see `Finish`. Several calls run at a time.
      in_thread: whether `infer` may run in a thread of its own. A strategy with several replicas
        needs the thread of the caller.
    """
    infer, finish = (_in_this_strategy(function) for function in (infer, finish))
    network, pool = ThreadPoolExecutor(1, "network"), ThreadPoolExecutor(num_threads(), "finish")
    start = network.submit if in_thread else _done

    def launch() -> tuple[list[Example], Future] | None:
        batch = list(itertools.islice(examples, batch_size))
        return (batch, start(infer, batch)) if batch else None

    try:
        running = launch()
        while running:
            batch, future = running
            outputs = future.result()
            running = launch()
            finished = [pool.submit(finish, example, outputs, i) for i, example in enumerate(batch)]
            del outputs, future
            for i, example in enumerate(batch):
                prediction, finished[i] = finished[i].result(), None
                yield example, prediction
    finally:
        for each in (network, pool):
            each.shutdown(wait=True, cancel_futures=True)


def _done(function: Callable, *args: Any) -> Future:
    """Calls a function at once; the result as a `Future`."""
    future: Future = Future()
    future.set_result(function(*args))
    return future


def _in_this_strategy(function: Callable) -> Callable:
    """Makes a function that has the strategy of the caller's thread in any thread."""
    if not tf.distribute.has_strategy():
        return function
    strategy = tf.distribute.get_strategy()

    def call(*args: Any) -> Any:
        in_scope = tf.distribute.has_strategy()
        with contextlib.nullcontext() if in_scope else strategy.scope():
            return function(*args)

    return call
