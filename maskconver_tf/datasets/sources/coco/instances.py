"""COCO's instances layout: polygons and run lengths, with or without a PNG of stuff."""

from __future__ import annotations

import array
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.sources.coco.annotation_file import (
    EntriesById,
    has_id,
    is_image,
    picture_size,
    scan_coco,
)
from maskconver_tf.datasets.sources.label_pictures.label_png import read_labels
from maskconver_tf.datasets.sources.label_pictures.label_segments import class_map
from maskconver_tf.datasets.sources.lazy_items import LazyItems
from maskconver_tf.datasets.sources.source import (
    FileItem,
    Refused,
    SourceSegment,
    Truth,
    check_folder,
)
from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import brief
from maskconver_tf.files.json_lists import Element, Places
from maskconver_tf.types import PAD_ID

_FARTHEST = 1_000_000
"""From the picture's corner that a point may be: pycocotools crashes on the farthest."""


@dataclasses.dataclass(frozen=True)
class InstancesItem(FileItem):
    """A picture of `CocoInstances`.

    Attributes:
      shapes: segment and COCO `segmentation` of each annotation.
      stuff_file: PNG of stuff, or None.
      background: class id of pixels that nothing else has, or None for void.
    """

    shapes: tuple[tuple[SourceSegment, Any], ...] = ()
    stuff_file: str | None = None
    categories: Categories = dataclasses.field(kw_only=True)
    background: int | None = None

    def read_truth(self) -> Truth:
        if self.size is None:
            raise Refused()  # A finding says so already.
        segments, ids, num_hidden = self._paint()
        class_ids = np.full(ids.shape, PAD_ID)
        if self.stuff_file is not None:
            class_ids = self._read_stuff(ids)
        if self.background is not None:
            class_ids = np.where(class_ids == PAD_ID, self.background, class_ids)
        next_id = max([0, *(segment.id for segment, _ in self.shapes)]) + 1
        free = ids == 0
        for class_id in np.unique(class_ids[free]).tolist():
            if class_id != PAD_ID:
                ids[free & (class_ids == class_id)] = next_id
                segments.append(SourceSegment(next_id, class_id, False, False))
                next_id += 1
        return Truth(ids, tuple(segments), num_hidden)

    def _paint(self) -> tuple[list[SourceSegment], np.ndarray, int]:
        """Crowds below, then the largest first, so that small things lie on top of large ones."""
        width, height = self.size
        shapes = [(segment, self._mask(segmentation)) for segment, segmentation in self.shapes]
        ids = np.zeros([height, width], np.int64)
        for segment, mask in sorted(shapes, key=lambda s: (not s[0].is_crowd, -s[1].sum())):
            ids[mask] = segment.id
        present = set(np.unique(ids).tolist())
        segments = [segment for segment, _ in shapes if segment.id in present]
        return segments, ids, len(shapes) - len(segments)

    def _mask(self, segmentation: Any) -> np.ndarray:
        """bool `[h, w]` of polygons or run lengths, compressed or not; raises `Refused`."""
        from pycocotools import mask as coco_mask

        width, height = self.size
        try:
            if isinstance(segmentation, dict):
                if list(segmentation["size"]) != [height, width]:
                    raise ValueError(f"size {segmentation['size']}, not [{height}, {width}]")
                runs = _run_lengths(segmentation["counts"])
                if sum(runs) != height * width:
                    raise ValueError(f"runs add up to {sum(runs)} pixels")
                runs = {"size": [height, width], "counts": runs}
                return coco_mask.decode(coco_mask.frPyObjects(runs, height, width)).astype(bool)
            polygons = [_checked_polygon(polygon) for polygon in segmentation]
            if not polygons:
                raise ValueError("no polygon: a box alone says not which pixels are meant")
            return coco_mask.decode(
                coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
            ).astype(bool)
        except (KeyError, TypeError, ValueError) as error:
            found = f"{self.name}: segmentation {brief(segmentation)} ({error})"
            raise self.refusal(self.map_file, Problem.SHAPE, found) from None

    def _read_stuff(self, ids: np.ndarray) -> np.ndarray:
        """Contiguous class of stuff `[h, w]`; a thing's label is `PAD_ID`: instances tell those."""
        labels = read_labels(self, self.stuff_file)
        self.check_shape(self.stuff_file, labels, ids, "the annotations")
        class_ids = class_map(self, self.stuff_file, labels, self.categories, (0, 255))
        is_thing = np.append(self.categories.is_thing, True)[class_ids]
        return np.where(is_thing, PAD_ID, class_ids)


