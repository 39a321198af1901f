"""The segments of one picture on one side, truth or prediction, and how its files are read."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.sources.source import FilePicture, UnusablePicture
from maskconver_tf.errors import UserError, short_repr, typed_repr
from maskconver_tf.evaluation.coco_results import read_field, read_segment
from maskconver_tf.files.encoded_pictures.pixel_limit import LARGEST_MAX_PIXELS
from maskconver_tf.files.encoded_pictures.raw_values import NotRaw
from maskconver_tf.files.encoded_pictures.rgb_pixels import read_rgb_pixels
from maskconver_tf.files.id_map import MAX_SEGMENT_ID
from maskconver_tf.files.pictures import UnreadablePicture


class Side(NamedTuple):
    """What one side says of a picture with n listed segments.

    Attributes:
      pixels: ids `[h, w]`, or uint8 `[h, w, 3]` that holds R + 256 G + 65536 B; 0 is void.
      ids: int64 `[n]`, the id of each segment.
      class_ids: int64 `[n]`.
      is_crowd: bool `[n]`.
      scores: float64 `[n]`, NaN where the file has none.
      listed_areas: float64 `[n]`, the areas that the file lists, NaN where it lists none.
      file: the file of the pixels, for messages.
    """

    pixels: np.ndarray
    ids: np.ndarray
    class_ids: np.ndarray
    is_crowd: np.ndarray
    scores: np.ndarray
    listed_areas: np.ndarray
    file: str

    def __len__(self) -> int:
        return len(self.ids)


class SideReader(Protocol):
    """Small and picklable; another process reads the files."""

    @property
    def file(self) -> str:
        """Names the file in messages."""

    def read(self) -> Side:
        """Reads the picture; raises `UserError`, which names picture and file."""


@dataclasses.dataclass(frozen=True)
class CocoFile:
    """A JSON file in COCO's panoptic format, with its folder of PNG files.

    Attributes:
      json_path: the file.
      png_folder: folder of the id maps.
      categories: the class list of the truth.
      strict: accept what COCO's program accepts: of repeated segment ids the last one counts.
    """

    json_path: Path
    png_folder: Path
    categories: Categories
    strict: bool = False


@dataclasses.dataclass(frozen=True)
class CocoEntry:
    """The annotation of one picture, bytes `start` to `end` of the JSON file."""

    source: CocoFile
    image_id: int | str
    start: int
    end: int

    @property
    def file(self) -> str:
        return str(self.source.json_path)

    def read(self) -> Side:
        where = f"{self.file}: the annotation of image {short_repr(self.image_id)}"
        entry = self._entry()
        name = read_field(entry, "file_name", where, str)
        infos = read_field(entry, "segments_info", where, list)
        columns = _columns(infos, self.source.categories, where)
        if len(set(columns[0].tolist())) < len(infos):
            if not self.source.strict:
                raise _repeated_id(columns[0].tolist(), where)
            columns = _last_of_each_id(columns)
        path = self.source.png_folder / name
        pixels = _read_pixels(path, f"image {short_repr(self.image_id)}")
        return Side(pixels, *columns, str(path))

    def _entry(self) -> Any:
        with self.source.json_path.open("rb") as file:
            file.seek(self.start)
            return json.loads(file.read(self.end - self.start))


@dataclasses.dataclass(frozen=True)
class LabelledPicture:
    """Reads one picture of a plain folder by the rules of a dataset's own layout."""

    picture: FilePicture

    @property
    def file(self) -> str:
        return self.picture.map_file

    def read(self) -> Side:
        try:
            truth = self.picture.read_truth()
        except UnusablePicture as error:
            finding = error.findings[0]
            raise UserError(
                f"image {self.picture.image_id!r}: {finding.file}: {finding.found}; expected "
                f"{finding.problem.expected}. To go on, {finding.problem.way_out}"
            ) from None
        ids = np.array([s.id for s in truth.segments], np.int64)
        classes = np.array([s.class_id for s in truth.segments], np.int64)
        is_crowd = np.array([s.is_crowd for s in truth.segments], np.bool_)
        unknown = np.full(len(ids), np.nan)
        return Side(truth.ids, ids, classes, is_crowd, unknown, unknown, self.file)


_NUMBERS = {int, float, type(None)}


def _columns(infos: list, categories: Categories, where: str) -> tuple[np.ndarray, ...]:
    """Returns ids, classes, crowds, scores and areas of a `segments_info` list.

    Raises:
      UserError: an entry is malformed.
    """
    try:
        ids = [info["id"] for info in infos]
        sources = [info["category_id"] for info in infos]
        classes = [*map(categories.class_id_of, sources)]
        crowds = [info.get("iscrowd", 0) for info in infos]
        scores, areas = (_numbers([info.get(key) for info in infos]) for key in ("score", "area"))
        is_plain = {*map(type, ids), *map(type, crowds), *map(type, sources)} <= {int}
        is_plain = is_plain and {0, 1, *crowds} == {0, 1}
        is_plain = is_plain and min(ids, default=1) > 0 and max(ids, default=1) <= MAX_SEGMENT_ID
    except (KeyError, TypeError, AttributeError, ValueError):
        is_plain = False
    if not is_plain:
        _explain(infos, categories, where)
    whole = np.array(ids, np.int64), np.array(classes, np.int64)
    return *whole, np.array(crowds, np.bool_), scores, areas


def _numbers(column: list) -> np.ndarray:
    """Returns the numbers, float64 `[n]`, NaN for None; `ValueError` for anything else."""
    if not {*map(type, column)} <= _NUMBERS:
        raise ValueError
    try:
        found = np.array(column, np.float64)
    except OverflowError:  # A whole number with hundreds of digits.
        raise ValueError from None
    if np.count_nonzero(np.isfinite(found)) != len(column) - column.count(None):
        raise ValueError
    return found


def _explain(infos: list, categories: Categories, where: str) -> None:
    """Raises the error of the first malformed entry."""
    for info in infos:
        segment = read_segment(info, categories, where)
        for key, what in (("area", "number of pixels"), ("score", "number, such as 0.9")):
            try:
                _numbers([info.get(key)])
            except ValueError:
                raise UserError(
                    f"{where}: segment {segment.id} has {key} {typed_repr(info[key])}; expected a "
                    f"finite {what}. Correct the file, or write it again"
                ) from None


def _last_of_each_id(columns: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Keeps the last entry of each id, at the place of the first, like a Python dictionary."""
    last = {segment_id: i for i, segment_id in enumerate(columns[0].tolist())}
    kept = np.array(list(last.values()), np.int64)
    return tuple(column[kept] for column in columns)


def _repeated_id(ids: list[int], where: str) -> UserError:
    repeated = next(i for i in ids if ids.count(i) > 1)
    return UserError(
        f"{where} lists segment id {repeated} {ids.count(repeated)} times; expected each id once. "
        "Remove the wrong entry, or give --strict, which reads the last one as COCO's program does"
    )


def _read_pixels(path: Path, picture: str) -> np.ndarray:
    try:
        return read_rgb_pixels(path.read_bytes(), LARGEST_MAX_PIXELS)
    except (OSError, UnreadablePicture, NotRaw, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{picture}: {path}: cannot be read ({reason}); expected a PNG of segment ids. Check "
            "the folder, or write the file again"
        ) from None
