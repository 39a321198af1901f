"""Finds and checks the annotations of each picture in COCO's instances files."""

from __future__ import annotations

import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.sources.coco.coco_json import EntriesById, has_id
from maskconver_tf.datasets.sources.source import SourceSegment
from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import short_repr
from maskconver_tf.files.json_lists import ElementOffsets, ListElement


class AnnotationsByPicture:
    """The entries of `annotations`, looked up by their image id; a picture may have many.

    Attributes:
      findings: malformed annotations.
    """

    def __init__(self, path: Path):
        self.findings: list[Finding] = []
        self._where = str(path)
        self._places = ElementOffsets(path)
        self._numbers: dict[int | str, int] = {}  # Image id -> number of the image, from 0.
        self._owners = array.array("q")  # Number of each annotation's image; -1 if malformed.
        self._order: np.ndarray | None = None

    def add(self, element: ListElement) -> None:
        """Adds an annotation, or notes a finding if it is malformed."""
        if isinstance(element.value, dict) and "segments_info" in element.value:
            raise UserError(
                f"{self._where}: an annotation has segments_info, as in COCO's panoptic files; "
                "expected a COCO instances file, such as instances_val2017.json. To read a "
                "panoptic file, give --source coco_panoptic"
            )
        number = self._places.add(element)
        if has_id(element.value, "image_id") and "segmentation" in element.value:
            image_id = element.value["image_id"]
            self._owners.append(self._numbers.setdefault(image_id, len(self._numbers)))
        else:
            name = f"annotations[{number}]"
            found = f"{name} is {short_repr(element.value)}"
            self.findings.append(Finding(name, self._where, Problem.MALFORMED_ENTRY, found))
            self._owners.append(-1)

    def without_image(self, images: EntriesById) -> list[Finding]:
        """Returns a finding for each image id that no entry of `images` has."""
        return [
            Finding(f"image id {i!r}", self._where, Problem.NO_IMAGE, f"image id {i!r}")
            for i in self._numbers
            if i not in images
        ]

    def read(self, image_id: int | str) -> list[dict]:
        """Reads the annotations of a picture, in the file's order."""
        if self._order is None:
            owners = np.array(self._owners, np.int64)
            self._order = np.argsort(owners, kind="stable")
            self._sorted = owners[self._order]
        number = self._numbers.get(image_id)
        if number is None:
            return []
        start, stop = np.searchsorted(self._sorted, [number, number + 1])
        return [self._places.read(i) for i in self._order[start:stop].tolist()]


def check_annotations(
    annotations: Sequence[dict], categories: Categories
) -> tuple[list[tuple[SourceSegment, Any]], list[tuple[Problem, str]]]:
    """Checks the annotations of a picture.

    Returns:
      The segment and the COCO `segmentation` of each usable annotation, and the problems of the
      others.
    """
    instances, problems, seen = [], [], set()
    for number, entry in enumerate(annotations, start=1):
        segment_id = entry.get("id", number)
        if type(segment_id) is not int or not 0 < segment_id < 2**62:
            problems.append((Problem.MALFORMED_ENTRY, f"annotation id {segment_id!r}"))
            continue
        if segment_id in seen:
            problems.append((Problem.REPEATED_SEGMENT, f"annotation id {segment_id}"))
        seen.add(segment_id)
        try:
            class_id = categories.class_id_of(entry.get("category_id"))
        except (KeyError, TypeError):
            found = f"annotation id {segment_id} has category_id {entry.get('category_id')!r}"
            problems.append((Problem.UNKNOWN_CATEGORY, found))
            continue
        is_crowd = entry.get("iscrowd", 0)
        if is_crowd not in (0, 1):
            found = f"annotation id {segment_id} has iscrowd {short_repr(is_crowd)}"
            problems.append((Problem.MALFORMED_ENTRY, found))
            continue
        kind = categories[class_id].isthing, bool(is_crowd)
        instances.append((SourceSegment(segment_id, class_id, *kind), entry["segmentation"]))
    return instances, problems
