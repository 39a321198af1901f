"""One picture of a source, checked and measured: the work of the processes of `data check`."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import warnings
from typing import Any

import numpy as np
from PIL import Image

from maskconver_tf.datasets.build.examine import Sound, check
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.sources.source import PanopticTruth, SourcePicture
from maskconver_tf.files.json_file import short_repr
from maskconver_tf.files.pictures import to_plain_rgb
from maskconver_tf.ops.segment_extents import segment_extents

PRINT_SIDE = 16
"""Pixels a side of the small gray copy by which pictures are compared."""

_SHOWN_SIDE = 240
"""Pixels of the longer side of a picture in the report."""


@dataclasses.dataclass(frozen=True)
class Task:
    """A picture and what is wanted of it besides numbers.

    Attributes:
      item: the picture.
      keep_map: keep its segment map.
      draw: the class list if a picture for the report is wanted, or None.
    """

    item: SourcePicture
    keep_map: bool = False
    draw: Categories | None = None

    @property
    def image_file(self) -> str:
        """What messages call the picture."""
        return self.item.image_file


@dataclasses.dataclass(frozen=True)
class Inspection:
    """Measures of a picture that can be used; n segments.

    Attributes:
      name: by which the source knows it.
      size: height and width.
      segment_ids, class_ids, is_crowd: of its segments.
      areas: int64 `[n + 1]`: pixels of void, then of each segment.
      num_merged, num_hidden, oddity: see `Accepted`.
      digest: SHA-256 of the file.
      small: uint8 `[PRINT_SIDE, PRINT_SIDE + 1]`, the picture in gray.
      segment_map: uint16 `[h, w]`, or None.
      drawing: JPEG of the picture beside its truth, or None.
      findings: what is wrong with it all the same.
    """

    name: str
    size: tuple[int, int]
    segment_ids: list[int]
    class_ids: list[int]
    is_crowd: list[bool]
    areas: np.ndarray
    num_merged: int
    num_hidden: int
    oddity: str | None
    digest: bytes
    small: np.ndarray
    segment_map: np.ndarray | None
    drawing: bytes | None
    findings: list[Finding]


def inspect(task: Task) -> Inspection | tuple[Finding, ...]:
    """Reads, checks and measures one picture, or returns all that is wrong with it."""
    sound = check(task.item)
    if not isinstance(sound, Sound):
        return sound
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image_bytes, oddity = to_plain_rgb(sound.encoded, sound.picture, sound.turn)
        picture = sound.picture if oddity is None else Image.open(io.BytesIO(image_bytes))
        picture = picture.convert("RGB")
    classes = [segment.class_id for segment in sound.segments]
    small = picture.convert("L").resize((PRINT_SIDE + 1, PRINT_SIDE), Image.Resampling.BOX)
    drawing = None if task.draw is None else draw(picture, sound.segment_map, classes, task.draw)
    return Inspection(
        name=task.item.name,
        size=sound.segment_map.shape,
        segment_ids=[segment.id for segment in sound.segments],
        class_ids=classes,
        is_crowd=[segment.is_crowd for segment in sound.segments],
        areas=np.bincount(sound.segment_map.ravel(), minlength=len(classes) + 1),
        num_merged=sound.num_merged,
        num_hidden=sound.truth.num_hidden,
        oddity=oddity,
        digest=hashlib.sha256(sound.encoded).digest(),
        small=np.asarray(small),
        segment_map=sound.segment_map if task.keep_map else None,
        drawing=drawing,
        findings=_wrong_extents(task.item, sound.truth),
    )


def _wrong_extents(item: SourcePicture, truth: PanopticTruth) -> list[Finding]:
    """Segments whose listed area or box is not the painted one; a box may be off by a pixel."""
    ids, numbers = np.unique(truth.ids, return_inverse=True)
    areas, boxes = segment_extents(numbers.reshape(truth.ids.shape) + 1, len(ids))
    findings = []
    for segment in truth.segments:
        number = np.searchsorted(ids, segment.id)
        y0, x0, y1, x1 = boxes[number].tolist()
        box = [x0, y0, x1 - x0, y1 - y0]
        area = segment.area
        if area is not None and (type(area) not in (int, float) or area != areas[number]):
            found = f"area {short_repr(area)}, painted {areas[number]} pixels"
        elif segment.bbox is not None and not _is_near(segment.bbox, box):
            found = f"bbox {short_repr(segment.bbox)}, painted {box}"
        else:
            continue
        found = f"{item.name}: segment id {segment.id} has {found}"
        findings.append(Finding(item.name, item.map_file, Problem.EXTENT, found))
    return findings


def _is_near(listed: Any, box: list[int]) -> bool:
    try:
        return np.shape(listed) == (4,) and bool(np.all(np.abs(np.subtract(listed, box)) <= 1))
    except (TypeError, ValueError):
        return False


def draw(
    picture: Image.Image, segment_map: np.ndarray, class_ids: list[int], categories: Categories
) -> bytes:
    """JPEG of a picture beside its truth: classes in color, segments outlined, void black."""
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
