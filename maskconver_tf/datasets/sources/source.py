"""The interface of a source: pictures with panoptic truth in somebody's own layout.

A source only translates a layout. It hands out its pictures as small `SourcePicture` objects, and
other processes open and check them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem, shortened_list
from maskconver_tf.errors import UserError, difference, suggest_name
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.files.paths import find_same_looking, name_that_looks_like


class SourceSegment(NamedTuple):
    """A segment as its source lists it.

    Attributes:
      id: the segment's value in the id map.
      class_id: contiguous class id; `PAD_ID` if the category is unknown (a finding says so).
      is_thing: whether the segment is a thing or stuff.
      is_crowd: whether the segment is a group of things that nobody separated.
      area: number of pixels that the source lists, or None.
      bbox: box [x, y, width, height] that the source lists, or None. `area` and `bbox` are only
        checked, never used: where they are wrong, other entries may be wrong too.
    """

    id: int
    class_id: int
    is_thing: bool
    is_crowd: bool
    area: Any = None
    bbox: Any = None


class PanopticTruth(NamedTuple):
    """The panoptic truth of one picture.

    Attributes:
      ids: int `[h, w]`, source segment ids, 0 for void.
      segments: the segments of the picture, each id once.
      num_hidden: number of segments without a pixel, because other segments cover them.
    """

    ids: np.ndarray
    segments: tuple[SourceSegment, ...]
    num_hidden: int = 0


class UnusablePicture(Exception):
    """A picture that cannot be used. Its `findings` say why."""

    def __init__(self, *findings: Finding):
        super().__init__(*findings)
        self.findings = findings


class SourcePicture(Protocol):
    """One picture of a source with its truth.

    The object is small and can be pickled. Another process receives it and opens the files.

    Attributes:
      name: the picture's name in the source.
      image_id: the picture's id in the source.
      image_file: name of the picture in messages.
      map_file: name of the picture's truth in messages.
      size: (width, height) that the source lists, or None.
      findings: problems that the source has found in this picture so far.
      max_pixels: most pixels of the picture and of its label pictures.
    """

    name: str
    image_id: int | str
    image_file: str
    map_file: str
    size: tuple[int, int] | None
    findings: tuple[Finding, ...]
    max_pixels: int

    def read_image(self) -> bytes:
        """Returns the encoded picture; raises `UnusablePicture` if there is none."""

    def read_truth(self) -> PanopticTruth:
        """Returns the decoded truth; raises `UnusablePicture` if it cannot be read."""


class SourcePictures(Protocol):
    """The pictures of a source.

    A source may have hundreds of thousands of pictures, so each `SourcePicture` is made on demand.
    Most sources also have `at(positions)`, which yields pictures in any order. One that is read
    from start to end has none.
    """

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[SourcePicture]: ...

    def between(self, start: int, stop: int) -> Iterator[SourcePicture]:
        """Yields pictures `start` to `stop` - 1 without making the earlier ones."""


class Source(Protocol):
    """Pictures with panoptic truth.

    Attributes:
      where: name of the source in messages.
      description: what dataset.json records about the source.
      categories: the class list.
      pictures: the pictures, always in the same order.
      findings: problems of entries that give no `SourcePicture`.
    """

    where: str
    description: dict[str, str]
    categories: Categories
    pictures: SourcePictures
    findings: list[Finding]


@dataclasses.dataclass(frozen=True)
class FilePicture:
    """A `SourcePicture` that is read from a file; subclasses add `read_truth`.

    `mapping` says how the picture becomes 8-bit RGB; None for an ordinary picture.
    """

    name: str
    image_id: int | str
    image_file: str
    map_file: str
    size: tuple[int, int] | None = None
    findings: tuple[Finding, ...] = ()
    max_pixels: int = MAX_PIXELS
    mapping: ChannelMapping | None = None

    def read_image(self) -> bytes:
        return self.read(self.image_file, Problem.IMAGE_MISSING, Problem.IMAGE_UNREADABLE)

    def read(self, file: str, missing: Problem, unreadable: Problem) -> bytes:
        """Returns the content of `file`; raises `UnusablePicture` if it cannot be read.

        Args:
          missing: problem to report if the file does not exist.
          unreadable: problem to report if the file exists but cannot be read.
        """
        try:
            return Path(file).read_bytes()
        except FileNotFoundError:
            found = find_same_looking(file)
            if found and found != Path(file):
                return self.read(str(found), missing, unreadable)
            raise self.unusable(file, missing, _why_missing(file)) from None
        except OSError as error:
            raise self.unusable(file, unreadable, str(error.strerror)) from None
        except ValueError as error:
            raise self.unusable(file, missing, f"no file can be called that ({error})") from None

    def check_shape(self, file: str, array: np.ndarray, expected: np.ndarray, where: str) -> None:
        """Raises `UnusablePicture` unless `array`, read from `file`, has the shape of `expected`.

        Args:
          where: the origin of `expected`, for the message.
        """
        if array.shape != expected.shape:
            found = "{1} x {0}, and {3} x {2} in ".format(*array.shape, *expected.shape)
            raise self.unusable(file, Problem.SIZE, found + where)

    def unusable(self, file: str, problem: Problem, found: str) -> UnusablePicture:
        """Returns the exception that reports `problem` in `file`; the caller raises it."""
        return UnusablePicture(Finding(self.name, file, problem, found))


def _why_missing(file: str) -> str:
    """Says that a file does not exist, and which other file looks as if it had that name."""
    other = name_that_looks_like(file)
    if other is None:
        return "does not exist"
    return f"does not exist, but '{other}' does: {difference(Path(file).name, other)}"


def check_folder(path: Path, what: str) -> None:
    """Raises `UserError` unless `path` is a folder.

    Args:
      what: the expected folder, for the message: "the folder of pictures".
    """
    if not path.is_dir():
        beside = sorted(other.name for other in path.parent.glob("*") if other.is_dir())
        hint = f"; {path.parent} contains {shortened_list(beside)}" if beside else ""
        hint = suggest_name(path.name, beside) or hint
        found = "a file" if path.is_file() else "nothing"
        raise UserError(f"{path}: found {found}; expected {what}. Check the path{hint}")
