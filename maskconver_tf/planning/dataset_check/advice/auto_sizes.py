"""Chooses the input sizes that `--sizes auto` compares."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from maskconver_tf.datasets.census.measure_picture import (
    MeasureRequest,
    PictureMeasures,
    measure_picture,
)
from maskconver_tf.datasets.sources.source import Source, SourcePicture

SCALES = (0.5, 0.75, 1.0, 1.5, 2.0)
"""Shares of the usual size of the pictures."""
LONGEST_SIDE = 1344
_MULTIPLE = 32
_LOOKED_AT = 24


def auto_sizes(source: Source) -> list[tuple[int, int]]:
    """Returns up to five input sizes in the usual shape of the pictures, the smallest first.

    It reads some pictures. Without a usable one it returns 640 x 640.
    """
    return sizes_for(_some_sizes(source))


def sizes_for(picture_sizes: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns the input sizes for pictures with these heights and widths."""
    sizes = np.array(list(picture_sizes), np.float64).reshape(-1, 2)
    if not len(sizes):
        return [(640, 640)]
    usual = np.median(sizes, axis=0)
    found = []
    for scale in SCALES:
        scaled = usual * min(scale, LONGEST_SIDE / usual.max())
        height, width = (max(1, round(side / _MULTIPLE)) * _MULTIPLE for side in scaled)
        found.append((int(height), int(width)))
    return sorted(set(found))


def _some_sizes(source: Source) -> list[tuple[int, int]]:
    measured = [measure_picture(MeasureRequest(picture)) for picture in _some_pictures(source)]
    return [found.size for found in measured if isinstance(found, PictureMeasures)]


def _some_pictures(source: Source) -> Iterable[SourcePicture]:
    """Evenly spread pictures of a list; the first ones of a stream of records."""
    pictures, count = source.pictures, len(source.pictures)
    if not hasattr(pictures, "__getitem__"):
        return itertools.islice(pictures, _LOOKED_AT)
    return [
        pictures[i] for i in sorted({i * count // _LOOKED_AT for i in range(_LOOKED_AT)})[:count]
    ]
