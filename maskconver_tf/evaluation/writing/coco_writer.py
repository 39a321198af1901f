"""Writes predictions in COCO's panoptic results format, which COCO's own evaluation reads.

A folder contains `predictions.json` and `predictions/` with one PNG of segment ids per picture. The
JSON has an entry per picture in `annotations`, with source ids of the classes. It also has `images`
and `categories`, so any reader of COCO panoptic data can read it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.segment_numbers import (
    check_every_segment_has_pixels,
    number_segments,
)
from maskconver_tf.files.encoded_pictures.rgb_png import encode_rgb_png
from maskconver_tf.files.id_map import MAX_SEGMENT_ID, ids_to_rgb
from maskconver_tf.files.json_file import write_json
from maskconver_tf.ops.segment_extents import segment_extents
from maskconver_tf.types import Segment


class CocoPanopticWriter:
    """Writes predictions picture by picture.

    `close` writes `predictions.json`, so the file never describes the pictures of another run. A
    `with` block calls `close` at its end, unless it ends with an error. Threads change nothing in
    the files.
    """

    def __init__(self, out_dir: Path | str, categories: Categories, threads: int = 0):
        """Makes `out_dir` if it is missing; removes `predictions.json` of an earlier run.

        Args:
          threads: number of threads that make and write the PNG files. With 0 each file is written
            when `add` returns, and `add` raises the errors of its picture. With threads a later
            call of `add`, or `close`, may raise them.
        """
        self._json_path = Path(out_dir) / "predictions.json"
        self._png_folder = Path(out_dir) / "predictions"
        self._categories = categories
        self._annotations: list[dict[str, Any]] = []
        self._pool = ThreadPoolExecutor(threads) if threads else None
        self._pending: deque[Future] = deque()
        self._most_pending = 2 * threads
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
        arguments = image_id, self._png_name(file_name), panoptic_map, segments, where
        if self._pool:
            self._collect(self._most_pending)
            self._pending.append(self._pool.submit(self._write_png, *arguments))
        else:
            self._annotations.append(self._write_png(*arguments))
        height, width = panoptic_map.shape
        self._images.append(
            {"id": image_id, "file_name": file_name, "height": height, "width": width}
        )

    def close(self) -> Path:
        """Writes `predictions.json` and returns its path."""
        self._collect(0)
        self._end_threads()
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
        try:
            if error_type is None:
                self.close()
        finally:
            self._end_threads()

    def _write_png(
        self,
        image_id: int | str,
        png_name: str,
        panoptic_map: np.ndarray,
        segments: Sequence[Segment],
        where: str,
    ) -> dict[str, Any]:
        """Writes the PNG of a picture; returns its entry in `annotations`."""
        segments_info = self._segments_info(panoptic_map, segments, where)
        encoded = encode_rgb_png(ids_to_rgb(panoptic_map))
        (self._png_folder / png_name).write_bytes(encoded)
        return {"image_id": image_id, "file_name": png_name, "segments_info": segments_info}

    def _collect(self, most: int) -> None:
        """Waits, in order, until at most `most` pictures are in the hands of threads."""
        while len(self._pending) > most:
            self._annotations.append(self._pending.popleft().result())

    def _end_threads(self) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)

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
