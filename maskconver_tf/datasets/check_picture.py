"""Reads one picture of a source and its truth, and checks that both can be used.

The builder and `data check` both start from here.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from PIL import Image

from maskconver_tf.datasets.findings import Finding, Problem, shortened_list
from maskconver_tf.datasets.records.codec import MAX_SEGMENTS
from maskconver_tf.datasets.sources.source import (
    PanopticTruth,
    SourcePicture,
    SourceSegment,
    UnusablePicture,
)
from maskconver_tf.files.channels.mapped_picture import open_picture
from maskconver_tf.files.pictures import (
    TooManyPixels,
    UnreadablePicture,
    UnusableChannels,
    UnusableNumbers,
    orientation,
    upright_size,
)

_MIN_SIDE = 4
"""Least height and width in pixels; a smaller picture has no cell at the mask stride."""

_PROBLEMS = {
    TooManyPixels: Problem.TOO_MANY_PIXELS,
    UnusableNumbers: Problem.IMAGE_DEPTH,
    UnusableChannels: Problem.IMAGE_CHANNELS,
}

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class CheckedPicture:
    """A picture and its truth that can be used.

    Attributes:
      encoded: the picture's file.
      decoded: the pixels as the file stores them.
      turn_upright: whether the truth follows the picture after its EXIF orientation is applied.
      segments: n segments; stuff segments of one class are merged.
      segment_map: uint16 `[h, w]`: i for the i-th segment counted from 1, 0 for void.
      truth: the truth as the source gives it.
    """

    encoded: bytes
    decoded: Image.Image
    turn_upright: bool
    segments: Sequence[SourceSegment]
    segment_map: np.ndarray
    truth: PanopticTruth

    @property
    def num_merged(self) -> int:
        """Listed stuff segments that joined an earlier segment of their class."""
        return len(self.truth.segments) - len(self.segments)


def check_picture(picture: SourcePicture) -> CheckedPicture | tuple[Finding, ...]:
    """Reads one picture and its truth, or returns everything that is wrong with them."""
    findings = list(picture.findings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd tags; those that matter are checked.
        image = _attempt(findings, _read_picture, picture)
        truth = _attempt(findings, picture.read_truth)
        numbered = None if truth is None else _attempt(findings, _number_segments, picture, truth)
        if image is not None and truth is not None:
            turn_upright = _attempt(findings, _is_turned, picture, image[1], truth.ids.shape[::-1])
        if findings:
            return tuple(findings)
        return CheckedPicture(*image, turn_upright, *numbered, truth)


def _attempt(findings: list[Finding], step: Callable[..., T], *args) -> T | None:
    """Runs one step. If the step finds the picture unusable, adds why and returns None."""
    try:
        return step(*args)
    except UnusablePicture as unusable:
        findings.extend(unusable.findings)
        return None


# ---- The picture ---------------------------------------------------------------------------------


def _read_picture(picture: SourcePicture) -> tuple[bytes, Image.Image]:
    """Reads the file and its pixels; raises `UnusablePicture` if a record cannot hold them."""
    encoded = picture.read_image()
    try:
        mapping = getattr(picture, "mapping", None)
        decoded = open_picture(encoded, picture.max_pixels, mapping)
    except UnreadablePicture as error:
        problem = _PROBLEMS.get(type(error), Problem.IMAGE_UNREADABLE)
        raise _unusable(picture, picture.image_file, problem, str(error)) from None
    if min(decoded.size) < _MIN_SIDE:
        raise _unusable(picture, picture.image_file, Problem.TOO_SMALL, _text(decoded.size))
    return encoded, decoded


def _is_turned(picture: SourcePicture, decoded: Image.Image, size: tuple[int, int]) -> bool:
    """Whether the truth follows the upright picture instead of the stored pixels.

    Args:
      size: width and height of the id map; they decide.
    """
    if picture.size not in (None, size):
        found = f"{_text(size)}, and {_text(picture.size)} in the annotations"
        raise _unusable(picture, picture.map_file, Problem.SIZE, found)
    stored, upright = decoded.size, upright_size(decoded)
    if size not in (stored, upright):
        found = f"{_text(stored)}, and {_text(size)} in {picture.map_file}"
        raise _unusable(picture, picture.image_file, Problem.SIZE, found)
    if orientation(decoded) != 1 and stored == upright:
        found = f"orientation {orientation(decoded)}, and {_text(size)} either way"
        raise _unusable(picture, picture.image_file, Problem.ORIENTATION, found)
    return size != stored


def _text(size: tuple[int, int]) -> str:
    return "{} x {}".format(*size)


# ---- The truth -----------------------------------------------------------------------------------


def _number_segments(
    picture: SourcePicture, truth: PanopticTruth
) -> tuple[list[SourceSegment], np.ndarray]:
    """Returns the segments of a record and its uint16 `[h, w]` segment map."""
    ids = truth.ids
    kept, numbers = _merge_stuff(truth.segments)
    if len(kept) > MAX_SEGMENTS:
        found = f"{len(kept)} segments"
        raise _unusable(picture, picture.map_file, Problem.TOO_MANY_SEGMENTS, found)
    listed_ids = np.array([0] + [segment.id for segment in truth.segments], ids.dtype)
    order = np.argsort(listed_ids)
    # Sort the few segments, not the many pixels, and look each pixel's id up among them.
    position = np.searchsorted(listed_ids, ids, sorter=order)
    position = order[np.minimum(position, len(order) - 1)]
    _check_ids(picture, truth, position, listed_ids)
    return kept, np.array([0, *numbers], np.uint16)[position]


def _check_ids(
    picture: SourcePicture, truth: PanopticTruth, position: np.ndarray, listed_ids: np.ndarray
) -> None:
    """Raises `UnusablePicture` if ids of map and list differ, or stuff is a crowd.

    An id may be in the map but not in the list, or in the list but not in the map.

    Args:
      truth: source ids and segments.
      position: `[h, w]`: index of the pixel's id in `listed_ids`; any index if it is not there.
      listed_ids: `[1 + n]`: 0 and the listed source ids.
    """
    unlisted = listed_ids[position] != truth.ids
    areas = np.bincount(position[~unlisted], minlength=len(listed_ids))
    crowds = [s.id for s in truth.segments if s.is_crowd and not s.is_thing]
    wrong = {
        Problem.NOT_LISTED: np.unique(truth.ids[unlisted]).tolist(),
        Problem.NOT_PAINTED: listed_ids[1:][areas[1:] == 0].tolist(),
        Problem.STUFF_CROWD: crowds,
    }
    findings = [
        Finding(picture.name, picture.map_file, problem, f"id {shortened_list(segment_ids)}")
        for problem, segment_ids in wrong.items()
        if segment_ids
    ]
    if findings:
        raise UnusablePicture(*findings)


def _merge_stuff(segments: Sequence[SourceSegment]) -> tuple[list[SourceSegment], list[int]]:
    """Merges the stuff segments of each class into one, as COCO defines stuff. Things stay apart.

    Returns:
      The segments that stay; the first one of each stuff class. And for each listed segment the
      number of the segment that it is now part of, counted from 1.
    """
    keys = [(s.is_thing, s.id if s.is_thing else s.class_id) for s in segments]
    kept: dict[tuple[bool, int], SourceSegment] = {}
    for key, segment in zip(keys, segments, strict=True):
        kept.setdefault(key, segment)
    numbers = {key: i for i, key in enumerate(kept, start=1)}
    return list(kept.values()), [numbers[key] for key in keys]


def _unusable(picture: SourcePicture, file: str, problem: Problem, found: str) -> UnusablePicture:
    return UnusablePicture(Finding(picture.name, file, problem, found))
