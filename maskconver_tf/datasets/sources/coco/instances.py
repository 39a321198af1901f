"""Reads COCO's instances layout: polygons and run lengths, with or without PNG files of stuff."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.sources.coco.coco_json import (
    EntriesById,
    RepeatedNames,
    scan_coco_json,
)
from maskconver_tf.datasets.sources.coco.entries import IMAGE, listed_size, wrong_size
from maskconver_tf.datasets.sources.coco.instance_annotations import (
    AnnotationsByPicture,
    check_annotations,
)
from maskconver_tf.datasets.sources.coco.segmentation_masks import (
    decode_segmentation,
    why_no_pixel,
)
from maskconver_tf.datasets.sources.label_pictures.label_png import read_labels
from maskconver_tf.datasets.sources.label_pictures.label_segments import class_ids_of_labels
from maskconver_tf.datasets.sources.lazy_pictures import LazyPictures
from maskconver_tf.datasets.sources.source import (
    FilePicture,
    PanopticTruth,
    SourceSegment,
    UnusablePicture,
    check_folder,
)
from maskconver_tf.errors import UserError, short_repr, typed_repr
from maskconver_tf.files.json_lists import ListElement
from maskconver_tf.types import PAD_ID

_LARGE = 2**24
"""Number of pixels above which the size in the picture's file is looked up before painting."""

_LARGEST = 2**31
"""Number of pixels that no mask can have."""


