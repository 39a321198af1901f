"""Reads COCO's panoptic layout: pictures, RGB id maps and one JSON file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem, shortened_list
from maskconver_tf.datasets.sources.coco.coco_json import EntriesById, scan_coco_json
from maskconver_tf.datasets.sources.coco.entries import (
    FILE_NAME,
    IMAGE,
    Field,
    id_field,
    listed_size,
    loose_id,
    what_is_wrong,
    wrong_size,
)
from maskconver_tf.datasets.sources.label_pictures.label_png import read_id_map
from maskconver_tf.datasets.sources.lazy_pictures import LazyPictures
from maskconver_tf.datasets.sources.source import (
    FilePicture,
    PanopticTruth,
    SourceSegment,
    check_folder,
)
from maskconver_tf.errors import UserError, short_repr
from maskconver_tf.files.json_lists import ListElement
from maskconver_tf.types import PAD_ID


@dataclasses.dataclass(frozen=True)
class CocoPanopticPicture(FilePicture):
    """A picture of `CocoPanoptic`; see `SourcePicture`.

    Attributes:
      segments: the usable segments.
      num_listed: number of segments that the file lists, usable or not.
    """

    segments: tuple[SourceSegment, ...] = ()
    num_listed: int = 0

    def read_ids(self) -> np.ndarray:
        """Returns int32 `[h, w]`, source segment ids, 0 for void; raises `UnusablePicture`."""
        return read_id_map(self, self.map_file)

    def read_truth(self) -> PanopticTruth:
        return PanopticTruth(self.read_ids(), self.segments)


class CocoPanoptic:
    """A folder of pictures, a folder of RGB id maps and one JSON file. See `Source`.

    The format is section 4 of https://cocodataset.org/#format-data. Pictures come in the order of
    `annotations`. The stuff segments of one class in a picture are merged into one segment.
    """

    def __init__(self, images: Path, panoptic: Path, annotations: Path):
        """Raises `UserError` if a folder is missing or the JSON is not a panoptic file."""
        check_folder(images, "the folder of pictures")
        check_folder(panoptic, "the folder of panoptic PNG files")
        self.where = str(annotations)
        self.description = {"layout": "coco_panoptic", "annotations": annotations.name}
        self.num_listed_segments = 0  # In the whole file, also of entries without a picture.
        self._folders = images, panoptic
        self._images = EntriesById(annotations, "images", "id", IMAGE)
        self._annotations = EntriesById(annotations, "annotations", "image_id", _TRUTH)
        categories = scan_coco_json(annotations, "panoptic", self._images.add, self._add_truth)
        self.categories = Categories.from_coco(categories, self.where)
        for entries in (self._images, self._annotations):
            entries.note_repeated()
        self._images.note_without(self._annotations, Problem.NO_ANNOTATION)
        self._annotations.note_without(self._images, Problem.NO_IMAGE)
        self.findings = self._images.findings + self._annotations.findings
        self._usable = [
            i
            for i in self._annotations
            if self._annotations.is_single(i) and self._images.is_single(i)
        ]
        self.pictures = LazyPictures(len(self._usable), self._picture)

    def known_files(self) -> set[str]:
        """Returns the paths of all files that an entry names, whether it is usable or not."""
        images, panoptic = self._folders
        pictures = {str(images / self.picture_name(self._images.read(i))) for i in self._images}
        maps = {str(panoptic / self._annotations.read(i)["file_name"]) for i in self._annotations}
        half_known = {
            str(folder / str(entry.get("file_name")))
            for folder, entries in ((images, self._images), (panoptic, self._annotations))
            for entry in entries.malformed
        }
        return pictures | maps | half_known

    def stored_files(self) -> set[str]:
        """Returns the paths of all files in the two folders, except hidden ones."""
        files = (path for folder in self._folders for path in folder.rglob("*"))
        return {str(path) for path in files if path.is_file() and not path.name.startswith(".")}

    def picture_name(self, picture: dict) -> str:
        """Returns the path of a picture, relative to the folder of pictures."""
        return picture["file_name"]

    def _add_truth(self, element: ListElement) -> None:
        _check_is_panoptic(self.where, element.value)
        self._annotations.add(element)
        listed = element.value.get("segments_info") if isinstance(element.value, dict) else None
        self.num_listed_segments += len(listed) if isinstance(listed, list | dict) else 0

    def _picture(self, index: int) -> CocoPanopticPicture:
        image_id = self._usable[index]
        picture, truth = self._images.read(image_id), self._annotations.read(image_id)
        name = self.picture_name(picture)
        segments, problems = read_segments(truth["segments_info"], self.categories)
        size = listed_size(picture)
        if size is not None and wrong_size(picture) is not None:
            problems.append((Problem.MALFORMED_ENTRY, str(wrong_size(picture))))
            size = None
        images, panoptic = self._folders
        return CocoPanopticPicture(
            name=name,
            image_id=picture["id"],
            image_file=str(images / name),
            map_file=str(panoptic / truth["file_name"]),
            size=size,
            segments=segments,
            num_listed=len(truth["segments_info"]),
            findings=tuple(
                Finding(name, self.where, problem, f"{name}: {found}")
                for problem, found in problems
            ),
        )


def _check_is_panoptic(where: str, annotation: Any) -> None:
    """Raises `UserError` for an annotation of COCO's instances files."""
    if not isinstance(annotation, dict) or "segments_info" in annotation:
        return
    if "segmentation" not in annotation:
        return
    raise UserError(
        f"{where}: an annotation has {shortened_list(list(annotation))} but no segments_info, as "
        "in COCO's instances files; expected a COCO panoptic file, such as panoptic_val2017.json. "
        "To read an instances file, give --source coco_instances"
    )


