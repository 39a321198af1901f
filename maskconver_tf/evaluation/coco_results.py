"""Reads COCO's panoptic format: truth, or results that `coco_writer` or another program wrote.

A folder contains `predictions.json` and `predictions/` with one PNG of segment ids per picture. The
JSON has an entry per picture in `annotations`, with source ids of the classes. It also has `images`
and `categories`, so any reader of COCO panoptic data can read it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError, found_instead, typed_repr
from maskconver_tf.files.encoded_pictures.pixel_limit import LARGEST_MAX_PIXELS
from maskconver_tf.files.encoded_pictures.raw_values import NotRaw, read_rgb_ids
from maskconver_tf.files.id_map import MAX_SEGMENT_ID
from maskconver_tf.files.json_file import read_json
from maskconver_tf.files.pictures import UnreadablePicture
from maskconver_tf.types import Segment


@dataclasses.dataclass(frozen=True)
class PanopticAnnotation:
    """The truth or prediction of one picture, read from a file.

    Attributes:
      image_id: id in the file, a number or a text.
      panoptic_map: int32 `[h, w]`, segment ids of the file.
      segments: the segments, with contiguous class ids, and with scores if the file has them.
    """

    image_id: int | str
    panoptic_map: np.ndarray
    segments: tuple[Segment, ...]


def read_coco_panoptic(
    json_path: Path | str, png_folder: Path | str, categories: Categories | None = None
) -> Iterator[PanopticAnnotation]:
    """Yields the pictures of a COCO panoptic file, truth or predictions, in the file's order.

    Args:
      categories: the class list that defines the contiguous class ids; None for the `categories`
        of the file.

    Raises:
      UserError: the JSON or a PNG is missing or broken, an entry has another type, a category id is
        unknown, or a picture or segment occurs twice.
    """
    where = str(json_path)
    content = read_json(Path(json_path), "the panoptic annotations file")
    if categories is None:
        categories = Categories.from_coco(read_field(content, "categories", where, list), where)
    image_ids: set[str] = set()
    for number, entry in enumerate(read_field(content, "annotations", where, list)):
        in_entry = f"{where}: annotation {number} (counted from 0)"
        image_id = read_field(entry, "image_id", in_entry, int, str)
        in_annotation = f"{where}: the annotation of image {json.dumps(image_id)}"
        if (key := json.dumps(image_id)) in image_ids:
            raise UserError(f"{in_annotation} occurs twice; keep one of the two")
        image_ids.add(key)
        png_name = read_field(entry, "file_name", in_annotation, str)
        infos = read_field(entry, "segments_info", in_annotation, list)
        segments = tuple(read_segment(info, categories, in_annotation) for info in infos)
        yield PanopticAnnotation(image_id, _read_map(Path(png_folder) / png_name), segments)


_KINDS = {
    int: "a whole number",
    float: "a number with a decimal point",
    str: "text",
    list: "a list",
}


def read_field(entry: Any, key: str, where: str, *kinds: type) -> Any:
    """Returns a field of an entry, which must have one of the types `kinds`.

    Raises:
      UserError: the entry is no object, lacks the field, or has another type there.
    """
    if not isinstance(entry, dict):
        raise UserError(
            f"{where} is {typed_repr(entry)}; expected an object with `{key}`, as in COCO's "
            "panoptic format. Check the path, or write the file again"
        )
    if key not in entry:
        raise UserError(
            f"{where} has no `{key}`{found_instead(key, entry)}; expected a file in COCO's "
            "panoptic format. Check the path, or write the file again"
        )
    if type(entry[key]) not in kinds:
        expected = " or ".join(_KINDS[kind] for kind in kinds)
        raise UserError(
            f"{where} has {key} {typed_repr(entry[key])}; expected {expected}. Correct the file, "
            "or write it again"
        )
    return entry[key]


def read_segment(info: Any, categories: Categories, where: str) -> Segment:
    """Reads an entry of `segments_info`; raises `UserError` if it is malformed."""
    in_segment = f"{where}: a segment"
    segment_id = read_field(info, "id", in_segment, int)
    in_segment = f"{where}: segment {segment_id}"
    if not 0 < segment_id <= MAX_SEGMENT_ID:
        raise UserError(
            f"{in_segment}; expected an id from 1 to {MAX_SEGMENT_ID}, which a PNG of ids can "
            "store. Number the segments from 1"
        )
    source_id = read_field(info, "category_id", in_segment, int)
    try:
        class_id = categories.class_id_of(source_id)
    except KeyError:
        known = ", ".join(map(str, categories.source_ids[:8])) + ", ..." * (len(categories) > 8)
        raise UserError(
            f"{in_segment} has category_id {source_id}, which is not among the "
            f"{len(categories)} categories (ids {known}); use the category list with which the "
            "file was made"
        ) from None
    return Segment(segment_id, class_id, _is_crowd(info, in_segment), _score(info, in_segment))


def _is_crowd(info: dict[str, Any], where: str) -> bool:
    if (value := info.get("iscrowd", 0)) not in (0, 1) or isinstance(value, float):
        raise UserError(
            f"{where} has iscrowd {typed_repr(value)}; expected 0 or 1. Correct the file, or write "
            "it again"
        )
    return bool(value)


def _score(info: dict[str, Any], where: str) -> float | None:
    return None if info.get("score") is None else read_field(info, "score", where, int, float)


def _read_map(path: Path) -> np.ndarray:
    try:
        return read_rgb_ids(path.read_bytes(), LARGEST_MAX_PIXELS)
    except (OSError, UnreadablePicture, NotRaw, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{path}: cannot be read ({reason}); expected a PNG of segment ids. Check the folder, "
            "or write the file again"
        ) from None
