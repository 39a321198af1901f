"""What can be wrong with a dataset's pictures, and the report a user reads about it."""

from __future__ import annotations

import dataclasses
import enum
import itertools
from collections.abc import Iterable, Sequence

_SHOWN_PER_PROBLEM = 5
"""Findings of one kind that a report lists; the others are counted."""


class Problem(enum.Enum):
    """A kind of finding: its title, what is expected instead, and the way out."""

    MALFORMED_ENTRY = (
        "malformed entry in the annotations",
        "an image has id and file_name, for instances width and height too; a panoptic annotation "
        "has image_id, file_name and segments_info; a segment has an id from 1 to 16777215, a "
        "category_id and perhaps iscrowd, 0 or 1; an instance has image_id, category_id, "
        "segmentation and perhaps iscrowd",
        "correct the entry",
    )
    REPEATED_ENTRY = (
        "two entries of one image id",
        "one entry under images and one under annotations for each picture",
        "remove the one that is wrong",
    )
    NO_ANNOTATION = (
        "image without annotation",
        "an entry under annotations with its id as image_id",
        "add the annotation (segments_info [] and an all-zero PNG if all of it is unlabeled) or "
        "remove the image",
    )
    NO_IMAGE = (
        "annotation without image",
        "an entry under images with its image_id as id",
        "add the image or remove the annotation",
    )
    NO_PICTURE = (
        "truth without picture",
        "a picture of the same name",
        "add the picture or remove the file",
    )
    IMAGE_MISSING = (
        "picture missing",
        "a file there: the folder of pictures and the picture's name",
        "fetch the file, or correct the folder or the name",
    )
    MAP_MISSING = (
        "truth PNG missing",
        "a file there: the folder of truth and the name that goes with the picture",
        "fetch the file, or correct the folder or the name",
    )
    IMAGE_UNREADABLE = (
        "picture unreadable",
        "a whole picture, JPEG or PNG",
        "fetch the file again",
    )
    IMAGE_DEPTH = (
        "picture with more than 16 bits a channel",
        "8 or 16 bits a channel, whose range is known",
        "save it as 8-bit RGB",
    )
    MAP_UNREADABLE = (
        "truth PNG unreadable",
        "a whole PNG file",
        "fetch the file again",
    )
    MAP_MODE = (
        "panoptic PNG that is not RGB",
        "an 8-bit RGB PNG in which segment id = R + 256 G + 65536 B",
        "save the ids as RGB",
    )
    LABEL_MODE = (
        "PNG that holds no labels",
        "gray of 8 or 16 bits, a palette, or 8-bit RGB where label = R + 256 G + 65536 B",
        "save the labels as such a PNG",
    )
    CHANNELS = (
        "PNG without the channels named",
        "an 8-bit RGB or RGBA PNG that has the channels of class and instance",
        "name other channels, or save it as RGB",
    )
    UNKNOWN_LABEL = (
        "label that is no class",
        "ids of the class list and values for void alone",
        "add the class to the list or correct the PNG; png_folders and two_channel take --void_ids",
    )
    SHAPE = (
        "malformed segmentation",
        "polygons [[x, y, x, y, x, y, ...], ...] or run lengths of the picture's size",
        "correct the annotation",
    )
    SIZE = (
        "sizes that differ",
        "one size, width x height, in picture, truth and annotations",
        "find out which is wrong and correct it",
    )
    TOO_SMALL = (
        "picture too small",
        "at least 4 pixels a side",
        "remove it",
    )
    ORIENTATION = (
        "EXIF orientation that could be meant or not",
        "a panoptic PNG whose size tells whether it follows the stored or the upright picture",
        "save the picture as the panoptic PNG has it, without the orientation tag",
    )
    UNKNOWN_CATEGORY = (
        "unknown category",
        "a category_id that is an id under categories",
        "add the category or correct the segment",
    )
    REPEATED_SEGMENT = (
        "segment id listed twice",
        "each id once in segments_info",
        "remove or renumber one",
    )
    STUFF_CROWD = (
        "stuff marked as crowd",
        "iscrowd 1 for things alone",
        "set iscrowd to 0, or isthing of the category to 1",
    )
    NOT_LISTED = (
        "segment painted but not listed",
        "each id in the panoptic PNG except 0 (void) in segments_info",
        "list the segment or paint it 0",
    )
    NOT_PAINTED = (
        "segment listed but not painted",
        "each id in segments_info in the panoptic PNG",
        "remove the segment from the list or paint it",
    )
    TOO_MANY_SEGMENTS = (
        "too many segments",
        "at most 65535 in a picture",
        "cut the picture into smaller ones",
    )
    # What follows spoils no picture by itself; `data check` looks for it and a build does not.
    DAMAGED_SHARD = (
        "shard that is not what the builder wrote",
        "the SHA-256 in dataset.json",
        "copy the shard again or build again",
    )
    EXTENT = (
        "listed area or box that is not the painted one",
        "area and bbox [x, y, width, height] of the pixels that have the segment's id",
        "find out whether list and PNG belong together, then write area and bbox anew",
    )
    STRAY_FILE = (
        "file that no entry names",
        "each file in the folders of pictures and truth in the annotations",
        "add an entry or remove the file",
    )
    DUPLICATE = (
        "picture that is there twice",
        "each picture once",
        "remove one, or both if their truth differs",
    )
    NEAR_DUPLICATE = (
        "picture that is there twice but for its encoding",
        "each picture once",
        "remove one; a validation picture among the training pictures flatters every score",
    )
    CLASS_LISTS = (
        "class lists that differ",
        "the same ids, names and kinds in the same order in training and validation",
        "write one class list for both",
    )
    UNSEEN_CLASS = (
        "class in validation that training never shows",
        "a segment of each class in the training pictures",
        "move pictures between the parts, or leave the class out of the scores",
    )
    TOO_SMALL_SEGMENT = (
        "segment smaller than a cell of the mask grid",
        "at least one cell, mask stride x mask stride pixels of the input",
        "train at a larger input size, or remove the segment",
    )

    def __init__(self, title: str, expected: str, way_out: str):
        self.title = title
        self.expected = expected
        self.way_out = way_out


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one picture.

    Attributes:
      picture: the name by which the source knows the picture.
      file: the file at fault.
      problem: of which kind it is.
      found: what was found, in words.
    """

    picture: str
    file: str
    problem: Problem
    found: str

    def to_json(self) -> dict[str, str]:
        """As dropped.json has it."""
        return {
            "picture": self.picture,
            "file": self.file,
            "finding": f"{self.problem.title}: {self.found}",
            "expected": self.problem.expected,
        }


def report(findings: Iterable[Finding]) -> str:
    """The findings grouped by kind, a few of each named, as indented lines."""
    kinds = list(Problem)
    ordered = sorted(findings, key=lambda finding: kinds.index(finding.problem))
    groups = itertools.groupby(ordered, key=lambda finding: finding.problem)
    return "\n".join(_report_problem(problem, list(group)) for problem, group in groups)


def listed(values: Sequence, limit: int = 5) -> str:
    """`values` as a message can hold them: "3, 8, 12 and 40 more"."""
    shown = ", ".join(str(value) for value in values[:limit])
    return shown if len(values) <= limit else f"{shown} and {len(values) - limit} more"


def _report_problem(problem: Problem, findings: Sequence[Finding]) -> str:
    lines = [f"  {problem.title} ({len(findings)})"]
    lines += [f"    {finding.file}: {finding.found}" for finding in findings[:_SHOWN_PER_PROBLEM]]
    if len(findings) > _SHOWN_PER_PROBLEM:
        lines.append(f"    ... and {len(findings) - _SHOWN_PER_PROBLEM} more")
    lines.append(f"    expected: {problem.expected}")
    lines.append(f"    way out: {problem.way_out}")
    return "\n".join(lines)
