"""Counts all pictures in processes, batch by batch."""

from __future__ import annotations

import collections
import contextlib
import ctypes
import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from maskconver_tf.datasets.process_pool import process_pool
from maskconver_tf.errors import UserError, short_repr
from maskconver_tf.evaluation.scoring.counting.count_pictures import count_pictures
from maskconver_tf.evaluation.scoring.counting.counted_pictures import (
    CountedPictures,
    PictureCounts,
)
from maskconver_tf.evaluation.scoring.counting.picture_overlaps import (
    PictureOverlaps,
    picture_overlaps,
)
from maskconver_tf.evaluation.scoring.counting.scoring_rules import ScoringRules
from maskconver_tf.evaluation.scoring.reading.picture_pairs import PicturePair

_BATCH = 16
"""Pictures per request to a process; fewer requests cost less time."""


class ScoredPicture(NamedTuple):
    """A picture with its counts for each scored model."""

    image_id: int | str
    file: str
    counts: tuple[PictureCounts, ...]


@dataclasses.dataclass(frozen=True)
class _Batch:
    """Pictures for one process; messages name `image_file`."""

    rules: ScoringRules
    pairs: tuple[PicturePair, ...]

    @property
    def image_file(self) -> str:
        return f"image {short_repr(self.pairs[0].image_id)} or one of the next {len(self.pairs)}"


class _Answer(NamedTuple):
    """The counts of a batch: files of the truth, and the counts for each scored model."""

    files: list[str]
    counted: list[list[CountedPictures]]

    def split(self, pairs: Iterable[PicturePair]) -> Iterator[ScoredPicture]:
        by_model = [
            [counts for pictures in counted for counts in pictures.split()]
            for counted in self.counted
        ]
        for pair, file, *counts in zip(pairs, self.files, *by_model, strict=True):
            yield ScoredPicture(pair.image_id, file, tuple(counts))


class _Refusal(NamedTuple):
    """What a process answers if the user has to correct something."""

    message: str


def score_pictures(
    pairs: Iterable[PicturePair], rules: ScoringRules, workers: int
) -> Iterator[ScoredPicture]:
    """Yields the counts of each picture, in order.

    Args:
      workers: number of processes. The counts do not depend on it.

    Raises:
      UserError: see `picture_overlaps`.
    """
    iterator = iter(pairs)
    groups = iter(lambda: tuple(itertools.islice(iterator, _BATCH)), ())
    with process_pool(workers, score_batch) as mapped:
        sent: collections.deque[tuple[PicturePair, ...]] = collections.deque()

        def batches() -> Iterator[_Batch]:
            for group in groups:
                sent.append(group)
                yield _Batch(rules, group)

        for answer in mapped(batches()):
            if isinstance(answer, _Refusal):
                raise UserError(answer.message)
            yield from answer.split(sent.popleft())


def score_batch(batch: _Batch) -> _Answer | _Refusal:
    """Counts the pictures of a batch; runs in a process of the pool."""
    reuse_freed_memory()
    try:
        files, overlaps = zip(*(_overlaps(pair, batch.rules) for pair in batch.pairs), strict=True)
    except UserError as error:
        return _Refusal(str(error))
    by_model = zip(*overlaps, strict=True)
    return _Answer(list(files), [count_pictures(pictures, batch.rules) for pictures in by_model])


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's `mallopt`."""


@functools.cache
def reuse_freed_memory() -> None:
    """Tells glibc to keep the memory of decoded pictures, up to 256 MB, for the next ones.

    By default it returns each array of this size to the system. The system then clears every page
    again, which takes a third of the time of a scoring. Other C libraries have no `mallopt`.
    """
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, 2**25)
        mallopt(_TRIM_THRESHOLD, 2**28)


def _overlaps(pair: PicturePair, rules: ScoringRules) -> tuple[str, list[PictureOverlaps]]:
    image = f"image {short_repr(pair.image_id)}"
    truth = pair.truth.read()
    return truth.file, [
        picture_overlaps(truth, reader and reader.read(), rules, image)
        for reader in pair.predictions
    ]