def _checked_polygon(polygon: Any) -> list[float]:
    if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
        raise ValueError("a polygon is a list of at least three x, y pairs")
    if not all(type(x) in (int, float) and abs(x) <= _FARTHEST for x in polygon):
        raise ValueError(f"a polygon's numbers are within {_FARTHEST} pixels")
    return polygon


def _run_lengths(counts: list[int] | str) -> list[int]:
    """Run lengths of either form; pycocotools makes up pixels of those that are none.

    A compressed one is a number of five bits a character, the lowest first, of which the last says
    the sign; from the fourth run on it is the difference to the run before the last.
    """
    if not isinstance(counts, str):
        runs = counts
    else:
        runs, value, shift = [], 0, 0
        for code in counts.encode():
            value |= (code - 48 & 31) << shift
            shift += 5
            if code - 48 < 32:
                value -= (code - 48 & 16) << shift - 4
                runs.append(value + runs[-2] if len(runs) > 2 else value)
                value = shift = 0
        if shift:
            raise ValueError("the last run is cut short")
    if not all(type(run) is int and run >= 0 for run in runs):
        raise ValueError("runs are whole numbers, 0 or more")
    return runs


class CocoInstances:
    """A folder of pictures and COCO's instances_*.json; stuff comes as PNG files or not at all.

    Where instances overlap the smaller lies on top, and crowds lie below all; what others cover
    wholly is counted as hidden. Stuff fills what no instance has, from a PNG of category ids with
    the picture's name; `background` names a class for what then is left, which otherwise is void
    and teaches a model nothing. A picture without annotations is all stuff, background or void. See
    `Source`.
    """

    def __init__(
        self,
        images: Path,
        annotations: Path,
        stuff: Path | None = None,
        stuff_classes: Path | None = None,
        background: str | None = None,
    ):
        """Raises `UserError` where a folder is missing or a file of another kind."""
        check_folder(images, "the folder of pictures")
        if stuff is not None:
            check_folder(stuff, "the folder of stuff PNG files")
        if (stuff is None) != (stuff_classes is None):
            raise UserError("--stuff and --stuff_classes: give both or neither.")
        self.where = str(annotations)
        self.description = {"layout": "coco_instances", "annotations": annotations.name}
        self._folders = images, stuff
        self._pictures = EntriesById(annotations, "images", "id", is_image)
        self._shapes = _ShapesByPicture(annotations)
        listed_things = scan_coco(annotations, "instances", self._pictures.add, self._shapes.add)
        self.categories = _categories(listed_things, self.where, stuff_classes, background)
        self._background = None if background is None else len(self.categories) - 1
        self._pictures.note_repeated()
        self.findings = self._pictures.findings + self._shapes.findings
        self.findings += self._shapes.without(self._pictures)
        self._usable = [i for i in self._pictures if self._pictures.is_single(i)]
        self.items = LazyItems(len(self._usable), self._item)

    def _item(self, index: int) -> InstancesItem:
        picture = self._pictures.read(self._usable[index])
        name = picture["file_name"]
        images, stuff = self._folders
        shapes, problems = _read_shapes(self._shapes.of(picture["id"]), self.categories)
        size = picture_size(picture)
        if not all(type(side) is int and side > 0 for side in size or [None]):
            problems.append((Problem.MALFORMED_ENTRY, f"width and height {size}"))
            size = None
        return InstancesItem(
            name=name,
            image_id=picture["id"],
            image_file=str(images / name),
            map_file=self.where,
            size=size,
            findings=tuple(
                Finding(name, self.where, problem, f"{name}: {found}")
                for problem, found in problems
            ),
            shapes=tuple(shapes),
            stuff_file=None if stuff is None else str((stuff / name).with_suffix(".png")),
            categories=self.categories,
            background=self._background,
        )


