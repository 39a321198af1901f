"""What every source of pictures with panoptic truth offers.

A source translates; it does not judge pictures: `examine` does that, in other processes, with the
work items that a source hands out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem, listed
from maskconver_tf.errors import UserError


class SourceSegment(NamedTuple):
    """A segment as its source lists it.

    Attributes:
      id: its value in the id map.
      class_id: contiguous class id; `PAD_ID` where a finding says that the category is unknown.
      is_thing, is_crowd: of which kind it is.
      area, bbox: pixels and [x, y, width, height] that the source lists, or None. Nothing relies on
        them, but where they are wrong more may be.
    """

    id: int
    class_id: int
    is_thing: bool
    is_crowd: bool
    area: Any = None
    bbox: Any = None


class Truth(NamedTuple):
    """What a source says about one picture.

    Attributes:
      ids: int `[h, w]`: source segment ids, 0 for void.
      segments: its segments, each id once.
      num_hidden: segments the source has that no pixel is left of, since others cover them.
    """

    ids: np.ndarray
    segments: tuple[SourceSegment, ...]
    num_hidden: int = 0


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
      image_file, map_file: what messages call the picture and its truth.
      size: width and height the source says it has, or None.
      findings: what the source found wrong with it so far.
    """

    name: str
    image_id: int | str
    image_file: str
    map_file: str
    size: tuple[int, int] | None
    findings: tuple[Finding, ...]

    def read_image(self) -> bytes:
        """The encoded picture; raises `Refused`."""

    def read_truth(self) -> Truth:
        """Its segments and where they are; raises `Refused`."""


class Items(Protocol):
    """The pictures of a source, made one at a time: there may be a hundred thousand."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[WorkItem]: ...

    def part(self, start: int, stop: int) -> Iterator[WorkItem]:
        """Items `start` to `stop` without those before."""


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
    items: Items
    findings: list[Finding]


@dataclasses.dataclass(frozen=True)
class FileItem:
    """A `WorkItem` whose picture is a file; subclasses add `read_truth`."""

    name: str
    image_id: int | str
    image_file: str
    map_file: str
    size: tuple[int, int] | None = None
    findings: tuple[Finding, ...] = ()

    def read_image(self) -> bytes:
        return self.read(self.image_file, Problem.IMAGE_MISSING, Problem.IMAGE_UNREADABLE)

    def read(self, file: str, missing: Problem, unreadable: Problem) -> bytes:
        """The content of a file; `Refused` where there is none."""
        try:
            return Path(file).read_bytes()
        except FileNotFoundError:
            raise self.refusal(file, missing, "does not exist") from None
        except OSError as error:
            raise self.refusal(file, unreadable, str(error.strerror)) from None
        except ValueError as error:
            raise self.refusal(file, missing, f"no file can be called that ({error})") from None

    def check_shape(self, file: str, array: np.ndarray, expected: np.ndarray, where: str) -> None:
        """Raises `Refused` where the array of a file has another height or width than expected."""
        if array.shape != expected.shape:
            found = "{1} x {0}, and {3} x {2} in ".format(*array.shape, *expected.shape)
            raise self.refusal(file, Problem.SIZE, found + where)

    def refusal(self, file: str, problem: Problem, found: str) -> Refused:
        return Refused(Finding(self.name, file, problem, found))


def check_folder(path: Path, what: str) -> None:
    """Raises `UserError` unless `path` is a folder; `what` says which one was expected."""
    if not path.is_dir():
        beside = sorted(other.name for other in path.parent.glob("*") if other.is_dir())
        hint = f" {path.parent} has {listed(beside)}." if beside else ""
        raise UserError(f"{path}: not a folder; expected {what}.{hint}")
