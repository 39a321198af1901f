"""Where pictures with panoptic truth come from: one class for each layout on disk.

A source translates; it does not judge pictures: `examine` does that, in other processes, with the
work items that a source hands out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from maskconver_tf.data.categories import Categories
from maskconver_tf.data.findings import Finding, Problem, listed
from maskconver_tf.data.json_file import brief, read_json
from maskconver_tf.data.pictures import UnreadablePicture, bits_per_channel, open_picture
from maskconver_tf.errors import UserError
from maskconver_tf.types import PAD_ID


class SourceSegment(NamedTuple):
    """A segment as its source lists it.

    Attributes:
      id: its value in the id map.
      class_id: contiguous class id; `PAD_ID` where a finding says that the category is unknown.
      is_thing, is_crowd: of which kind it is.
    """

    id: int
    class_id: int
    is_thing: bool
    is_crowd: bool


class Refused(Exception):
    """A picture that cannot be used; carries the findings that say why."""

    def __init__(self, *findings: Finding):
        super().__init__(*findings)
        self.findings = findings


class WorkItem(Protocol):
    """One picture of a source: small, to be sent to another process and opened there.

    Attributes:
      name: by which the source knows the picture.
      image_id: the source's id.
      image_file, map_file: what messages call the picture and its id map.
      size: width and height the source says it has, or None.
      segments: its segments, each id once.
      findings: what the source found wrong with it so far.
    """

    name: str
    image_id: int | str
    image_file: str
    map_file: str
    size: tuple[int, int] | None
    segments: tuple[SourceSegment, ...]
    findings: tuple[Finding, ...]

    def read_image(self) -> bytes:
        """The encoded picture; raises `Refused`."""

    def read_ids(self) -> np.ndarray:
        """int32 `[h, w]`: source segment ids, 0 for void; raises `Refused`."""


class Source(Protocol):
    """Pictures with panoptic truth.

    Attributes:
      where: what messages call it.
      description: goes into dataset.json.
      categories: its class list.
      items: its pictures, in an order that never changes.
      findings: what is wrong with entries that make no work item.
    """

    where: str
    description: dict[str, str]
    categories: Categories
    items: Sequence[WorkItem]
    findings: Sequence[Finding]


# ---- COCO panoptic -------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class CocoItem:
    """A picture of `CocoPanoptic`; see `WorkItem`."""

    name: str
    image_id: int | str
    image_file: str
    map_file: str
    size: tuple[int, int] | None
    segments: tuple[SourceSegment, ...]
    findings: tuple[Finding, ...]

    def read_image(self) -> bytes:
        return self._read(self.image_file, Problem.IMAGE_MISSING, Problem.IMAGE_UNREADABLE)

    def read_ids(self) -> np.ndarray:
        encoded = self._read(self.map_file, Problem.MAP_MISSING, Problem.MAP_UNREADABLE)
        try:
            picture = open_picture(encoded, ("PNG",))
        except UnreadablePicture as error:
            raise self._refusal(self.map_file, Problem.MAP_UNREADABLE, str(error)) from None
        bits = bits_per_channel(encoded, picture)
        # A palette is what lossless PNG optimizers make of few colors: it gives the same RGB.
        if picture.mode not in ("RGB", "RGBA", "P") or bits != 8:
            found = f"mode {picture.mode}, {bits} bits a channel"
            raise self._refusal(self.map_file, Problem.MAP_MODE, found)
        channels = np.asarray(picture.convert("RGB")).astype(np.int32)
        return channels[..., 0] | channels[..., 1] << 8 | channels[..., 2] << 16

    def _read(self, file: str, missing: Problem, unreadable: Problem) -> bytes:
        try:
            return Path(file).read_bytes()
        except FileNotFoundError:
            raise self._refusal(file, missing, "does not exist") from None
        except OSError as error:
            raise self._refusal(file, unreadable, str(error.strerror)) from None

    def _refusal(self, file: str, problem: Problem, found: str) -> Refused:
        return Refused(Finding(self.name, file, problem, found))


class CocoPanoptic:
    """A folder of pictures, a folder of RGB id maps and one JSON file, as COCO has it.

    https://cocodataset.org/#format-data, section 4. Pictures come in the order of `annotations`.
    See `Source` for the attributes.
    """

    def __init__(self, images: Path, panoptic: Path, annotations: Path):
        """Raises `UserError` where a folder is missing or the JSON file is of another kind."""
        for folder, what in ((images, "pictures"), (panoptic, "panoptic PNG files")):
            if not folder.is_dir():
                raise UserError(f"{folder}: not a folder; expected the folder of {what}.")
        self.where = str(annotations)
        self.description = {"layout": "coco_panoptic", "annotations": annotations.name}
        content = _read_annotations(annotations)
        self.categories = Categories.from_coco(content["categories"], self.where)
        self.findings: list[Finding] = []
        pictures = self._by_image_id(content["images"], "images", "id")
        truths = self._by_image_id(content["annotations"], "annotations", "image_id")
        self._note_unpaired(pictures, truths, Problem.NO_ANNOTATION)
        self._note_unpaired(truths, pictures, Problem.NO_IMAGE)
        self.items = [
            self._item(pictures[image_id][0], truth, images, panoptic)
            for image_id, [truth, *more] in truths.items()
            if not more and len(pictures.get(image_id, [])) == 1
        ]

    def _by_image_id(self, entries: list, key: str, id_key: str) -> dict[int | str, list[dict]]:
        """The entries of each image id; notes malformed ones and ids that come twice."""
        found: dict[int | str, list[dict]] = {}
        for i, entry in enumerate(entries):
            if _is_entry(entry, id_key):
                found.setdefault(entry[id_key], []).append(entry)
            else:
                self._note(f"{key}[{i}]", Problem.MALFORMED_ENTRY, f"{key}[{i}] is {brief(entry)}")
        for image_id, [entry, *more] in found.items():
            if more:
                note = f"{key} has {1 + len(more)} entries of {id_key} {image_id!r}"
                self._note(entry["file_name"], Problem.REPEATED_ENTRY, note)
        return found

    def _note_unpaired(self, these: dict, others: dict, problem: Problem) -> None:
        for image_id, [entry, *_] in these.items():
            if image_id not in others:
                note = f"image id {image_id!r} ({entry['file_name']})"
                self._note(entry["file_name"], problem, note)

    def _note(self, picture: str, problem: Problem, found: str) -> None:
        self.findings.append(Finding(picture, self.where, problem, found))

    def _item(self, picture: dict, truth: dict, images: Path, panoptic: Path) -> CocoItem:
        name = picture["file_name"]
        segments, problems = _segments(truth["segments_info"], self.categories)
        return CocoItem(
            name=name,
            image_id=picture["id"],
            image_file=str(images / name),
            map_file=str(panoptic / truth["file_name"]),
            size=(picture["width"], picture["height"]) if _has_size(picture) else None,
            segments=segments,
            findings=tuple(
                Finding(name, self.where, problem, f"{name}: {found}")
                for problem, found in problems
            ),
        )


_KEYS = {"images": "id", "annotations": "image_id", "categories": "id"}
"""Lists of an annotations file, and a key of their entries."""


def _read_annotations(path: Path) -> dict[str, list]:
    """The content of a COCO panoptic file; `UserError` where the file as a whole is another."""
    content = read_json(path, "the annotations file")
    if not isinstance(content, dict) or any(not isinstance(content.get(k), list) for k in _KEYS):
        found = (
            listed(list(content)) if isinstance(content, dict) else f"a {type(content).__name__}"
        )
        raise UserError(
            f"{path}: found {found or 'nothing'}; expected an object with the lists "
            f"{listed(list(_KEYS))}, as COCO's panoptic_*.json."
        )
    for key in ("images", "annotations"):
        if not content[key]:
            raise UserError(
                f"{path}: the list {key} is empty; expected an entry for each picture. COCO's test "
                "files have no annotations: use a train or val file."
            )
    _check_is_panoptic(path, content["annotations"][0])
    return content


def _check_is_panoptic(path: Path, annotation: Any) -> None:
    """Refuses COCO's other kinds of annotations, which look alike up to here."""
    if not isinstance(annotation, dict) or "segments_info" in annotation:
        return
    kind = "instances" if "segmentation" in annotation else "another kind"
    raise UserError(
        f"{path}: annotations have {listed(list(annotation))} and no segments_info: it looks like "
        f"COCO {kind}; expected a COCO panoptic file, such as panoptic_val2017.json."
    )