class _ShapesByPicture:
    """Where the annotations of each picture lie in the file.

    Attributes:
      findings: malformed annotations.
    """

    def __init__(self, path: Path):
        self.findings: list[Finding] = []
        self._where = str(path)
        self._places = Places(path)
        self._numbers: dict[int | str, int] = {}  # Image id -> its number here.
        self._owners = array.array("q")  # Of each annotation: an image's number, or -1.
        self._order: np.ndarray | None = None

    def add(self, element: Element) -> None:
        if isinstance(element.value, dict) and "segments_info" in element.value:
            raise UserError(
                f"{self._where}: annotations have segments_info: it looks like COCO panoptic; "
                "expected COCO instances. Build with --source coco_panoptic."
            )
        number = self._places.add(element)
        if has_id(element.value, "image_id") and "segmentation" in element.value:
            image_id = element.value["image_id"]
            self._owners.append(self._numbers.setdefault(image_id, len(self._numbers)))
        else:
            name = f"annotations[{number}]"
            found = f"{name} is {brief(element.value)}"
            self.findings.append(Finding(name, self._where, Problem.MALFORMED_ENTRY, found))
            self._owners.append(-1)

    def without(self, pictures: EntriesById) -> list[Finding]:
        """Findings for image ids that no image has."""
        return [
            Finding(f"image id {i!r}", self._where, Problem.NO_IMAGE, f"image id {i!r}")
            for i in self._numbers
            if i not in pictures
        ]

    def of(self, image_id: int | str) -> list[dict]:
        """The annotations of a picture, in the file's order."""
        if self._order is None:
            owners = np.array(self._owners, np.int64)
            self._order = np.argsort(owners, kind="stable")
            self._sorted = owners[self._order]
        number = self._numbers.get(image_id)
        if number is None:
            return []
        start, stop = np.searchsorted(self._sorted, [number, number + 1])
        return [self._places.read(i) for i in self._order[start:stop].tolist()]


def _read_shapes(
    annotations: Sequence[dict], categories: Categories
) -> tuple[list[tuple[SourceSegment, Any]], list[tuple[Problem, str]]]:
    """The usable annotations of a picture, and what is wrong with the others."""
    shapes, problems, seen = [], [], set()
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
            found = f"annotation id {segment_id} has iscrowd {brief(is_crowd)}"
            problems.append((Problem.MALFORMED_ENTRY, found))
            continue
        kind = categories[class_id].isthing, bool(is_crowd)
        segment = SourceSegment(segment_id, class_id, *kind)
        shapes.append((segment, entry["segmentation"]))
    return shapes, problems


def _categories(
    things: list[Any], where: str, stuff_classes: Path | None, background: str | None
) -> Categories:
    """Things of the annotations, then stuff, then the background."""
    entries = [{"isthing": 1} | e if isinstance(e, dict) else e for e in things]
    if stuff_classes is not None:
        stuff = Categories.load(stuff_classes)
        if stuff.is_thing.any():
            raise UserError(
                f"{stuff_classes}: {stuff.names[int(stuff.is_thing.argmax())]} has isthing 1; "
                "expected stuff alone: things are in the annotations."
            )
        entries += stuff.to_coco()
    if background is not None:
        known = [e["id"] for e in entries if isinstance(e, dict) and type(e.get("id")) is int]
        entries.append({"id": max([0, *known]) + 1, "name": background, "isthing": 0})
    return Categories.from_coco(entries, where)
