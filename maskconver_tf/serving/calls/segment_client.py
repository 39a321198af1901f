"""What the REST and the gRPC client have in common."""

from __future__ import annotations

import abc
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.inference import signatures
from maskconver_tf.inference.predictor import Prediction
from maskconver_tf.serving.calls.answers import CategoriesLike, as_categories, prediction_of
from maskconver_tf.serving.calls.failures import PictureRefused, RequestFailed
from maskconver_tf.serving.calls.pictures import Picture, encoded_picture, find_pictures
from maskconver_tf.setting_checks import check_numbers, check_whole_numbers

THRESHOLDS = (signatures.SCORE_THRESHOLD, signatures.OVERLAP_THRESHOLD, signatures.MIN_AREA)
_TOO_LARGE = 413
_STATUS_TOO_LARGE = 3
_OWN = -1
"""A threshold that stands for the export's own."""


class SegmentClient(abc.ABC):
    """Sends pictures to a server and returns what `maskconver_tf.load(...)` would return.

    Args:
      categories: the class list of the model, or the path of its `categories.json`; None to ask
        the server, which only `maskconver serve` answers. With the channel mapping that the file
        may hold, the client maps the channels of picture files itself.
      deadline_seconds: time for a call, its retries included.
    """

    def __init__(self, categories: CategoriesLike | None, deadline_seconds: float):
        check_numbers(type(self).__name__, 0.001, 86400, deadline_seconds=deadline_seconds)
        self.deadline_seconds = deadline_seconds
        self._categories = None if categories is None else as_categories(categories)
        self._mapping = self._categories and self._categories.pictures

    @property
    def categories(self) -> Categories:
        """The class list; asks the server once if none was given."""
        if self._categories is None:
            self._categories = self._ask_categories()
        return self._categories

    def segment(self, picture: Picture, **thresholds: float | None) -> Prediction:
        """Segments one picture.

        Args:
          picture: a path, the content of a file, or uint8 `[h, w, 3]`.
          thresholds: `score_threshold`, `overlap_threshold` (0..1) and `min_area` (pixels) in place
            of the export's own.

        Raises:
          PictureRefused: the model cannot decode the picture.
          DeadlineExceeded, RequestFailed: there is no answer.
          UserError: the picture is no file, or a threshold has another name.
        """
        [found] = self.segment_batch([picture], **thresholds)
        if isinstance(found, PictureRefused):
            raise found
        return found

    def segment_batch(
        self, pictures: Sequence[Picture], **thresholds: float | None
    ) -> list[Prediction | PictureRefused]:
        """Segments pictures in one request; a picture that is refused has its error in the list.

        Raises:
          As `segment`, but `PictureRefused` is returned.
        """
        given = self._checked(thresholds)
        encoded = [encoded_picture(picture, self._mapping) for picture in pictures]
        sent = [content for content in encoded if isinstance(content, bytes)]
        if not sent:
            return encoded
        answers = iter(
            [
                prediction_of(fields, content, self.categories)
                for fields, content in zip(self._answer(sent, given), sent, strict=True)
            ]
        )
        return [next(answers) if isinstance(each, bytes) else each for each in encoded]

    def segment_many(
        self,
        pictures: Iterable[Picture],
        batch_size: int = 1,
        at_once: int = 4,
        **thresholds: float | None,
    ) -> Iterator[Prediction | PictureRefused]:
        """Segments any number of pictures, in their order.

        It takes pictures from the iterable only as fast as answers are taken, so few of them are in
        memory.

        Args:
          pictures: as for `segment`.
          batch_size: pictures of a request.
          at_once: requests that wait for an answer.
          thresholds: as for `segment`.

        Raises:
          As `segment_batch`.
        """
        check_whole_numbers("segment_many", 1, 1024, batch_size=batch_size, at_once=at_once)
        waiting: deque[Future] = deque()
        pool = ThreadPoolExecutor(at_once, "client")
        try:
            for batch in _batches(pictures, batch_size):
                waiting.append(pool.submit(self._batch_or_refusal, batch, thresholds))
                if len(waiting) > at_once:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def segment_folder(
        self, folder: str | os.PathLike, at_once: int = 4, **thresholds: float | None
    ) -> Iterator[tuple[Path, Prediction | PictureRefused]]:
        """Segments the picture files of a folder; yields each path with its answer.

        Raises:
          UserError: the path is no folder, or has no picture.
          As `segment_batch`.
        """
        paths: deque[Path] = deque()
        with_tiff = self.categories.pictures is not None

        def remembered() -> Iterator[Path]:
            for path in find_pictures(folder, with_tiff):
                paths.append(path)
                yield path

        count = 0
        for found in self.segment_many(remembered(), at_once=at_once, **thresholds):
            count += 1
            yield paths.popleft(), found
        if not count:
            raise UserError(f"{folder}: found no picture; give a folder of JPEG or PNG files")

    def _batch_or_refusal(
        self, batch: list[Picture], thresholds: dict[str, float | None]
    ) -> list[Prediction | PictureRefused]:
        """As `segment_batch`; a picture that is alone and too large is refused, not the stream."""
        try:
            return self.segment_batch(batch, **thresholds)
        except RequestFailed as failure:
            if failure.status != _TOO_LARGE or len(batch) > 1:
                raise
            return [PictureRefused(str(failure), _STATUS_TOO_LARGE)]

    # ---- What a client must do -------------------------------------------------------------------
    @abc.abstractmethod
    def _answer(self, encoded: list[bytes], given: dict[str, float]) -> list[Mapping[str, Any]]:
        """Sends pictures; returns the fields of `serving_default` for each."""

    @abc.abstractmethod
    def _ask_threshold_names(self) -> list[str]:
        """Asks the server for the names of the thresholds of its model."""

    @abc.abstractmethod
    def _ask_categories(self) -> Categories:
        """Asks the server for the class list."""

    def _threshold_columns(self, given: dict[str, float]) -> dict[str, float]:
        """All thresholds of the model; a server with batching wants every one of them."""
        known = self._ask_threshold_names()
        if unknown := sorted(set(given) - set(known)):
            raise UserError(
                f"{unknown[0]}: this model has no such threshold; expected one of "
                f"{', '.join(known)}"
            )
        return {name: given.get(name, _OWN) for name in known}

    def _checked(self, thresholds: Mapping[str, float | None]) -> dict[str, float]:
        given = {name: value for name, value in thresholds.items() if value is not None}
        if unknown := sorted(set(given) - set(THRESHOLDS)):
            raise UserError(
                f"{unknown[0]}: no threshold has this name; expected one of {', '.join(THRESHOLDS)}"
            )
        shares = {name: value for name, value in given.items() if name != signatures.MIN_AREA}
        check_numbers("segment", 0, 1, **shares)
        if signatures.MIN_AREA in given:
            check_whole_numbers("segment", 0, min_area=given[signatures.MIN_AREA])
        return given


def _batches(pictures: Iterable[Picture], size: int) -> Iterator[list[Picture]]:
    batch: list[Picture] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
