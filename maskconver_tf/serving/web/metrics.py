"""The server's metrics in Prometheus' text format."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from maskconver_tf.serving.batching.jobs import Job

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
STAGES = ("receive", "prepare", "queue", "model", "encode", "total")


class Metrics:
    """Counts requests; each server has its own registry."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        given = {"registry": self.registry}
        self._requests = Counter(
            "maskconver_requests", "Answered requests", ["route", "status"], **given
        )
        self._refused = Counter(
            "maskconver_refused", "Refused requests by reason", ["reason"], **given
        )
        self._latency = Histogram(
            "maskconver_latency_seconds",
            "Time of each stage of a request",
            ["stage"],
            buckets=_SECONDS,
            **given,
        )
        self._batches = Histogram(
            "maskconver_batch_size",
            "Pictures that ran together",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            **given,
        )
        self._pictures = Counter(
            "maskconver_pictures", "Pictures run by version", ["version"], **given
        )
        self._queue = Gauge("maskconver_queue_pictures", "Pictures that wait", **given)
        self._versions = Gauge(
            "maskconver_model_version", "1 for each version in memory", ["version"], **given
        )
        self._running = Gauge("maskconver_open_requests", "Requests without an answer", **given)
        for stage in STAGES:
            self._latency.labels(stage)

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Shows the number of waiting pictures that a function returns."""
        self._queue.set_function(length)

    def begin(self) -> None:
        self._running.inc()

    def answered(self, route: str, status: int, seconds: float) -> None:
        self._running.dec()
        self._requests.labels(route, str(status)).inc()
        self._latency.labels("total").observe(seconds)

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def stage(self, name: str, seconds: float) -> None:
        self._latency.labels(name).observe(seconds)

    def batch(self, jobs: Sequence[Job], begin: float, seconds: float) -> None:
        """The observer of a `Batcher`."""
        self._batches.observe(len(jobs))
        self._pictures.labels(str(jobs[0].version.number)).inc(len(jobs))
        self.stage("model", seconds)
        for job in jobs:
            self.stage("queue", begin - job.queued)

    def versions(self, numbers: Sequence[int]) -> None:
        self._versions.clear()
        for number in numbers:
            self._versions.labels(str(number)).set(1)

    def text(self) -> bytes:
        return generate_latest(self.registry)


def since(begin: float) -> float:
    """Seconds since a `time.monotonic()`."""
    return time.monotonic() - begin