def _is_entry(entry: Any, id_key: str) -> bool:
    """Whether an entry of `images` (`id`) or `annotations` (`image_id`) has what it needs."""
    return (
        isinstance(entry, dict)
        and type(entry.get(id_key)) in (int, str)
        and isinstance(entry.get("file_name"), str)
        and (id_key == "id" or isinstance(entry.get("segments_info"), list))
    )


def _has_size(picture: dict) -> bool:
    return "width" in picture and "height" in picture


def _segments(
    listed_segments: list, categories: Categories
) -> tuple[tuple[SourceSegment, ...], list[tuple[Problem, str]]]:
    """The usable entries of a `segments_info` list, and what is wrong with the others."""
    segments: dict[int, SourceSegment] = {}
    problems = []
    for info in listed_segments:
        if not _is_segment(info):
            problems.append((Problem.MALFORMED_ENTRY, f"segment {brief(info)}"))
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
    is_crowd = bool(info.get("iscrowd", 0))
    return SourceSegment(info["id"], class_id, categories[class_id].isthing, is_crowd)


def _is_segment(info: Any) -> bool:
    return (
        isinstance(info, dict)
        and type(info.get("id")) is int
        and 0 < info["id"] < 2**24
        and type(info.get("category_id")) is int
        and info.get("iscrowd", 0) in (0, 1)
    )
