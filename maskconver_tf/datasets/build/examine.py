"""One picture of a source, checked and encoded: the work of the builder's processes."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from PIL import Image

from maskconver_tf.datasets.findings import Finding, Problem, listed
from maskconver_tf.datasets.records.codec import MAX_SEGMENTS, PanopticRecord, to_features
from maskconver_tf.datasets.sources.source import (
    PanopticTruth,
    SourcePicture,
    SourceSegment,
    UnusablePicture,
)
from maskconver_tf.files.pictures import (
    UnreadablePicture,
    bits_per_channel,
    open_picture,
    orientation,
    to_plain_rgb,
    upright_size,
)

_MIN_SIDE = 4
"""Pixels; a smaller picture has not one cell at the mask stride."""

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Accepted:
    """A picture that can be used.

    Attributes:
      name: by which the source knows it.
      features: content of its record, under the record's keys.
      class_ids: contiguous class of each of its n segments.
      is_crowd: which of them are crowds.
      areas: int64 `[n + 1]`: pixels of void, then of each segment.
      num_merged: listed stuff segments that joined an earlier one of their class.
      num_hidden: segments the source has that others cover wholly.
      oddity: what was not plain about the picture and what became of it, or None.
    """

    name: str
    features: dict[str, list[bytes] | list[int]]
    class_ids: list[int]
    is_crowd: list[bool]
    areas: np.ndarray
    num_merged: int
    num_hidden: int
    oddity: str | None


@dataclasses.dataclass(frozen=True)
class Sound:
    """A picture that was read and found sound.

    Attributes:
      encoded: its file.
      picture: the file's stored pixels, decoded.
      turn: whether truth follows the picture as its EXIF orientation turns it.
      segments: n segments, stuff of one class merged.
      segment_map: uint16 `[h, w]`: i for the i-th segment counted from 1, 0 for void.
      truth: as the source has it.
    """

    encoded: bytes
    picture: Image.Image
    turn: bool
    segments: Sequence[SourceSegment]
    segment_map: np.ndarray
    truth: PanopticTruth

    @property
    def num_merged(self) -> int:
        """Listed stuff segments that joined an earlier one of their class."""
        return len(self.truth.segments) - len(self.segments)


def examine(item: SourcePicture) -> Accepted | tuple[Finding, ...]:
    """Reads, checks and encodes one picture, or returns all that is wrong with it."""
    checked = check(item)
    return _accept(item, checked) if isinstance(checked, Sound) else checked


def check(item: SourcePicture) -> Sound | tuple[Finding, ...]:
    """Reads one picture and its truth, or returns all that is wrong with them."""
    findings = list(item.findings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of odd tags: what matters is checked here.
        picture = _attempt(findings, _read_picture, item)
        truth = _attempt(findings, item.read_truth)
        numbered = None if truth is None else _attempt(findings, _number_segments, item, truth)
        if picture is not None and truth is not None:
            turn = _attempt(findings, _is_turned, item, picture[1], truth.ids.shape[::-1])
        if findings:
            return tuple(findings)
        return Sound(*picture, turn, *numbered, truth)


def _attempt(findings: list[Finding], step: Callable[..., T], *args) -> T | None:
    """Runs one step; where it refuses the picture, notes why and goes on."""
    try:
        return step(*args)
    except UnusablePicture as refused:
        findings.extend(refused.findings)
        return None


def _accept(item: SourcePicture, sound: Sound) -> Accepted:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image_bytes, oddity = to_plain_rgb(sound.encoded, sound.picture, sound.turn)
    height, width = sound.segment_map.shape
    segments = sound.segments
    record = PanopticRecord(
        image_bytes=image_bytes,
        image_id=item.image_id,
        file_name=item.name,
        height=height,
        width=width,
        segment_map=sound.segment_map,
        segment_ids=np.array([segment.id for segment in segments], np.int64),
        segment_class_ids=np.array([segment.class_id for segment in segments], np.int64),
        segment_is_crowd=np.array([segment.is_crowd for segment in segments], np.bool_),
    )
    return Accepted(
        name=item.name,
        features=to_features(record),
        class_ids=[segment.class_id for segment in segments],
        is_crowd=[segment.is_crowd for segment in segments],
        areas=np.bincount(sound.segment_map.ravel(), minlength=len(segments) + 1),
        num_merged=sound.num_merged,
        num_hidden=sound.truth.num_hidden,
        oddity=oddity,
    )


# ---- The picture ---------------------------------------------------------------------------------


def _read_picture(item: SourcePicture) -> tuple[bytes, Image.Image]:
    """The file and its pixels, refused where a record cannot hold them."""
    encoded = item.read_image()
    try:
        picture = open_picture(encoded)
    except UnreadablePicture as error:
        raise _refusal(item, item.image_file, Problem.IMAGE_UNREADABLE, str(error)) from None
    if bits_per_channel(encoded, picture) > 16:
        raise _refusal(item, item.image_file, Problem.IMAGE_DEPTH, f"mode {picture.mode}")
    if min(picture.size) < _MIN_SIDE:
        raise _refusal(item, item.image_file, Problem.TOO_SMALL, _text(picture.size))
    return encoded, picture


def _is_turned(item: SourcePicture, picture: Image.Image, size: tuple[int, int]) -> bool:
    """Whether the truth follows the upright picture and not the stored pixels.

    Args:
      size: width and height of the id map, which is what tells.
    """
    if item.size not in (None, size):
        found = f"{_text(size)}, and {_text(item.size)} in the annotations"
        raise _refusal(item, item.map_file, Problem.SIZE, found)
    stored, upright = picture.size, upright_size(picture)
    if size not in (stored, upright):
        found = f"{_text(stored)}, and {_text(size)} in {item.map_file}"
        raise _refusal(item, item.image_file, Problem.SIZE, found)
    if orientation(picture) != 1 and stored == upright:
        found = f"orientation {orientation(picture)}, and {_text(size)} either way"
        raise _refusal(item, item.image_file, Problem.ORIENTATION, found)
    return size != stored


def _text(size: tuple[int, int]) -> str:
    return "{} x {}".format(*size)


# ---- The truth -----------------------------------------------------------------------------------


def _number_segments(
    item: SourcePicture, truth: PanopticTruth
) -> tuple[list[SourceSegment], np.ndarray]:
    """The segments of a record and its uint16 `[h, w]` segment map."""
    ids = truth.ids
    kept, slots = _merge_stuff(truth.segments)
    if len(kept) > MAX_SEGMENTS:
        found = f"{len(kept)} segments"
        raise _refusal(item, item.map_file, Problem.TOO_MANY_SEGMENTS, found)
    listed_ids = np.array([0] + [segment.id for segment in truth.segments], ids.dtype)
    order = np.argsort(listed_ids)
    # Ids are looked up, not sorted: there are many pixels and few segments.
    position = np.searchsorted(listed_ids, ids, sorter=order)
    position = order[np.minimum(position, len(order) - 1)]
    _check_ids(item, truth, position, listed_ids)
    return kept, np.array([0, *slots], np.uint16)[position]


def _check_ids(
    item: SourcePicture, truth: PanopticTruth, position: np.ndarray, listed_ids: np.ndarray
) -> None:
    """Refuses ids in one place and not the other, and crowds of stuff.

    Args:
      truth: source ids and segments.
      position: `[h, w]` where in `listed_ids` each is, if it is there.
      listed_ids: `[1 + n]` 0 and the listed source ids.
    """
    stray = listed_ids[position] != truth.ids
    areas = np.bincount(position[~stray], minlength=len(listed_ids))
    crowds = [s.id for s in truth.segments if s.is_crowd and not s.is_thing]
    wrong = {
        Problem.NOT_LISTED: np.unique(truth.ids[stray]).tolist(),
        Problem.NOT_PAINTED: listed_ids[1:][areas[1:] == 0].tolist(),
        Problem.STUFF_CROWD: crowds,
    }
    findings = [
        Finding(item.name, item.map_file, problem, f"id {listed(segment_ids)}")
        for problem, segment_ids in wrong.items()
        if segment_ids
    ]
    if findings:
        raise UnusablePicture(*findings)


def _merge_stuff(segments: Sequence[SourceSegment]) -> tuple[list[SourceSegment], list[int]]:
    """One segment for each thing and each class of stuff, as COCO defines stuff.

    Returns:
      The segments that stay, the first of each class of stuff; and, for each listed segment, which
      of these it is now part of, counted from 1.
    """
    keys = [(s.is_thing, s.id if s.is_thing else s.class_id) for s in segments]
    kept: dict[tuple[bool, int], SourceSegment] = {}
    for key, segment in zip(keys, segments, strict=True):
        kept.setdefault(key, segment)
    numbers = {key: i for i, key in enumerate(kept, start=1)}
    return list(kept.values()), [numbers[key] for key in keys]


def _refusal(item: SourcePicture, file: str, problem: Problem, found: str) -> UnusablePicture:
    return UnusablePicture(Finding(item.name, file, problem, found))
