"""COCO's panoptic layout: pictures, RGB id maps and one JSON file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem, listed
from maskconver_tf.datasets.sources.coco.annotation_file import (
    EntriesById,
    has_id,
    is_image,
    picture_size,
    scan_coco,
)
from maskconver_tf.datasets.sources.label_pictures.label_png import read_id_map
from maskconver_tf.datasets.sources.lazy_items import LazyItems
from maskconver_tf.datasets.sources.source import FileItem, SourceSegment, Truth, check_folder
from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import brief
from maskconver_tf.files.json_lists import Element
from maskconver_tf.types import PAD_ID


@dataclasses.dataclass(frozen=True)
class CocoItem(FileItem):
    """A picture of `CocoPanoptic`; see `WorkItem`."""

    segments: tuple[SourceSegment, ...] = ()

    def read_ids(self) -> np.ndarray:
        """int32 `[h, w]`: source segment ids, 0 for void; raises `Refused`."""
        return read_id_map(self, self.map_file)

    def read_truth(self) -> Truth:
        return Truth(self.read_ids(), self.segments)


class CocoPanoptic:
    """A folder of pictures, a folder of RGB id maps and one JSON file, as COCO has it.

    https://cocodataset.org/#format-data, section 4. Pictures come in the order of `annotations`.
    Stuff segments of one class in one picture become one. See `Source` for the attributes.
    """

    def __init__(self, images: Path, panoptic: Path, annotations: Path):
        """Raises `UserError` where a folder is missing or the JSON file is of another kind."""
        check_folder(images, "the folder of pictures")
        check_folder(panoptic, "the folder of panoptic PNG files")
        self.where = str(annotations)
        self.description = {"layout": "coco_panoptic", "annotations": annotations.name}
        self._folders = images, panoptic
        self._pictures = EntriesById(annotations, "images", "id", is_image)
        self._truths = EntriesById(annotations, "annotations", "image_id", _is_truth)
        categories = scan_coco(annotations, "panoptic", self._pictures.add, self._add_truth)
        self.categories = Categories.from_coco(categories, self.where)
        for entries in (self._pictures, self._truths):
            entries.note_repeated()
        self._pictures.note_without(self._truths, Problem.NO_ANNOTATION)
        self._truths.note_without(self._pictures, Problem.NO_IMAGE)
        self.findings = self._pictures.findings + self._truths.findings
        self._usable = [
            i for i in self._truths if self._truths.is_single(i) and self._pictures.is_single(i)
        ]
        self.items = LazyItems(len(self._usable), self._item)

    def known_files(self) -> set[str]:
        """Files that entries name, usable or not."""
        images, panoptic = self._folders
        pictures = {str(images / self.picture_name(self._pictures.read(i))) for i in self._pictures}
        maps = {str(panoptic / self._truths.read(i)["file_name"]) for i in self._truths}
        half_known = {
            str(folder / str(entry.get("file_name")))
            for folder, entries in ((images, self._pictures), (panoptic, self._truths))
            for entry in entries.malformed
        }
        return pictures | maps | half_known

    def stored_files(self) -> set[str]:
        """Files that lie in its folders."""
        files = (path for folder in self._folders for path in folder.rglob("*"))
        return {str(path) for path in files if path.is_file() and not path.name.startswith(".")}

    def picture_name(self, picture: dict) -> str:
        """Path of a picture in its folder."""
        return picture["file_name"]

    def _add_truth(self, element: Element) -> None:
        _check_is_panoptic(self.where, element.value)
        self._truths.add(element)

    def _item(self, index: int) -> CocoItem:
        image_id = self._usable[index]
        picture, truth = self._pictures.read(image_id), self._truths.read(image_id)
        name = self.picture_name(picture)
        segments, problems = read_segments(truth["segments_info"], self.categories)
        images, panoptic = self._folders
        return CocoItem(
            name=name,
            image_id=picture["id"],
            image_file=str(images / name),
            map_file=str(panoptic / truth["file_name"]),
            size=picture_size(picture),
            segments=segments,
            findings=tuple(
                Finding(name, self.where, problem, f"{name}: {found}")
                for problem, found in problems
            ),
        )


def _check_is_panoptic(where: str, annotation: Any) -> None:
    """Refuses COCO's other kinds of annotations, which look alike up to here."""
    if not isinstance(annotation, dict) or "segments_info" in annotation:
        return
    if "segmentation" not in annotation:
        return
    raise UserError(
        f"{where}: annotations have {listed(list(annotation))} and no segments_info: it looks like "
        "COCO instances; expected a COCO panoptic file, such as panoptic_val2017.json. For "
        "instances there is --source coco_instances."
    )


def _is_truth(entry: Any) -> bool:
    return (
        has_id(entry, "image_id")
        and isinstance(entry.get("file_name"), str)
        and isinstance(entry.get("segments_info"), list)
    )


def read_segments(
    listed_segments: list, categories: Categories
) -> tuple[tuple[SourceSegment, ...], list[tuple[Problem, str]]]:
    """The usable entries of a `segments_info` list, and what is wrong with the others."""
    segments: dict[int, SourceSegment] = {}
    problems = []
    for info in listed_segments:
        if not _is_segment(info):
            problems.append((Problem.MALFORMED_ENTRY, f"segment {brief(info)}"))
            if _has_segment_id(info):  # Else its pixels would be found not to be listed.
                segments[info["id"]] = SourceSegment(info["id"], PAD_ID, True, False)
            continue
        if info["id"] in segments:
            problems.append((Problem.REPEATED_SEGMENT, f"segment id {info['id']}"))
        segment = _segment(info, categories)
        if segment.class_id == PAD_ID:
            found = f"segment id {info['id']} has category_id {info['category_id']}"
            problems.append((Problem.UNKNOWN_CATEGORY, found))
        segments[segment.id] = segment
    return tuple(segments.values()), problems


def _segment(info: dict, categories: Categories) -> SourceSegment:
    try:
        class_id = categories.class_id_of(info["category_id"])
    except KeyError:
        return SourceSegment(info["id"], PAD_ID, is_thing=True, is_crowd=False)
    kind = categories[class_id].isthing, bool(info.get("iscrowd", 0))
    return SourceSegment(info["id"], class_id, *kind, info.get("area"), info.get("bbox"))


def _is_segment(info: Any) -> bool:
    return (
        _has_segment_id(info)
        and type(info.get("category_id")) is int
        and info.get("iscrowd", 0) in (0, 1)
    )


def _has_segment_id(info: Any) -> bool:
    return isinstance(info, dict) and type(info.get("id")) is int and 0 < info["id"] < 2**24
