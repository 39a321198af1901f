"""Finds pictures that show the same, so that a split does not put one into each part."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskconver_tf.datasets.sources.source import SourcePicture, UnusablePicture
from maskconver_tf.planning.first_configuration.parts.connected import connect_pairs, connected

_SIDE = 16
"""Height and width of the small gray copies with which pictures are compared."""

_ALIKE, _VERY_ALIKE = 0.97, 0.995
"""Least correlation of the small gray copies of pictures that show the same.

It does not change with brightness and contrast. Frames of a film that follow each other have more.
"""

_FLAT = 2.0
"""Standard deviation of gray values below which a small copy shows nothing to compare."""

_MOST_IN_ONE = 0.5
"""Share of the pictures. In a larger group the camera or the ground is alike, not the content."""

_MOST_TURNED = 20_000
"""In larger datasets only upright and mirrored pictures are compared, which takes a quarter."""

_ROWS = 1024
"""Pictures that are compared with all others at once. This limits memory."""


@dataclasses.dataclass(frozen=True)
class Thumbnail:
    """A small copy of a picture.

    Attributes:
      sha256: of the picture's file; empty if it cannot be read.
      pixels: uint8 `[s, s]`, gray values; zeros if the picture cannot be read.
    """

    sha256: bytes
    pixels: np.ndarray


def make_thumbnail(picture: SourcePicture) -> Thumbnail:
    """Reads a picture, without its truth. A picture that cannot be read is like no other."""
    try:
        encoded = picture.read_image()
        with Image.open(io.BytesIO(encoded)) as image:
            small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
        return Thumbnail(hashlib.sha256(encoded).digest(), np.asarray(small))
    except (UnusablePicture, OSError, ValueError):
        return Thumbnail(b"", np.zeros((_SIDE, _SIDE), np.uint8))


def group_alike(thumbnails: Sequence[Thumbnail]) -> tuple[np.ndarray, bool]:
    """Puts pictures that show the same into one group.

    Pictures of a group may be re-encoded, scaled, brighter, mirrored or turned by quarters. A
    picture belongs to the group of each picture that it is like.

    Returns:
      The number of the group of each picture, int `[n]`; and whether most pictures were so much
      alike that only nearly equal ones were put together.
    """
    count = len(thumbnails)
    equal = connected([[t.sha256 or number for number, t in enumerate(thumbnails)]])
    vectors, numbers = _normalised([thumbnail.pixels for thumbnail in thumbnails])
    for least in (_ALIKE, _VERY_ALIKE):
        alike = connect_pairs(count, _alike_pairs(vectors, numbers, least).tolist())
        if np.bincount(alike).max(initial=0) <= max(2, _MOST_IN_ONE * count):
            return connected([equal.tolist(), alike.tolist()]), least != _ALIKE
    return equal, True


def _normalised(thumbnails: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the copies that show something, of length 1, `[m, s, s]`, and their numbers."""
    kept, numbers = [], []
    for number, thumbnail in enumerate(thumbnails):
        if thumbnail.std() >= _FLAT:
            centered = thumbnail.astype(np.float32) - thumbnail.mean()
            kept.append(centered / np.linalg.norm(centered))
            numbers.append(number)
    return np.array(kept), np.array(numbers, np.int64)


def _alike_pairs(vectors: np.ndarray, numbers: np.ndarray, least: float) -> np.ndarray:
    """Returns pairs of numbers of pictures whose copies correlate; int `[pairs, 2]`."""
    pairs = [np.zeros((0, 2), np.int64)]
    if len(vectors):
        flat = vectors.reshape(len(vectors), -1)
        for turned in _turned_and_mirrored(vectors):
            for start in range(0, len(vectors), _ROWS):
                part = turned[start : start + _ROWS].reshape(-1, flat.shape[1])
                found = np.argwhere(part @ flat.T >= least)
                pairs.append(numbers[found + [start, 0]])
    return np.concatenate(pairs)


def _turned_and_mirrored(vectors: np.ndarray) -> list[np.ndarray]:
    """Returns the ways in which the pictures can lie; each `[m, s, s]`."""
    ways = 4 if len(vectors) <= _MOST_TURNED else 1
    turned = [np.rot90(vectors, quarters, axes=(1, 2)) for quarters in range(ways)]
    return [np.ascontiguousarray(way) for v in turned for way in (v, v[:, :, ::-1])]
