"""Finds and checks the annotations of each picture in COCO's instances files."""

from __future__ import annotations

import array
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.sources.coco.coco_json import EntriesById, differing_ids
from maskconver_tf.datasets.sources.coco.entries import (
    Field,
    id_field,
    loose_id,
    what_is_wrong,
)
from maskconver_tf.datasets.sources.source import SourceSegment
from maskconver_tf.errors import UserError, short_repr, typed_repr
from maskconver_tf.files.json_lists import ElementOffsets, ListElement

_IMAGE_ID = (id_field("image_id"),)


class AnnotationsByPicture:
    """The entries of `annotations`, looked up by their image id; a picture may have many.

    Attributes:
      findings: annotations that belong to no picture, or perhaps to one.
      category_ids: the category ids that annotations have, known or not.
    """

    def __init__(self, path: Path):
        self.findings: list[Finding] = []
        self.category_ids: set[int] = set()
        self._where = str(path)
        self._places = ElementOffsets(path)
        self._numbers: dict[int | str, int] = {}  # Image id -> number of the image, from 0.
        self._float_ids: set[float] = set()  # Image ids with a decimal point.
        self._owners = array.array("q")  # Number of each annotation's image; -1 if it has none.
        self._order: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._owners)

    def add(self, element: ListElement) -> None:
        """Adds an annotation, or notes a finding if it does not name a picture."""
        entry = element.value
        if isinstance(entry, dict) and "segments_info" in entry:
            raise UserError(
                f"{self._where}: an annotation has segments_info, as in COCO's panoptic files; "
                "expected a COCO instances file, such as instances_val2017.json. To read a "
                "panoptic file, give --source coco_panoptic"
            )
        number = self._places.add(element)
        wrong = what_is_wrong(entry, _IMAGE_ID)
        if wrong is None:
            self._owners.append(self._numbers.setdefault(entry["image_id"], len(self._numbers)))
            if type(entry.get("category_id")) is int:
                self.category_ids.add(entry["category_id"])
            return
        self._owners.append(-1)
        if isinstance(entry, dict) and type(entry.get("image_id")) is float:
            self._float_ids.add(entry["image_id"])
            return
        name = f"annotations[{number}]"
        self._note(name, Problem.LOST_ANNOTATION, f"{name} is {short_repr(entry)}: {wrong}")

    def note_without_image(self, images: EntriesById) -> set[int | str]:
        """Notes each image id that no entry of `images` has.

        Returns:
          The ids of the images that an annotation perhaps means, because it writes the same id or
          the name of the file. Such a picture shows an object without truth.

        Raises:
          UserError: there are annotations, but not one of them names a picture in `images`.
        """
        strange = [i for i in self._numbers if i not in images] + sorted(self._float_ids)
        half_known = images.malformed_ids()
        strange = [i for i in strange if loose_id(i) not in half_known]
        alike = _images_by_loose_id(images, strange)
        if strange and not images.malformed and not any(i in images for i in self._numbers):
            self._refuse_all(strange[0], images, alike)
        meant = set()
        for image_id in strange:
            entry_id = alike.get(loose_id(image_id))
            if entry_id is None:
                found = f"image_id {typed_repr(image_id)} is the id of no entry of images"
                self._note(f"image id {image_id!r}", Problem.LOST_ANNOTATION, found)
                continue
            meant.add(entry_id)
            name = images.read(entry_id)["file_name"]
            found = f"{name}: {differing_ids('annotations', image_id, entry_id)}"
            self._note(name, Problem.IMAGE_ID_TYPE, found)
        return meant

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

    def _refuse_all(self, image_id: Any, images: EntriesById, alike: dict[str, Any]) -> None:
        """Raises `UserError` because no annotation names a picture."""
        entry_id = alike.get(loose_id(image_id), next(iter(images), None))
        raise UserError(
            f"{self._where}: no annotation names a picture: "
            f"{differing_ids('annotations', image_id, entry_id)}; expected the same values of the "
            "same type. Write the ids in both lists alike"
        )

    def _note(self, picture: str, problem: Problem, found: str) -> None:
        self.findings.append(Finding(picture, self._where, problem, found))


def _images_by_loose_id(images: EntriesById, strange: Sequence[Any]) -> dict[str, int | str]:
    """Returns the image id that each text may mean: an id of another type, or a file's name."""
    if not strange:
        return {}
    alike = {}
    if any(isinstance(image_id, str) for image_id in strange):
        for entry_id in images:
            name = images.read(entry_id)["file_name"]
            path = PurePosixPath(name)
            alike |= dict.fromkeys(map(loose_id, (name, path.name, path.stem)), entry_id)
    return alike | {loose_id(entry_id): entry_id for entry_id in images}


# ---- The annotations of one picture --------------------------------------------------------------

_ENTRY = (
    Field("id", lambda v: type(v) is int and 0 < v < 2**62, "a whole number from 1 to 2^62 - 1"),
    Field("iscrowd", lambda v: v in (0, 1), "the number 0 or 1"),
    Field("segmentation", lambda v: v is not None, "polygons or run lengths"),
)
"""Fields of an annotation besides its image id and its category."""


def check_annotations(
    annotations: Sequence[dict], categories: Categories, num_annotated: int
) -> tuple[list[tuple[SourceSegment, Any]], list[tuple[Problem, str]]]:
    """Checks the annotations of a picture.

    Args:
      categories: the class list.
      num_annotated: number of classes, the first ones, that an annotation may have. The others are
        of stuff that does not come from annotations.

    Returns:
      The segment and the COCO `segmentation` of each usable annotation, and the problems of the
      others.
    """
    instances, problems, seen = [], [], set()
    for number, entry in enumerate(annotations, start=1):
        entry = {"id": number, "iscrowd": 0} | entry
        name = f"annotation id {short_repr(entry['id'])}"
        wrong = what_is_wrong(entry, _ENTRY)
        if wrong is not None:
            problems.append((Problem.MALFORMED_ENTRY, f"{name}: {wrong}"))
            continue
        if entry["id"] in seen:
            problems.append((Problem.REPEATED_SEGMENT, name))
        seen.add(entry["id"])
        class_id = _class_id(entry.get("category_id"), categories)
        if class_id is None or class_id >= num_annotated:
            listed = typed_repr(entry["category_id"]) if "category_id" in entry else "missing"
            found = f"{name} has category_id {listed}"
            problems.append((Problem.UNKNOWN_CATEGORY, found))
            continue
        kind = categories[class_id].isthing, bool(entry["iscrowd"])
        instances.append((SourceSegment(entry["id"], class_id, *kind), entry["segmentation"]))
    return instances, problems


def _class_id(category_id: Any, categories: Categories) -> int | None:
    """Returns the class of a category id; None if it is no whole number or no category has it."""
    try:
        return categories.class_id_of(category_id) if type(category_id) is int else None
    except KeyError:
        return None
