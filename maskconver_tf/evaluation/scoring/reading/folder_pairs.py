"""Pairs two plain folders of label pictures: one of truth and one of predictions.

Three codings are known:

- `two_channel`: the class in one channel of a color PNG and the instance in another;
- `id_maps`: class x 1000 + instance in each pixel, or another divisor;
- `cityscapes`: as the instanceIds files of Cityscapes: 1000 x label + instance, or the label alone.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.sources.label_pictures.cityscapes import (
    CityscapesPicture,
    cityscapes_categories,
)
from maskconver_tf.datasets.sources.label_pictures.folder_pairs import names_by_stem
from maskconver_tf.datasets.sources.label_pictures.label_png import read_labels
from maskconver_tf.datasets.sources.label_pictures.label_segments import (
    class_ids_of_labels,
    truth_from_maps,
)
from maskconver_tf.datasets.sources.label_pictures.two_channel import TwoChannelPicture
from maskconver_tf.datasets.sources.source import FilePicture, PanopticTruth, check_folder
from maskconver_tf.errors import UserError, suggest_name
from maskconver_tf.evaluation.scoring.reading.picture_pairs import PicturePair, PicturePairs
from maskconver_tf.evaluation.scoring.reading.sides import LabelledPicture

CODINGS = ("two_channel", "id_maps", "cityscapes")
_SUFFIXES = (".png", ".tif", ".tiff")
_INSTANCES = "_gtFine_instanceIds"
_WITHOUT_INSTANCES = ("_labelIds", "_labelTrainIds", "_color")


class Coding(NamedTuple):
    """How label pictures store class and instance.

    Attributes:
      name: one of `CODINGS`.
      classes: file of the class list; None for Cityscapes, whose classes are known.
      channels: channels of class and instance of `two_channel`.
      divisor: of `id_maps`.
      void_ids: classes that mean void, unless the list has them.
    """

    name: str
    classes: Path | None
    channels: tuple[str, str] = ("R", "G")
    divisor: int = 1000
    void_ids: tuple[int, ...] = (0, 255)


@dataclasses.dataclass(frozen=True)
class IdMapPicture(FilePicture):
    """A picture whose pixels hold class x `divisor` + instance.

    Instance 0 of a thing class is a crowd in the truth. Instance numbers of stuff are ignored.
    """

    categories: Categories = dataclasses.field(kw_only=True)
    divisor: int = 1000
    void_ids: tuple[int, ...] = ()

    def read_truth(self) -> PanopticTruth:
        values = read_labels(self, self.map_file)
        labels = values // self.divisor
        class_ids = class_ids_of_labels(self, self.map_file, labels, self.categories, self.void_ids)
        return truth_from_maps(class_ids, values % self.divisor, self.categories)


def folder_pairs(
    truth: Path, predictions: Sequence[Path], coding: Coding, allow_missing: bool = False
) -> PicturePairs:
    """Pairs the files of folders by their path without suffix; Cityscapes' by city and number.

    Raises:
      UserError: a folder or the class list is missing or malformed, or a prediction is missing.
    """
    categories, make = _reader(coding)
    truths = _files(truth, coding, "the folder of truth")
    found = [_files(folder, coding, "the folder of predictions") for folder in predictions]
    lost = [_missing(truths, truth, other, allow_missing) for other in zip(predictions, found)]

    def side(stem: str, folder: Path, files: dict[str, str]) -> LabelledPicture | None:
        if stem not in files:
            return None
        file = str(folder / files[stem])
        return LabelledPicture(make(name=stem, image_id=stem, image_file=file, map_file=file))

    def pairs() -> Iterator[PicturePair]:
        for stem in truths:
            sides = zip(predictions, found, strict=True)
            yield PicturePair(
                stem, side(stem, truth, truths), tuple(side(stem, *other) for other in sides)
            )

    unused = tuple(len(other.keys() - truths.keys()) for other in found)
    return PicturePairs(categories, len(truths), pairs(), tuple(lost), unused)


def _reader(coding: Coding) -> tuple[Categories, Callable[..., FilePicture]]:
    if coding.name == "cityscapes":
        categories = cityscapes_categories()
        return categories, functools.partial(CityscapesPicture, categories=categories)
    if coding.name not in CODINGS:
        hint = suggest_name(coding.name, CODINGS)
        raise UserError(f"--coding {coding.name}: expected one of {', '.join(CODINGS)}{hint}")
    if coding.classes is None:
        raise UserError(
            f"--classes: missing; two folders of {coding.name} files need a class list, such as "
            '[{"id": 1, "name": "person", "isthing": 1}, ...]. Add --classes FILE'
        )
    categories = Categories.load(coding.classes)
    shared = {"categories": categories, "void_ids": coding.void_ids}
    if coding.name == "two_channel":
        return categories, functools.partial(TwoChannelPicture, channels=coding.channels, **shared)
    return categories, functools.partial(IdMapPicture, divisor=coding.divisor, **shared)


def _files(folder: Path, coding: Coding, what: str) -> dict[str, str]:
    """Returns the name of a picture -> its file, relative to the folder."""
    check_folder(folder, what)
    names = names_by_stem(folder, _SUFFIXES)
    if coding.name == "cityscapes":
        names = _cityscapes_files(folder, names)
    if not names:
        raise UserError(
            f"{folder}: found no {', '.join(_SUFFIXES)} file; expected {what}. Check the path"
        )
    return names


def _cityscapes_files(folder: Path, names: dict[str, str]) -> dict[str, str]:
    """Names pictures as Cityscapes does: frankfurt_000000_000294; other files are left out."""
    of_truth = {stem: name for stem, name in names.items() if stem.endswith(_INSTANCES)}
    files: dict[str, str] = {}
    for stem, name in (of_truth or names).items():
        if stem.endswith(_WITHOUT_INSTANCES):
            raise UserError(
                f"{folder}: found {name} and no file of instanceIds; expected pictures with the "
                "values of instanceIds. Add those, since these do not tell one thing from another"
            )
        key = "_".join(stem.rpartition("/")[2].split("_")[:3])
        if key in files:
            raise UserError(
                f"{folder}: found {files[key]} and {name}; expected one file of each picture. "
                "Rename or remove one"
            )
        files[key] = name
    return files


def _missing(
    truths: dict[str, str], truth: Path, other: tuple[Path, dict[str, str]], allow_missing: bool
) -> int:
    folder, files = other
    lost = [stem for stem in truths if stem not in files]
    if not lost or allow_missing:
        return len(lost)
    more = f", and {len(lost) - 1} more pictures have none" if len(lost) > 1 else ""
    raise UserError(
        f"{folder}: image {lost[0]!r} has no prediction{more}; expected a file for each file of "
        f"{truth}. Add it, or give --allow_missing to count a missing prediction as empty"
        f"{suggest_name(lost[0], files.keys() - truths.keys())}"
    )
