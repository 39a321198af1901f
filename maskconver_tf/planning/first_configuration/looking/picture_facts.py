"""What one picture tells about the settings of a training; the processes of `new` measure it."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
from PIL import Image

from maskconver_tf.datasets.check_picture import CheckedPicture, check_picture
from maskconver_tf.datasets.findings import Finding
from maskconver_tf.datasets.sources.source import SourcePicture
from maskconver_tf.files.pictures import plain_pixels, to_plain_rgb
from maskconver_tf.ops.segment_extents import segment_extents
from maskconver_tf.planning.first_configuration.looking.kinds import (
    is_gray,
    looks_like_photograph,
)
from maskconver_tf.planning.first_configuration.looking.neighbors import (
    nearest_of_class,
    touching_of_class,
)


@dataclasses.dataclass(frozen=True)
class PictureFacts:
    """Measures of a usable picture with n segments that are no crowds.

    Attributes:
      name: the picture's name in the source, perhaps with a folder.
      size: height and width in pixels.
      class_ids: int `[n]`, contiguous class id of each segment.
      is_thing: bool `[n]`.
      areas: int `[n]`, pixels.
      half_diagonals: float `[n]`, half the diagonal of each box, in pixels.
      short_sides: int `[n]`, shorter side of each box, in pixels.
      heights: float `[n]`, row of each center as a share of the picture's height, 0..1.
      gaps: float `[n]`, distance in pixels to the nearest center of another thing of the class;
        infinite for stuff and for a thing without one.
      touches: bool `[n]`, whether a thing touches another thing of its class.
      is_gray: whether the three channels are nearly equal.
      is_photograph: whether it looks like a photograph, in color or in gray.
      darkness: 0..1, the gray value that 99 % of the pixels stay below, divided by 255.
    """

    name: str
    size: tuple[int, int]
    class_ids: np.ndarray
    is_thing: np.ndarray
    areas: np.ndarray
    half_diagonals: np.ndarray
    short_sides: np.ndarray
    heights: np.ndarray
    gaps: np.ndarray
    touches: np.ndarray
    is_gray: bool
    is_photograph: bool
    darkness: float


def look_at_picture(picture: SourcePicture) -> PictureFacts | tuple[Finding, ...]:
    """Reads and measures one picture, or returns everything that is wrong with it."""
    checked = check_picture(picture)
    if not isinstance(checked, CheckedPicture):
        return checked
    pixels = _rgb(checked)
    gray = np.asarray(Image.fromarray(pixels).convert("L"))
    return PictureFacts(
        name=picture.name,
        size=checked.segment_map.shape,
        **_segment_facts(checked),
        is_gray=is_gray(pixels),
        is_photograph=looks_like_photograph(pixels, checked.encoded),
        darkness=float(np.quantile(gray, 0.99)) / 255.0,
    )


def _rgb(checked: CheckedPicture) -> np.ndarray:
    """Returns the pixels as a record holds them; uint8 `[h, w, 3]`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        encoded, conversion = to_plain_rgb(checked.encoded, checked.decoded, checked.turn_upright)
        if conversion is not None:
            return plain_pixels(encoded)
        return np.asarray(checked.decoded.convert("RGB"))


def _segment_facts(checked: CheckedPicture) -> dict[str, np.ndarray]:
    """Measures the segments that are no crowds; the fields of `PictureFacts` with `[n]`."""
    segment_map = checked.segment_map.astype(np.int64)
    count = len(checked.segments)
    areas, boxes = segment_extents(segment_map, count)
    centers = _centers(segment_map, areas)
    class_ids = np.array([segment.class_id for segment in checked.segments], np.int64)
    is_thing = np.array([segment.is_thing for segment in checked.segments], np.bool_)
    kept = np.array([not segment.is_crowd for segment in checked.segments], np.bool_)
    countable = is_thing & kept
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    facts = {
        "class_ids": class_ids,
        "is_thing": is_thing,
        "areas": areas,
        "half_diagonals": np.hypot(sides[:, 0], sides[:, 1]) / 2.0,
        "short_sides": sides.min(axis=1, initial=np.inf).astype(np.int64) if count else areas,
        "heights": (centers[:, 0] + 0.5) / segment_map.shape[0],
        "gaps": nearest_of_class(centers, np.where(countable, class_ids, -1)),
        "touches": touching_of_class(segment_map, np.where(countable, class_ids, -1)),
    }
    return {name: values[kept] for name, values in facts.items()}


def _centers(segment_map: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Returns the mean row and column of each segment's pixels; float `[n, 2]`."""
    rows, columns = np.indices(segment_map.shape, sparse=True)
    flat, count = segment_map.ravel(), len(areas) + 1
    sums = [
        np.bincount(flat, np.broadcast_to(place, segment_map.shape).ravel(), count)[1:]
        for place in (rows, columns)
    ]
    return np.stack(sums, axis=1) / np.maximum(areas, 1)[:, np.newaxis]