_TRUTH = (
    id_field("image_id"),
    FILE_NAME,
    Field("segments_info", lambda value: isinstance(value, list), "a list"),
)
"""Fields of an entry of `annotations`."""

_SEGMENT_ID = Field(
    "id", lambda v: type(v) is int and 0 < v < 2**24, "a whole number from 1 to 16777215"
)
_SEGMENT = (_SEGMENT_ID, Field("category_id", lambda v: type(v) is int, "a whole number"))
"""Fields of an entry of `segments_info`."""

_IS_CROWD = Field("iscrowd", lambda v: v in (0, 1), "the number 0 or 1")
"""A field that an entry of `segments_info` may have."""


def read_segments(
    listed_segments: list, categories: Categories
) -> tuple[tuple[SourceSegment, ...], list[tuple[Problem, str]]]:
    """Returns the usable entries of a `segments_info` list, and the problems of the others."""
    segments: dict[int, SourceSegment] = {}
    problems = []
    for info in listed_segments:
        wrong = _wrong_segment(info)
        if wrong is not None:
            found = f"segment {short_repr(info)}: {wrong}"
            problems.append((Problem.MALFORMED_ENTRY, found))
            segment_id = _meant_id(info)
            if segment_id is not None:  # Otherwise its pixels would be reported as unlisted too.
                segments[segment_id] = SourceSegment(segment_id, PAD_ID, True, False)
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


def _meant_id(info: Any) -> int | None:
    """Returns the id that a malformed entry means, perhaps in another type; None if it has none."""
    text = loose_id(info.get("id")) if isinstance(info, dict) else None
    segment_id = int(text) if text is not None and text.isdecimal() else 0
    return segment_id if 0 < segment_id < 2**24 else None


def _wrong_segment(info: Any) -> str | None:
    """Says what is wrong with an entry of `segments_info`, None if it is good."""
    wrong = what_is_wrong(info, _SEGMENT)
    return what_is_wrong({"iscrowd": 0} | info, [_IS_CROWD]) if wrong is None else wrong
