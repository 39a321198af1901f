"""Counts all pictures in processes, batch by batch."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from maskconver_tf.datasets.process_pool import process_pool
from maskconver_tf.errors import UserError, short_repr
from maskconver_tf.evaluation.scoring.counting.picture_counts import (
    PictureCounts,
    ScoringRules,
    count_picture,
)
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
      UserError: see `count_picture`.
    """
    iterator = iter(pairs)
    groups = iter(lambda: tuple(itertools.islice(iterator, _BATCH)), ())
    with process_pool(workers, score_batch) as mapped:
        for answer in mapped(_Batch(rules, group) for group in groups):
            if isinstance(answer, _Refusal):
                raise UserError(answer.message)
            yield from answer


def score_batch(batch: _Batch) -> list[ScoredPicture] | _Refusal:
    """Counts the pictures of a batch; runs in a process of the pool."""
    reuse_freed_memory()
    try:
        return [_score(pair, batch.rules) for pair in batch.pairs]
    except UserError as error:
        return _Refusal(str(error))


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


def _score(pair: PicturePair, rules: ScoringRules) -> ScoredPicture:
    image = f"image {short_repr(pair.image_id)}"
    truth = pair.truth.read()
    counts = tuple(
        count_picture(truth, reader and reader.read(), rules, image) for reader in pair.predictions
    )
    return ScoredPicture(pair.image_id, truth.file, counts)