@dataclasses.dataclass(frozen=True)
class CocoInstancesPicture(FilePicture):
    """A picture of `CocoInstances`.

    Attributes:
      instances: segment and COCO `segmentation` of each usable annotation.
      num_listed: number of annotations of the picture, usable or not.
      stuff_file: PNG of stuff, or None.
      categories: the class list.
      background: class id of the pixels that have no other label, or None if they are void.
    """

    instances: tuple[tuple[SourceSegment, Any], ...] = ()
    num_listed: int = 0
    stuff_file: str | None = None
    categories: Categories = dataclasses.field(kw_only=True)
    background: int | None = None

    def read_truth(self) -> PanopticTruth:
        if self.size is None:
            raise UnusablePicture()  # `findings` already has the reason.
        self._check_large_size()
        segments, ids, num_hidden = self._paint()
        class_ids, is_thing = np.full(ids.shape, PAD_ID), np.zeros(ids.shape, bool)
        if self.stuff_file is not None:
            class_ids, is_thing = self._read_stuff(ids)
        if self.background is not None:
            class_ids = np.where(class_ids == PAD_ID, self.background, class_ids)
        next_id = max([0, *(segment.id for segment, _ in self.instances)]) + 1
        free = (ids == 0) & ~is_thing
        for class_id in np.unique(class_ids[free]).tolist():
            if class_id != PAD_ID:
                ids[free & (class_ids == class_id)] = next_id
                segments.append(SourceSegment(next_id, class_id, False, False))
                next_id += 1
        return PanopticTruth(ids, tuple(segments), num_hidden)

    def _check_large_size(self) -> None:
        """Raises `UnusablePicture` if the listed size is huge and not that of the file.

        Masks of such a size would fill the memory before anything else notices the wrong size.
        """
        width, height = self.size
        if width * height <= _LARGE:
            return
        try:
            with Image.open(self.image_file) as picture:
                stored = picture.size
        except Exception:  # `read_image` says what is wrong with the file.
            stored = self.size if width * height < _LARGEST else (0, 0)
        if sorted(stored) != sorted(self.size):
            found = "{2} x {3}, and {0} x {1} in the annotations".format(*self.size, *stored)
            raise self.unusable(self.image_file, Problem.SIZE, found)

    def _paint(self) -> tuple[list[SourceSegment], np.ndarray, int]:
        """Paints crowds first, then instances from large to small, so that small ones are on top.

        Returns:
          The segments that have pixels, their id map int64 `[h, w]`, and how many have none.
        """
        width, height = self.size
        masks = [(segment, self._mask(segment.id, shape)) for segment, shape in self.instances]
        ids = np.zeros([height, width], np.int64)
        for segment, mask in sorted(masks, key=lambda s: (not s[0].is_crowd, -s[1].sum())):
            ids[mask] = segment.id
        present = set(np.unique(ids).tolist())
        segments = [segment for segment, _ in masks if segment.id in present]
        return segments, ids, len(masks) - len(segments)

    def _mask(self, segment_id: int, segmentation: Any) -> np.ndarray:
        """Returns the mask of an instance, bool `[h, w]`; raises `UnusablePicture`."""
        width, height = self.size
        found = f"{self.name}: annotation id {segment_id}, segmentation {short_repr(segmentation)}"
        try:
            mask = decode_segmentation(segmentation, height, width)
        except (KeyError, TypeError, ValueError) as error:
            text = f"{found} ({error})"
            raise self.unusable(self.map_file, Problem.SHAPE, text) from None
        why = why_no_pixel(segmentation, mask)
        if why is not None:
            raise self.unusable(self.map_file, Problem.NO_PIXEL, f"{found}: {why}")
        return mask

    def _read_stuff(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reads the stuff of the picture.

        Things come from the annotations. Where the PNG has the label of a thing but no annotation
        covers it, there is an object that nobody outlined: neither stuff nor background.

        Returns:
          The contiguous stuff class of each pixel, `PAD_ID` elsewhere, int `[h, w]`, and whether
          its label is that of a thing, bool `[h, w]`.
        """
        labels = read_labels(self, self.stuff_file)
        self.check_shape(self.stuff_file, labels, ids, "the annotations")
        # No file has labels of the background: its id is the source's own.
        known = Categories(self.categories.entries[: self.background])
        class_ids = class_ids_of_labels(self, self.stuff_file, labels, known, (0, 255))
        is_thing = np.append(known.is_thing, False)[class_ids]
        return np.where(is_thing, PAD_ID, class_ids), is_thing


class CocoInstances:
    """A folder of pictures, COCO's instances_*.json and perhaps PNG files of stuff. See `Source`.

    Where instances overlap, the smaller one is on top. Crowds lie below all other instances. An
    instance without a visible pixel is counted as hidden. Stuff fills the pixels without an
    instance; it comes from a PNG of category ids with the picture's name. The remaining pixels get
    the class `background`, or are void if no background is given. A model learns nothing from void
    pixels. A picture without annotations has stuff, background or void only.
    """

    def __init__(
        self,
        images: Path,
        annotations: Path,
        stuff: Path | None = None,
        stuff_classes: Path | None = None,
        background: str | None = None,
    ):
        """Raises `UserError` if a folder is missing or a file is of the wrong kind."""
        check_folder(images, "the folder of pictures")
        if stuff is not None:
            check_folder(stuff, "the folder of stuff PNG files")
        if (stuff is None) != (stuff_classes is None):
            given, missing = "--stuff", "--stuff_classes"
            if stuff is None:
                given, missing = missing, given
            raise UserError(f"{given}: needs {missing}; give both or neither")
        self.where = str(annotations)
        self.description = {"layout": "coco_instances", "annotations": annotations.name}
        self._folders = images, stuff
        self._images = EntriesById(annotations, "images", "id", IMAGE)
        self._annotations = AnnotationsByPicture(annotations)
        names = RepeatedNames()

        def add_image(element: ListElement) -> None:
            self._images.add(element)
            names.add(element.value)

        listed = scan_coco_json(annotations, "instances", add_image, self._annotations.add)
        self._num_annotated = len(listed)
        self.num_listed_segments = len(self._annotations)
        used = self._annotations.category_ids
        self.categories = _categories(listed, self.where, stuff_classes, background, used)
        self._background = None if background is None else len(self.categories) - 1
        self._images.note_repeated()
        unsafe = self._annotations.note_without_image(self._images)
        unsafe |= self._images.note_shared_files(names)
        self.findings = self._images.findings + self._annotations.findings
        usable = (i for i in self._images if self._images.is_single(i))
        self._usable = [i for i in usable if i not in unsafe]
        self.pictures = LazyPictures(len(self._usable), self._picture)

    def _picture(self, index: int) -> CocoInstancesPicture:
        image = self._images.read(self._usable[index])
        name = image["file_name"]
        images, stuff = self._folders
        annotations = self._annotations.read(image["id"])
        instances, problems = check_annotations(annotations, self.categories, self._num_annotated)
        size, wrong = listed_size(image), wrong_size(image)
        if wrong is not None:
            problems.append((Problem.MALFORMED_ENTRY, wrong))
            size = None
        return CocoInstancesPicture(
            name=name,
            image_id=image["id"],
            image_file=str(images / name),
            map_file=self.where,
            size=size,
            findings=tuple(
                Finding(name, self.where, problem, f"{name}: {found}")
                for problem, found in problems
            ),
            instances=tuple(instances),
            num_listed=len(annotations),
            stuff_file=None if stuff is None else str((stuff / name).with_suffix(".png")),
            categories=self.categories,
            background=self._background,
        )


def _categories(
    things: list[Any],
    where: str,
    stuff_classes: Path | None,
    background: str | None,
    used_ids: Collection[int],
) -> Categories:
    """Returns the things of the annotations, then the stuff classes, then the background.

    The id of the background is above all others, also above the `used_ids` of annotations that no
    category has: their objects must not become background.
    """
    entries = [{"isthing": 1} | e if isinstance(e, dict) else e for e in things]
    if stuff_classes is not None:
        stuff = Categories.load(stuff_classes)
        if stuff.is_thing.any():
            raise UserError(
                f"{stuff_classes}: {stuff.names[int(stuff.is_thing.argmax())]} has isthing 1; "
                "expected stuff classes only. Remove it, or set its isthing to 0: things come from "
                "the annotations"
            )
        _refuse_shared(Categories.from_coco(entries, where), stuff, where, stuff_classes)
        entries += stuff.to_coco()
    if background is not None:
        _check_background(background, entries, where)
        known = [e["id"] for e in entries if isinstance(e, dict) and type(e.get("id")) is int]
        used = [i for i in used_ids if 0 <= i < 2**31 - 1]
        entries.append({"id": max([0, *known, *used]) + 1, "name": background, "isthing": 0})
    return Categories.from_coco(entries, where)


def _refuse_shared(things: Categories, stuff: Categories, where: str, stuff_classes: Path) -> None:
    """Raises `UserError` if a class of stuff has the id or the name of a class of things."""
    for field in ("id", "name"):
        taken = {getattr(category, field) for category in things}
        for category in stuff:
            if (value := getattr(category, field)) in taken:
                raise UserError(
                    f"{stuff_classes}: class '{category.name}' and a category of {where} both have "
                    f"the {field} {typed_repr(value)}; expected another {field} for each class. "
                    f"Give one of the two another {field}, or remove it"
                )


def _check_background(name: str, entries: list[Any], where: str) -> None:
    """Raises `UserError` unless `name` is the name of a new class."""
    if not name.strip():
        raise UserError(f"--background '{name}': found a blank name; give one such as background")
    if any(isinstance(entry, dict) and entry.get("name") == name for entry in entries):
        raise UserError(
            f"--background {name}: a class of {where} or --stuff_classes already has this name; "
            "expected that of a new class. Choose another name"
        )
