"""What all routes use: the versions, the queue of the model, and threads for everything slow."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from starlette.requests import Request

from maskconver_tf.files.pictures import TooManyPixels, UnreadablePicture, open_header
from maskconver_tf.inference import signatures
from maskconver_tf.serving.batching.batcher import Batcher
from maskconver_tf.serving.batching.jobs import CallJob, Job, PictureJob, too_late
from maskconver_tf.serving.refusals import Refusal, bad_request
from maskconver_tf.serving.settings import ServerSettings
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.serving.versions.version_keeper import VersionKeeper
from maskconver_tf.serving.web.bodies import BodyBudget, read_body
from maskconver_tf.serving.web.error_answers import CLIENT_GONE
from maskconver_tf.serving.web.mapped_files import map_file
from maskconver_tf.serving.web.metrics import Metrics, since

DEADLINE_HEADER = "x-deadline-seconds"
_T = TypeVar("_T")
_SLOW_THREADS = 4


class ModelService:
    """Answers requests with an export.

    Args:
      settings: choices of the user.
      keeper: the versions.
      metrics: counts what happens.

    Attributes:
      is_stopping: whether the server is about to end.
    """

    def __init__(self, settings: ServerSettings, keeper: VersionKeeper, metrics: Metrics):
        limits = settings.limits
        self.settings = settings
        self.keeper = keeper
        self.metrics = metrics
        self.budget = BodyBudget(limits.max_bodies_bytes)
        self.batcher = Batcher(
            settings.batch_sizes,
            settings.batch_seconds,
            limits.queue_pictures,
            limits.max_pixels,
            settings.threads,
            metrics.batch,
        )
        metrics.watch_queue(lambda: len(self.batcher))
        self.is_stopping = False
        self._slow = ThreadPoolExecutor(_SLOW_THREADS, "slow")

    def stop(self) -> None:
        """Finishes what waits, then ends all threads."""
        self.is_stopping = True
        self.batcher.stop(self.settings.limits.stop_seconds)
        self._slow.shutdown(wait=False, cancel_futures=True)
        self.keeper.stop()

    # ---- Steps of a request ----------------------------------------------------------------------
    async def body(self, request: Request) -> bytes:
        """Reads the body, but only if the model has room for its picture."""
        self.batcher.check_room()
        return await read_body(request, self.settings.limits, self.budget, self.metrics)

    async def in_thread(self, stage: str, function: Callable[..., _T], *arguments: Any) -> _T:
        """Runs a slow function in a thread and measures it as a stage."""
        begin = time.monotonic()
        found = await asyncio.get_running_loop().run_in_executor(self._slow, function, *arguments)
        self.metrics.stage(stage, since(begin))
        return found

    async def segment(
        self, request: Request, version: ModelVersion, encoded: bytes, thresholds: dict[str, Any]
    ) -> dict[str, np.ndarray]:
        """Segments one encoded picture; see `segment_all`.

        Raises:
          Refusal: as `segment_all`; also for a picture that is too large or, for a model with a
            channel mapping, has other channels.
        """
        deadline = self._deadline(request)
        [file] = await self.in_thread("prepare", self._prepare, version, [encoded])
        if file.refusal is not None:
            raise file.refusal
        job = PictureJob(
            version, deadline, file.pixels, encoded=file.encoded, thresholds=thresholds
        )
        [found] = await self._run(request, [job], deadline)
        return found

    async def segment_all(
        self,
        request: Request,
        version: ModelVersion,
        pictures: Sequence[bytes],
        thresholds: Sequence[dict[str, Any]],
    ) -> list[dict[str, np.ndarray]]:
        """Segments encoded pictures; one that is refused has a status, and the others an answer.

        Returns:
          For each picture the fields of `serving_default`, without the batch axis.

        Raises:
          Refusal: there are too many pictures, the queue is full, or the time is over.
        """
        most = self.settings.limits.max_pictures
        if len(pictures) > most:
            raise Refusal(413, f"A request may have at most {most} pictures", "pictures")
        deadline = self._deadline(request)
        files = await self.in_thread("prepare", self._prepare, version, pictures)
        jobs = [
            PictureJob(version, deadline, file.pixels, encoded=file.encoded, thresholds=limits)
            for file, limits in zip(files, thresholds)
        ]
        rows = await self._run(request, jobs, deadline)
        return [
            row if file.refusal is None else _refused(row, file.refusal)
            for row, file in zip(rows, files)
        ]

    async def call(
        self, request: Request, version: ModelVersion, signature: str, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Calls any signature with tensors; raises `Refusal` as `segment` does."""
        deadline = self._deadline(request)
        pixels = max((math.prod(value.shape) // 3 for value in inputs.values()), default=0)
        self._check_pixels(pixels)
        job = CallJob(version, deadline, pixels, signature=signature, inputs=inputs)
        [found] = await self._run(request, [job], deadline)
        return found

    async def _run(
        self, request: Request, jobs: Sequence[Job], deadline: float
    ) -> list[dict[str, np.ndarray]]:
        """Queues jobs and waits until all are done, the time is over or the client leaves."""
        if not jobs:
            return []
        self.batcher.submit(jobs)
        results = asyncio.gather(*(asyncio.wrap_future(job.future) for job in jobs))
        results.add_done_callback(_take_exception)
        gone = asyncio.ensure_future(request.receive())
        left = max(0.0, deadline - time.monotonic())
        try:
            await asyncio.wait({results, gone}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if results.done():
                return results.result()
            if gone.done():
                raise Refusal(CLIENT_GONE, "The client has left", "client_gone")
            raise too_late()
        finally:
            gone.cancel()
            for job in jobs:
                job.future.cancel()
            if not results.done():
                results.cancel()

    # ---- Checks ----------------------------------------------------------------------------------
    def _deadline(self, request: Request) -> float:
        """`time.monotonic()` at which the answer is due; a client may ask for less time."""
        seconds = self.settings.limits.request_seconds
        if (given := request.headers.get(DEADLINE_HEADER)) is not None:
            try:
                asked = float(given)
            except ValueError:
                asked = math.nan
            if not 0 < asked < math.inf:
                raise bad_request("The header X-Deadline-Seconds must be a number above 0")
            seconds = min(seconds, asked)
        return time.monotonic() + seconds

    def count_pixels(self, picture: bytes) -> int:
        """Reads the number of pixels from the header; 0 for what is no picture.

        Raises:
          Refusal: 413, the picture is too large.
        """
        try:
            width, height = open_header(picture, None, self.settings.limits.max_pixels).size
        except TooManyPixels as error:
            self._refuse_pixels(str(error))
        except UnreadablePicture:
            return 0  # The graph decodes it, or says why not.
        return width * height

    def _prepare(self, version: ModelVersion, pictures: Sequence[bytes]) -> list[_File]:
        return [self._prepare_one(version, picture) for picture in pictures]

    def _prepare_one(self, version: ModelVersion, picture: bytes) -> _File:
        try:
            if (mapping := version.categories.pictures) is not None:
                picture = map_file(picture, mapping, self.settings.limits.max_pixels)
            return _File(picture, self.count_pixels(picture))
        except Refusal as refusal:
            return _File(b"", 0, refusal)

    def _check_pixels(self, pixels: int) -> None:
        if pixels > self.settings.limits.max_pixels:
            self._refuse_pixels(f"{pixels} pixels")

    def _refuse_pixels(self, found: str) -> None:
        most = self.settings.limits.max_pixels
        raise Refusal(
            413, f"The picture has too many pixels: {found}; at most {most} are accepted", "pixels"
        )


@dataclasses.dataclass(frozen=True)
class _File:
    """A picture as the graph takes it; an empty one in place of a refused one."""

    encoded: bytes
    pixels: int
    refusal: Refusal | None = None


_STATUSES = {413: 3}
"""HTTP status of a refused picture -> `status` of its row; 4 for all others."""


def _refused(row: dict[str, np.ndarray], refusal: Refusal) -> dict[str, np.ndarray]:
    """Puts the reason into the row of an empty picture."""
    return row | {
        signatures.STATUS: np.int32(_STATUSES.get(refusal.status, 4)),
        signatures.STATUS_MESSAGE: refusal.sentence.encode(),
    }


def _take_exception(future: asyncio.Future) -> None:
    """Keeps asyncio from logging the end of a request that nobody waits for."""
    if not future.cancelled():
        future.exception()
