"""What can be wrong with the pictures of a dataset, and the text that tells the user."""

from __future__ import annotations

import dataclasses
import enum
import itertools
from collections.abc import Iterable, Iterator, Sequence

from maskconver_tf.files.encoded_pictures.pixel_limit import LARGEST_MAX_PIXELS, MAX_PIXELS

_SHOWN_PER_PROBLEM = 5
"""Findings of one kind that the text lists; it only counts the others."""


class Problem(enum.Enum):
    """A kind of finding: its title, what is expected instead, and what to do."""

    MALFORMED_ENTRY = (
        "malformed entry in the annotations",
        "entries with the fields of COCO's files and with the types named above; ids are whole "
        "numbers without a decimal point, and image ids may also be text",
        "correct the entry",
    )
    REPEATED_ENTRY = (
        "two entries with the same image id",
        "one entry under images and one under annotations for each picture",
        "remove the wrong entry",
    )
    NO_ANNOTATION = (
        "image without annotation",
        "an entry under annotations whose image_id is the image's id",
        "add the annotation (if nothing is labelled: segments_info [] and an all-zero PNG) or "
        "remove the image",
    )
    NO_IMAGE = (
        "annotation without image",
        "an entry under images whose id is the annotation's image_id",
        "add the image or remove the annotation",
    )
    SHARED_FILE = (
        "file that several images name",
        "one entry under images for each file, with all its annotations",
        "give their annotations one image id and remove the other entries",
    )
    IMAGE_ID_TYPE = (
        "image id written in two ways",
        "the same value of the same type in images (id) and annotations (image_id)",
        "write both as whole numbers, or both as the same text",
    )
    LOST_ANNOTATION = (
        "annotation that names no picture",
        "an image_id that an entry of images has as its id",
        "correct the annotation, add its picture to images, or remove the annotation; --skip_bad "
        "cannot help, because any picture may show the object",
    )
    NO_PICTURE = (
        "truth without picture",
        "a picture with the same name",
        "add the picture or remove the truth file",
    )
    IMAGE_MISSING = (
        "picture missing",
        "a file with this name in the folder of pictures",
        "get the file, or correct the folder or the name",
    )
    MAP_MISSING = (
        "truth PNG missing",
        "a file in the folder of truth with the name that belongs to the picture",
        "get the file, or correct the folder or the name",
    )
    IMAGE_UNREADABLE = (
        "picture unreadable",
        "a complete picture, JPEG or PNG",
        "get the file again",
    )
    IMAGE_DEPTH = (
        "picture whose numbers have no known range",
        "8 or 16 bits per channel without sign, with 0 for black and the largest number for white",
        "scale the numbers so that white is 255, and save it as 8-bit RGB; or build the dataset "
        "with --percentiles 0.1,99.9, which maps them in the build and in predictions",
    )
    IMAGE_CHANNELS = (
        "picture whose channels do not fit",
        "one upright picture with all channels that are wanted",
        "store each picture as a file of its own that has these channels; or name other channels "
        "in the build, such as --channels 0",
    )
    TOO_MANY_PIXELS = (
        "picture with too many pixels",
        f"at most {MAX_PIXELS} pixels, or as many as --max_pixels says, and no side above 1000000",
        f"give --max_pixels N (up to {LARGEST_MAX_PIXELS}) if the memory is large enough, or cut "
        "the picture into smaller pictures",
    )
    MAP_UNREADABLE = (
        "truth PNG unreadable",
        "a complete PNG or TIFF file",
        "get the file again",
    )
    MAP_MODE = (
        "panoptic PNG that is not RGB",
        "an 8-bit RGB PNG in which segment id = R + 256 G + 65536 B",
        "save the ids as RGB",
    )
    LABEL_MODE = (
        "file whose pixels cannot be read as labels",
        "one PNG or TIFF picture: gray of 1, 2, 4, 8 or 16 bits, a palette, or 8-bit RGB where "
        "label = R + 256 G + 65536 B; a TIFF also with whole numbers of 32 bits, 0 to 2147483647. "
        "Not turned, not inverted, not compressed with loss",
        "save the labels as one of these kinds of PNG",
    )
    CHANNELS = (
        "PNG without the given channels",
        "an 8-bit RGB or RGBA PNG that has the channels given for class and instance",
        "give other channels, or save it as RGB",
    )
    UNKNOWN_LABEL = (
        "label that is not in the class list",
        "only ids of the class list and values for void",
        "add the class to the list or correct the PNG; png_folders and two_channel can also treat "
        "the label as void, with --void_ids",
    )
    SHAPE = (
        "malformed segmentation",
        "polygons [[x, y, x, y, x, y, ...], ...] or run lengths with the picture's size",
        "correct the annotation",
    )
    NO_PIXEL = (
        "segmentation without a pixel",
        "polygons or run lengths that cover at least one pixel, x from 0 to the picture's width "
        "and y from 0 to its height, in pixels",
        "correct the coordinates (those from 0 to 1 are shares: multiply x by the width and y by "
        "the height), or remove the annotation",
    )
    SIZE = (
        "sizes that differ",
        "the same size, width x height, in picture, truth and annotations",
        "find the wrong one and correct it",
    )
    TOO_SMALL = (
        "picture too small",
        "at least 4 pixels in height and width",
        "remove the picture",
    )
    ORIENTATION = (
        "EXIF orientation that may or may not apply",
        "a panoptic PNG whose size shows whether it follows the stored or the upright picture",
        "turn the picture so that it matches the panoptic PNG, and save it without the orientation "
        "tag",
    )
    UNKNOWN_CATEGORY = (
        "unknown category",
        "a category_id that is listed under categories",
        "add the category or correct the segment",
    )
    REPEATED_SEGMENT = (
        "segment id listed twice",
        "each id only once in segments_info",
        "remove or renumber one of the segments",
    )
    STUFF_CROWD = (
        "stuff marked as crowd",
        "iscrowd 1 only for things",
        "set iscrowd to 0, or set isthing of the category to 1",
    )
    NOT_LISTED = (
        "segment painted but not listed",
        "each id of the panoptic PNG, except 0 (void), listed in segments_info",
        "list the segment or paint it 0",
    )
    NOT_PAINTED = (
        "segment listed but not painted",
        "each id of segments_info painted in the panoptic PNG",
        "remove the segment from the list or paint it",
    )
    TOO_MANY_SEGMENTS = (
        "too many segments",
        "at most 65535 in a picture",
        "cut the picture into smaller pictures",
    )
    # A picture with one of the following findings can be used. Only `data check` looks for them.
    DAMAGED_SHARD = (
        "shard that differs from what the builder wrote",
        "a file with the SHA-256 that dataset.json lists",
        "copy the shard again or build again",
    )
    EXTENT = (
        "listed area or box that differs from the painted one",
        "area and bbox [x, y, width, height] of the pixels that have the segment's id",
        "make sure that list and PNG belong together, then compute area and bbox again",
    )
    STRAY_FILE = (
        "file that no entry names",
        "an entry in the annotations for each file in the folders of pictures and truth",
        "add an entry or remove the file",
    )
    DUPLICATE = (
        "picture that occurs twice",
        "each picture only once",
        "remove one of them, or both if their truth differs",
    )
    NEAR_DUPLICATE = (
        "picture that occurs twice in different encodings",
        "each picture only once",
        "remove one of them; a validation picture that is also a training picture makes scores too "
        "high",
    )
    CLASS_LISTS = (
        "class lists that differ",
        "the same ids, names and kinds in the same order in training and validation",
        "use one class list for both",
    )
    UNSEEN_CLASS = (
        "validation class that no training picture shows",
        "a segment of each class in the training pictures",
        "move pictures from one part to the other, or leave the class out of the scores",
    )
    TOO_SMALL_SEGMENT = (
        "segment smaller than a cell of the mask grid",
        "at least one cell of mask stride x mask stride pixels at the input size",
        "train at a larger input size, or remove the segment",
    )

    def __init__(self, title: str, expected: str, way_out: str):
        self.title = title
        self.expected = expected
        self.way_out = way_out

    @property
    def can_be_skipped(self) -> bool:
        """Whether a build that leaves the named picture out has only pictures with sound truth."""
        return self is not Problem.LOST_ANNOTATION


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one picture.

    Attributes:
      picture: the picture's name in the source.
      file: the file that has the problem.
      problem: the kind of problem.
      found: what was found, in words.
    """

    picture: str
    file: str
    problem: Problem
    found: str

    def to_json(self) -> dict[str, str]:
        """Returns the entry for dropped.json."""
        return {
            "picture": self.picture,
            "file": self.file,
            "finding": f"{self.problem.title}: {self.found}",
            "expected": self.problem.expected,
        }


def format_findings(findings: Iterable[Finding]) -> str:
    """Groups findings by kind and names a few of each kind, in indented lines for the user."""
    return "\n".join(_format_problem(problem, group) for problem, group in by_kind(findings))


def by_kind(findings: Iterable[Finding]) -> Iterator[tuple[enum.Enum, list[Finding]]]:
    """Yields each kind that occurs with its findings, in the order of the kinds."""
    ordered = sorted(findings, key=lambda f: list(type(f.problem)).index(f.problem))
    for problem, group in itertools.groupby(ordered, key=lambda finding: finding.problem):
        yield problem, list(group)


def shortened_list(values: Sequence, limit: int = 5) -> str:
    """Names the first values for a message, and how many more: "3, 8, 12 and 40 more"."""
    shown = ", ".join(str(value) for value in values[:limit])
    return shown if len(values) <= limit else f"{shown} and {len(values) - limit} more"


def count_pictures(findings: Iterable[Finding]) -> int:
    """Counts the different pictures that have findings."""
    return len({finding.picture for finding in findings})


def _format_problem(problem: Problem, findings: Sequence[Finding]) -> str:
    lines = [f"  {problem.title} ({len(findings)})"]
    lines += [f"    {finding.file}: {finding.found}" for finding in findings[:_SHOWN_PER_PROBLEM]]
    if len(findings) > _SHOWN_PER_PROBLEM:
        lines.append(f"    ... and {len(findings) - _SHOWN_PER_PROBLEM} more")
    lines.append(f"    expected: {problem.expected}")
    lines.append(f"    way out: {problem.way_out}")
    return "\n".join(lines)
