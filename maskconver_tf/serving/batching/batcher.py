"""A bounded queue in front of the model, and threads that take batches from it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from maskconver_tf.serving.batching.jobs import Job, PictureJob
from maskconver_tf.serving.batching.run_jobs import run_jobs
from maskconver_tf.serving.refusals import Refusal, stopping

Observer = Callable[[Sequence[Job], float, float], None]
"""Called after each batch with its jobs, the time it began, and its seconds."""


class Batcher:
    """Joins pictures that wait for the same version.

    A thread that is idle takes the first picture and waits for others, until the largest batch is
    full or the first has waited `batch_seconds`. It then runs as many as the largest batch size
    that fits; the others stay first in the queue. So only sizes run for which a version is warm.

    Args:
      batch_sizes: numbers of pictures of a batch, 1 among them; None for those of each version.
      batch_seconds: see above.
      capacity: most pictures that wait.
      max_pixels: most pixels of a batch, for its memory; a larger picture runs alone.
      threads: batches that run at the same time.
      observe: see `Observer`.
    """

    def __init__(
        self,
        batch_sizes: Sequence[int] | None,
        batch_seconds: float,
        capacity: int,
        max_pixels: int,
        threads: int = 1,
        observe: Observer = lambda jobs, begin, seconds: None,
    ):
        self._sizes = batch_sizes
        self._batch_seconds = batch_seconds
        self.capacity = capacity
        self._max_pixels = max_pixels
        self._observe = observe
        self._queue: deque[Job] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._seconds_per_job = 0.1
        self._threads = [
            threading.Thread(target=self._work, name=f"model-{i}", daemon=True)
            for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        """Number of jobs that wait."""
        return len(self._queue)

    def check_room(self, count: int = 1) -> None:
        """Raises `Refusal` if `count` more jobs would not fit now."""
        if self._stopped:
            raise stopping()
        if len(self._queue) + count > self.capacity:
            raise Refusal(
                429,
                "Too many pictures are waiting; try again later",
                "queue_full",
                retry_after=len(self._queue) * self._seconds_per_job,
            )

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queues all jobs of a request, or none.

        Raises:
          Refusal: 429 if the queue has no room, 503 if the server stops.
        """
        with self._changed:
            self.check_room(len(jobs))
            self._queue.extend(jobs)
            self._changed.notify_all()

    def stop(self, seconds: float) -> None:
        """Takes no more jobs, finishes those that wait, and refuses the rest after `seconds`."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        with self._changed:
            left, self._queue = list(self._queue), deque()
        for job in left:
            job.refuse(stopping())

    # ---- The threads -----------------------------------------------------------------------------
    def _work(self) -> None:
        while jobs := self._next_batch():
            begin = time.monotonic()
            run_jobs(jobs)
            seconds = time.monotonic() - begin
            self._seconds_per_job += 0.1 * (seconds / len(jobs) - self._seconds_per_job)
            self._observe(jobs, begin, seconds)

    def _next_batch(self) -> list[Job]:
        """Waits for jobs; an empty list ends the thread."""
        with self._changed:
            while True:
                self._drop_unwanted()
                if self._queue:
                    wait = self._time_to_wait()
                    if wait <= 0:
                        return self._take()
                    self._changed.wait(wait)
                elif self._stopped:
                    return []
                else:
                    self._changed.wait()

    def _drop_unwanted(self) -> None:
        self._queue = deque(job for job in self._queue if job.is_wanted())

    def _time_to_wait(self) -> float:
        """Seconds until the first job must run, 0 or less for now."""
        first = self._queue[0]
        if self._stopped or not isinstance(first, PictureJob):
            return 0.0
        if len(self._companions()) >= max(self._sizes_of(first)):
            return 0.0
        return first.queued + self._batch_seconds - time.monotonic()

    def _companions(self) -> list[Job]:
        """The first job and those that can run with it, in their order."""
        first = self._queue[0]
        if not isinstance(first, PictureJob):
            return [first]
        found, pixels, most = [], 0, max(self._sizes_of(first))
        for job in self._queue:
            if not isinstance(job, PictureJob) or job.version is not first.version:
                continue
            pixels += job.pixels
            if found and pixels > self._max_pixels:
                break
            found.append(job)
            if len(found) == most:
                break
        return found

    def _take(self) -> list[Job]:
        found = self._companions()
        count = max(size for size in self._sizes_of(found[0]) if size <= len(found))
        taken = set(map(id, found[:count]))
        self._queue = deque(job for job in self._queue if id(job) not in taken)
        return found[:count]

    def _sizes_of(self, job: Job) -> Sequence[int]:
        return self._sizes or job.version.batch_sizes
