"""Writes and reads COCO's panoptic results format, which COCO's own evaluation reads.

A folder contains `predictions.json` and `predictions/` with one PNG of segment ids per picture. The
JSON has an entry per picture in `annotations`, with source ids of the classes. It also has `images`
and `categories`, so any reader of COCO panoptic data can read it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError, found_instead, typed_repr
from maskconver_tf.evaluation.segment_numbers import (
    check_every_segment_has_pixels,
    number_segments,
)
from maskconver_tf.files.encoded_pictures.pixel_limit import LARGEST_MAX_PIXELS
from maskconver_tf.files.encoded_pictures.raw_values import NotRaw, read_rgb_ids
from maskconver_tf.files.id_map import MAX_SEGMENT_ID, ids_to_rgb
from maskconver_tf.files.json_file import read_json, write_json
from maskconver_tf.files.pictures import UnreadablePicture
from maskconver_tf.ops.segment_extents import segment_extents
from maskconver_tf.types import Segment


class CocoPanopticWriter:
    """Writes predictions picture by picture.

    `close` writes `predictions.json`, so the file never describes the pictures of another run. A
    `with` block calls `close` at its end, unless it ends with an error.
    """

    def __init__(self, out_dir: Path | str, categories: Categories):
        """Makes `out_dir` if it is missing; removes `predictions.json` of an earlier run."""
        self._json_path = Path(out_dir) / "predictions.json"
        self._png_folder = Path(out_dir) / "predictions"
        self._categories = categories
        self._annotations: list[dict[str, Any]] = []
        self._images: list[dict[str, Any]] = []
        self._image_ids: set[str] = set()
        self._png_names: set[str] = set()
        self._png_folder.mkdir(parents=True, exist_ok=True)
        self._json_path.unlink(missing_ok=True)

    def add(
        self,
        image_id: int | str,
        file_name: str,
        panoptic_map: np.ndarray,
        segments: Sequence[Segment],
    ) -> None:
        """Writes the PNG of one picture. Reads `id`, `class_id` and `score` of each segment.

        Args:
          image_id: id in the annotations file of the truth, a number or a text.
          file_name: name of the source picture. The PNG gets its stem, and a number if another PNG
            has that name.
          panoptic_map: integers `[h, w]` at the picture's original size, 0 for void.

        Raises:
          UserError: `image_id` occurs twice, the ids of map and `segments` differ, or an id is not
            a 24-bit number.
        """
        where = f"image {image_id}: the predicted map"
        self._take_image_id(image_id)
        segments_info = self._segments_info(panoptic_map, segments, where)
        png_name = self._png_name(file_name)
        Image.fromarray(ids_to_rgb(panoptic_map)).save(self._png_folder / png_name)
        self._annotations.append(
            {"image_id": image_id, "file_name": png_name, "segments_info": segments_info}
        )
        height, width = panoptic_map.shape
        self._images.append(
            {"id": image_id, "file_name": file_name, "height": height, "width": width}
        )

    def close(self) -> Path:
        """Writes `predictions.json` and returns its path."""
        content = {
            "images": self._images,
            "annotations": self._annotations,
            "categories": self._categories.to_coco(),
        }
        write_json(self._json_path, content)
        return self._json_path

    def __enter__(self) -> CocoPanopticWriter:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is None:
            self.close()

    def _take_image_id(self, image_id: int | str) -> None:
        key = json.dumps(image_id)  # 7 and "7" are different ids.
        if key in self._image_ids:
            raise UserError(
                f"image id {key} occurs twice; COCO's evaluation would read only one of the two "
                "predictions. Give each picture of the dataset its own id"
            )
        self._image_ids.add(key)

    def _png_name(self, file_name: str) -> str:
        """Returns an unused name, unused also on file systems that ignore case."""
        stem = PurePosixPath(file_name.replace("\\", "/")).stem or "image"
        name, number = f"{stem}.png", 2
        while name.casefold() in self._png_names:
            name, number = f"{stem}_{number}.png", number + 1
        self._png_names.add(name.casefold())
        return name

    def _segments_info(
        self, panoptic_map: np.ndarray, segments: Sequence[Segment], where: str
    ) -> list[dict[str, Any]]:
        for segment in segments:
            if not 0 < segment.id <= MAX_SEGMENT_ID:
                raise UserError(
                    f"{where} has segment {segment.id}; expected 1..{MAX_SEGMENT_ID}, which a PNG "
                    "of ids can store. Number the segments from 1"
                )
        index = number_segments(panoptic_map, segments, where)
        areas, boxes = segment_extents(index, len(segments))
        check_every_segment_has_pixels(areas, segments, where)
        return [
            self._segment_info(segment, area, box)
            for segment, area, box in zip(segments, areas.tolist(), boxes.tolist(), strict=True)
        ]

    def _segment_info(self, segment: Segment, area: int, box: list[int]) -> dict[str, Any]:
        y0, x0, y1, x1 = box
        info = {
            "id": int(segment.id),
            "category_id": self._categories[segment.class_id].id,
            "area": area,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "iscrowd": 0,
        }
        return info if segment.score is None else info | {"score": float(segment.score)}


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
