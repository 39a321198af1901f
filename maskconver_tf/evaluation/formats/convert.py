"""Converts predictions from one file format to another: the work of `maskconver convert`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.formats.cityscapes_results import write_cityscapes_results
from maskconver_tf.evaluation.formats.instance_results import (
    read_instance_results,
    write_instance_results,
)
from maskconver_tf.evaluation.formats.named_pictures import (
    NamedPicture,
    PredictionFile,
    read_panoptic_predictions,
    recalibrated,
)
from maskconver_tf.evaluation.lost_quality.recalibration import Recalibration
from maskconver_tf.evaluation.writing.coco_writer import CocoPanopticWriter


def read_predictions(path: Path, png_folder: Path, classes: Path | None) -> PredictionFile:
    """Reads COCO panoptic predictions, or COCO instance results if the file holds a list.

    Raises:
      UserError: the file is missing or malformed, or a list of instances comes without `classes`.
    """
    if not _is_list(path):
        return read_panoptic_predictions(path, png_folder, classes)
    if classes is None:
        raise UserError(
            f"{path}: found a list of instances, which does not name the classes; expected "
            "--classes FILE, a list such as "
            '[{"id": 1, "name": "person", "isthing": 1}, ...]. Add it'
        )
    return read_instance_results(path, Categories.load(classes))


def convert(
    found: PredictionFile, target: str, out: Path, recalibration: Recalibration | None
) -> str:
    """Writes predictions in another format; returns what was written.

    Args:
      target: "panoptic" or "cityscapes", `out` is a folder; or "instances", `out` is a JSON file.
      recalibration: changes the scores; None to keep them.
    """
    pictures: Iterator[NamedPicture] = found.pictures
    if recalibration is not None:
        pictures = recalibrated(pictures, recalibration, found.categories)
    if target == "instances":
        return f"{write_instance_results(out, pictures, found.categories)} instances"
    if target == "cityscapes":
        return f"{write_cityscapes_results(out, pictures, found.categories)} pictures"
    count = 0
    with CocoPanopticWriter(out, found.categories) as writer:
        for annotation, file_name in pictures:
            writer.add(annotation.image_id, file_name, annotation.panoptic_map, annotation.segments)
            count += 1
    return f"{count} pictures"


def _is_list(path: Path) -> bool:
    """Returns whether a JSON file begins with a list; False if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    except OSError:
        return False
