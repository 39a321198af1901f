"""Processes that check and encode or measure pictures.

Each process has two pipes of its own and a thread here that waits for it. Python's pools will not
do: where a process of theirs is killed in mid-answer, for want of memory say, the pool waits for
ever; and each of their processes starts by running the caller's script again.
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
"""Pictures under way for each process: what bounds memory."""

Work = TypeVar("Work")
Outcome = TypeVar("Outcome")


@contextlib.contextmanager
def examiner(
    workers: int, function: Callable[[Work], Outcome]
) -> Iterator[Callable[[Iterable[Work]], Iterator[Outcome]]]:
    """Gives a function that maps `function` over items, in order, in `workers` processes.

    One worker is this process. All others end with the block, or when this process is killed.

    Args:
      function: of a module; items have an `image_file`, for messages.
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


def answer(module: str, name: str) -> None:
    """What a process does: answers each item on standard input with its outcome."""
    function = getattr(importlib.import_module(module), name)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            pickle.dump(function(pickle.load(sys.stdin.buffer)), sys.stdout.buffer)
            sys.stdout.buffer.flush()


@contextlib.contextmanager
def _process(function: Callable) -> Iterator[subprocess.Popen]:
    """Starts a process that runs `answer`."""
    call = f"answer({function.__module__!r}, {function.__qualname__!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import answer; {call}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,  # Ctrl-C is for the parent alone.
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _ask(idle: queue.SimpleQueue[subprocess.Popen], item: Work) -> Outcome:
    """Has an idle process examine one item."""
    process = idle.get()
    try:
        pickle.dump(item, process.stdin)
        process.stdin.flush()
        return pickle.load(process.stdout)
    except (EOFError, BrokenPipeError, pickle.UnpicklingError):
        raise UserError(
            f"{item.image_file}: the process that checked it ended without an answer, perhaps for "
            "want of memory; try fewer --workers."
        ) from None
    finally:
        idle.put(process)


def _map_ahead(
    submit: Callable[[Work], Future[Outcome]], ahead: int, items: Iterable[Work]
) -> Iterator[Outcome]:
    """Yields the outcome of each item, in order, with at most `ahead` of them under way."""
    waiting = collections.deque()
    for item in items:
        if len(waiting) == ahead:
            yield waiting.popleft().result()
        waiting.append(submit(item))
    while waiting:
        yield waiting.popleft().result()
