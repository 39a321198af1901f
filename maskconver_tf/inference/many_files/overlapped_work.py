"""Reads and writes in threads while the model computes."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Job = TypeVar("Job")


def read_ahead(
    read: Callable[[Job], Any], jobs: Iterable[Job], threads: int
) -> Iterator[tuple[Job, Future]]:
    """Yields each job, in order, with the future of what `read` returns of it.

    As many jobs as there are threads are read in advance, not more, so that memory is bounded.
    """
    waiting: collections.deque[tuple[Job, Future]] = collections.deque()
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(threads, "read"))
        stack.callback(lambda: [future.cancel() for _, future in waiting])
        for job in jobs:
            waiting.append((job, pool.submit(read, job)))
            if len(waiting) > threads:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()


class WriteBehind:
    """Calls functions in threads; at most twice as many as threads wait.

    Args:
      threads: number of threads.
      on_done: called in the caller's thread with each job and its result, in order.
    """

    def __init__(self, threads: int, on_done: Callable[[Any, Any], None]):
        self._pool = ThreadPoolExecutor(threads, "write")
        self._most = 2 * threads
        self._on_done = on_done
        self._waiting: collections.deque[tuple[Any, Future]] = collections.deque()

    def submit(self, job: Any, function: Callable[..., Any], *args: Any) -> None:
        """Starts `function(*args)`; waits first if too many others wait."""
        while len(self._waiting) >= self._most or (self._waiting and self._waiting[0][1].done()):
            self._finish_first()
        self._waiting.append((job, self._pool.submit(function, *args)))

    def __enter__(self) -> WriteBehind:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        """Finishes all jobs; after an error or Ctrl-C only those that already run."""
        if error_type is not None:
            for _, future in self._waiting:
                future.cancel()
        try:
            while self._waiting:
                _, future = self._waiting[0]
                if future.cancelled():
                    self._waiting.popleft()
                    continue
                self._finish_first()
        except BaseException:
            if error_type is None:
                raise
        finally:
            self._pool.shutdown(cancel_futures=True)

    def _finish_first(self) -> None:
        job, future = self._waiting.popleft()
        self._on_done(job, future.result())
