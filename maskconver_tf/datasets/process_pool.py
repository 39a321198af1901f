"""Processes that check and encode, or check and measure, pictures.

Each process has two pipes of its own, and a thread of this process waits for it. Python's own pools
do not fit. If one of their processes is killed while it answers, for instance because memory ran
out, the pool waits forever. And each of their processes first runs the caller's script again.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import importlib
import os
import pickle
import queue
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from maskconver_tf.errors import UserError

_AHEAD_PER_WORKER = 8
"""Pictures in progress per process. This limits memory."""

Work = TypeVar("Work")
Outcome = TypeVar("Outcome")


@contextlib.contextmanager
def process_pool(
    workers: int, function: Callable[[Work], Outcome]
) -> Iterator[Callable[[Iterable[Work]], Iterator[Outcome]]]:
    """Gives a function that maps `function` over items, in order, in `workers` processes.

    With one worker everything runs in this process. Otherwise the processes end with the block, or
    when this process is killed.

    Args:
      function: a function at the top level of a module. Its items have an attribute `image_file`,
        which messages name.
    """
    if workers == 1:
        yield functools.partial(map, function)
        return
    with contextlib.ExitStack() as stack:
        idle = queue.SimpleQueue()
        for _ in range(workers):
            idle.put(stack.enter_context(_process(function)))
        threads = ThreadPoolExecutor(workers)
        stack.callback(threads.shutdown, cancel_futures=True)
        submit = functools.partial(threads.submit, _ask, idle)
        yield functools.partial(_map_ahead, submit, workers * _AHEAD_PER_WORKER)


def num_workers(workers: int | None, num_items: int) -> int:
    """Returns `workers`, or by default one process per usable CPU; at most `num_items`.

    Raises:
      UserError: `workers` is below 1.
    """
    # A container may use fewer CPUs than the machine has.
    has_affinity = hasattr(os, "sched_getaffinity")
    num_cpus = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    wanted = num_cpus if workers is None else workers
    if wanted < 1:
        raise UserError(
            f"--workers {wanted}: expected 1 or more; omit --workers for one for each CPU"
        )
    return max(1, min(wanted, num_items))


def answer_requests(module: str, name: str) -> None:
    """Runs in each process: reads items from standard input and writes an outcome for each."""
    function = getattr(importlib.import_module(module), name)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            pickle.dump(function(pickle.load(sys.stdin.buffer)), sys.stdout.buffer)
            sys.stdout.buffer.flush()


@contextlib.contextmanager
def _process(function: Callable) -> Iterator[subprocess.Popen]:
    """Starts a process that runs `answer_requests`."""
    call = f"answer_requests({function.__module__!r}, {function.__qualname__!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import answer_requests; {call}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,  # Only the parent gets Ctrl-C.
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _ask(idle: queue.SimpleQueue[subprocess.Popen], item: Work) -> Outcome:
    """Sends one item to an idle process and returns its outcome."""
    process = idle.get()
    try:
        pickle.dump(item, process.stdin)
        process.stdin.flush()
        return pickle.load(process.stdout)
    except (EOFError, BrokenPipeError, pickle.UnpicklingError):
        raise UserError(
            f"{item.image_file}: the process that checked this picture ended without an answer. "
            "Perhaps memory ran out; try fewer --workers"
        ) from None
    finally:
        idle.put(process)


def _map_ahead(
    submit: Callable[[Work], Future[Outcome]], ahead: int, items: Iterable[Work]
) -> Iterator[Outcome]:
    """Yields the outcome of each item, in order, with at most `ahead` items in progress."""
    waiting = collections.deque()
    for item in items:
        if len(waiting) == ahead:
            yield waiting.popleft().result()
        waiting.append(submit(item))
    while waiting:
        yield waiting.popleft().result()
