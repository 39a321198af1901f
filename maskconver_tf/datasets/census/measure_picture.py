"""Checks and measures one picture of a source; the processes of `data check` do this."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import warnings
from typing import Any

import numpy as np
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.check_picture import CheckedPicture, check_picture
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.sources.source import PanopticTruth, SourcePicture
from maskconver_tf.errors import typed_repr
from maskconver_tf.files.pictures import plain_pixels, to_plain_rgb
from maskconver_tf.ops.segment_extents import segment_extents

THUMBNAIL_SIDE = 16
"""Height in pixels of the small gray copy with which pictures are compared."""

_SHOWN_SIDE = 240
"""Longer side, in pixels, of a picture in the report."""


@dataclasses.dataclass(frozen=True)
class MeasureRequest:
    """A picture to measure, and what to return besides numbers.

    Attributes:
      picture: the picture.
      keep_map: whether to return its segment map.
      draw_with: the class list, to return a drawing for the report; or None for no drawing.
    """

    picture: SourcePicture
    keep_map: bool = False
    draw_with: Categories | None = None

    @property
    def image_file(self) -> str:
        """Name of the picture in messages."""
        return self.picture.image_file


@dataclasses.dataclass(frozen=True)
class PictureMeasures:
    """Measures of a usable picture with n segments.

    Attributes:
      name: the picture's name in the source.
      size: height and width.
      segment_ids, class_ids, is_crowd: source id, contiguous class id and crowd flag per segment.
      areas: int64 `[n + 1]`: number of pixels of void, then of each segment.
      num_merged, num_hidden, conversion: see `EncodedPicture`.
      file_sha256: SHA-256 of the file, 32 bytes.
      thumbnail: uint8 `[THUMBNAIL_SIDE, THUMBNAIL_SIDE + 1]`, a small gray copy of the picture.
      segment_map: uint16 `[h, w]`, or None if not requested.
      drawing: JPEG of the picture beside its truth, or None if not requested.
      findings: problems that do not make the picture unusable.
      gray: uint8 `[h, w]`, the brightness of the picture, or None if no map was requested.
    """

    name: str
    size: tuple[int, int]
    segment_ids: list[int]
    class_ids: list[int]
    is_crowd: list[bool]
    areas: np.ndarray
    num_merged: int
    num_hidden: int
    conversion: str | None
    file_sha256: bytes
    thumbnail: np.ndarray
    segment_map: np.ndarray | None
    drawing: bytes | None
    findings: list[Finding]
    gray: np.ndarray | None = None


def measure_picture(request: MeasureRequest) -> PictureMeasures | tuple[Finding, ...]:
    """Reads, checks and measures one picture, or returns everything that is wrong with it."""
    checked = check_picture(request.picture)
    if not isinstance(checked, CheckedPicture):
        return checked
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image_bytes, conversion = to_plain_rgb(
            checked.encoded, checked.decoded, checked.turn_upright
        )
        image = checked.decoded
        if conversion is not None:
            image = Image.fromarray(plain_pixels(image_bytes))
        image = image.convert("RGB")
    class_ids = [segment.class_id for segment in checked.segments]
    drawing = None
    if request.draw_with is not None:
        drawing = _draw_truth(image, checked.segment_map, class_ids, request.draw_with)
    return PictureMeasures(
        name=request.picture.name,
        size=checked.segment_map.shape,
        segment_ids=[segment.id for segment in checked.segments],
        class_ids=class_ids,
        is_crowd=[segment.is_crowd for segment in checked.segments],
        areas=np.bincount(checked.segment_map.ravel(), minlength=len(class_ids) + 1),
        num_merged=checked.num_merged,
        num_hidden=checked.truth.num_hidden,
        conversion=conversion,
        file_sha256=hashlib.sha256(checked.encoded).digest(),
        thumbnail=_thumbnail(image),
        segment_map=checked.segment_map if request.keep_map else None,
        gray=np.asarray(image.convert("L")) if request.keep_map else None,
        drawing=drawing,
        findings=_find_wrong_extents(request.picture, checked.truth),
    )


def _thumbnail(image: Image.Image) -> np.ndarray:
    size = THUMBNAIL_SIDE + 1, THUMBNAIL_SIDE
    return np.asarray(image.convert("L").resize(size, Image.Resampling.BOX))


def _find_wrong_extents(picture: SourcePicture, truth: PanopticTruth) -> list[Finding]:
    """Finds segments that list another area or box than is painted. Boxes may differ by a pixel."""
    ids, numbers = np.unique(truth.ids, return_inverse=True)
    areas, boxes = segment_extents(numbers.reshape(truth.ids.shape) + 1, len(ids))
    findings = []
    for segment in truth.segments:
        number = np.searchsorted(ids, segment.id)
        y0, x0, y1, x1 = boxes[number].tolist()
        box = [x0, y0, x1 - x0, y1 - y0]
        area = segment.area
        if area is not None and (type(area) not in (int, float) or area != areas[number]):
            found = f"area {typed_repr(area)}, painted {areas[number]} pixels"
        elif segment.bbox is not None and not _is_near(segment.bbox, box):
            found = f"bbox {typed_repr(segment.bbox)}, painted {box}"
        else:
            continue
        found = f"{picture.name}: segment id {segment.id} has {found}"
        findings.append(Finding(picture.name, picture.map_file, Problem.EXTENT, found))
    return findings


def _is_near(listed: Any, box: list[int]) -> bool:
    try:
        return np.shape(listed) == (4,) and bool(np.all(np.abs(np.subtract(listed, box)) <= 1))
    except (TypeError, ValueError):
        return False


def _draw_truth(
    picture: Image.Image, segment_map: np.ndarray, class_ids: list[int], categories: Categories
) -> bytes:
    """Draws a JPEG: a picture beside its truth, classes in color, segments outlined, void black."""
    scale = _SHOWN_SIDE / max(picture.size)
    size = tuple(max(1, round(side * scale)) for side in picture.size)
    image = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
    rows = (np.arange(size[1]) + 0.5) * segment_map.shape[0] / size[1]
    columns = (np.arange(size[0]) + 0.5) * segment_map.shape[1] / size[0]
    small = segment_map[rows.astype(int)[:, None], columns.astype(int)]
    colors = np.concatenate([np.zeros([1, 3], np.uint8), categories.colors[class_ids]])
    truth = colors[small] * 0.7 + image * 0.3 * (small > 0)[..., None]
    edge = np.zeros(small.shape, bool)
    edge[1:] |= small[1:] != small[:-1]
    edge[:, 1:] |= small[:, 1:] != small[:, :-1]
    truth[edge] = 255
    jpeg = io.BytesIO()
    Image.fromarray(np.hstack([image, truth.astype(np.uint8)])).save(jpeg, "JPEG", quality=80)
    return jpeg.getvalue()
