"""Predicted pictures with their file names, read from COCO's panoptic format."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError, found_instead
from maskconver_tf.evaluation.coco_results import (
    PanopticAnnotation,
    read_coco_panoptic,
    read_field,
)
from maskconver_tf.evaluation.lost_quality.recalibration import Recalibration
from maskconver_tf.files.json_file import read_json


class NamedPicture(NamedTuple):
    """A predicted picture.

    Attributes:
      annotation: map and segments.
      file_name: name of the source picture, or of the PNG if the file does not list pictures.
    """

    annotation: PanopticAnnotation
    file_name: str


@dataclasses.dataclass(frozen=True)
class PredictionFile:
    """Predictions in COCO's panoptic format, or an instance results list that was read.

    Attributes:
      path: the JSON file.
      categories: its class list.
      pictures: the pictures, read one by one.
    """

    path: Path
    categories: Categories
    pictures: Iterator[NamedPicture]


def read_panoptic_predictions(path: Path, png_folder: Path, classes: Path | None) -> PredictionFile:
    """Reads a JSON file with its PNG files.

    Args:
      classes: file of the class list; None for the `categories` of the JSON file.

    Raises:
      UserError: now or while the pictures are read; see `read_coco_panoptic`.
    """
    content = read_json(path, "the predictions")
    categories = _own_categories(content, path) if classes is None else Categories.load(classes)
    names = _picture_names(content)

    def pictures() -> Iterator[NamedPicture]:
        for annotation in read_coco_panoptic(path, png_folder, categories):
            yield NamedPicture(annotation, names[json.dumps(annotation.image_id)])

    return PredictionFile(path, categories, pictures())


def _own_categories(content: Any, path: Path) -> Categories:
    if isinstance(content, dict) and "categories" not in content:
        raise UserError(
            f"{path} has no `categories`{found_instead('categories', content)}; expected them, or "
            "--classes FILE with a class list or with the `categories` of the truth. Add --classes"
        )
    return Categories.from_coco(read_field(content, "categories", str(path), list), str(path))


def recalibrated(
    pictures: Iterator[NamedPicture], recalibration: Recalibration, categories: Categories
) -> Iterator[NamedPicture]:
    """Replaces the score of each segment that has one."""
    for picture in pictures:
        segments = []
        for segment in picture.annotation.segments:
            if segment.score is not None:
                name = categories[segment.class_id].name
                [score] = recalibration.apply(np.array([segment.score]), [name]).tolist()
                segment = dataclasses.replace(segment, score=score)
            segments.append(segment)
        annotation = dataclasses.replace(picture.annotation, segments=tuple(segments))
        yield picture._replace(annotation=annotation)


def _picture_names(content: dict) -> dict[str, str]:
    """Returns the id of each picture as JSON text -> its file name."""
    names = {}
    for key, list_name in (("image_id", "annotations"), ("id", "images")):
        for entry in content.get(list_name) or []:
            if isinstance(entry, dict) and isinstance(entry.get("file_name"), str):
                names[json.dumps(entry.get(key))] = entry["file_name"]
    return names
