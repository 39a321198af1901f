"""Reads Cityscapes: the instanceIds PNG files of gtFine, or the output of createPanopticImgs.py.

Ids, names and kinds of the classes are those of labels.py in
https://github.com/mcordts/cityscapesScripts, which also has createPanopticImgs.py.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from maskconver_tf.datasets.categories import Categories, Category
from maskconver_tf.datasets.findings import Finding, Problem, shortened_list
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.datasets.sources.label_pictures.folder_pairs import names_by_stem, pictures_in
from maskconver_tf.datasets.sources.label_pictures.label_png import read_labels
from maskconver_tf.datasets.sources.lazy_pictures import LazyPictures
from maskconver_tf.datasets.sources.source import (
    FilePicture,
    PanopticTruth,
    Source,
    SourceSegment,
    check_folder,
)
from maskconver_tf.errors import UserError, suggest_name

_CLASSES = {
    "flat": "7 road, 8 sidewalk",
    "construction": "11 building, 12 wall, 13 fence",
    "object": "17 pole, 19 traffic light, 20 traffic sign",
    "nature": "21 vegetation, 22 terrain",
    "sky": "23 sky",
    "human": "24 person, 25 rider",
    "vehicle": "26 car, 27 truck, 28 bus, 31 train, 32 motorcycle, 33 bicycle",
}
"""The 19 classes that the evaluation uses. Those of human and vehicle are things."""

_NUM_LABELS = 34
"""Labels are 0..33. Labels that are not in `_CLASSES` (parking, caravan, ...) are void."""

_IMAGE, _INSTANCES = "_leftImg8bit", "_gtFine_instanceIds"


def open_cityscapes(root: Path, split: str, truth: str = "auto") -> Source:
    """Opens Cityscapes.

    Args:
      root: folder that contains leftImg8bit/ and gtFine/.
      split: train or val.
      truth: "panoptic" reads cityscapes_panoptic_SPLIT.json, "instance_ids" reads the instanceIds
        PNG files of gtFine, "auto" reads the JSON if it exists and the PNG files otherwise.

    Raises:
      UserError: a folder or file is missing, or `truth` is unknown.
    """
    kinds = {"panoptic": CityscapesPanoptic, "instance_ids": CityscapesInstanceIds}
    if truth == "auto":
        has_json = (root / "gtFine" / f"cityscapes_panoptic_{split}.json").is_file()
        truth = "panoptic" if has_json else "instance_ids"
    if truth not in kinds:
        hint = suggest_name(truth, ["auto", *kinds])
        raise UserError(f"--truth {truth}: expected auto, {' or '.join(kinds)}{hint}")
    return kinds[truth](root, split)


def cityscapes_categories() -> Categories:
    """Returns the 19 classes; their source ids are Cityscapes' own labels, 7..33."""
    return Categories(
        tuple(
            Category(int(number), name, group in ("human", "vehicle"), group)
            for group, classes in _CLASSES.items()
            for number, name in (entry.split(" ", 1) for entry in classes.split(", "))
        )
    )


class CityscapesPanoptic(CocoPanoptic):
    """Cityscapes with gtFine/cityscapes_panoptic_SPLIT.json and the id maps beside it.

    The class list comes from the JSON.
    """

    def __init__(self, root: Path, split: str):
        truth = root / "gtFine" / f"cityscapes_panoptic_{split}"
        super().__init__(root / "leftImg8bit" / split, truth, truth.with_name(truth.name + ".json"))
        self.description |= {"layout": "cityscapes", "split": split, "truth": "panoptic"}

    def picture_name(self, picture: dict) -> str:
        """Makes the path from the image id: the JSON's file_name lacks the folder of the city."""
        return f"{str(picture['id']).partition('_')[0]}/{picture['id']}{_IMAGE}.png"


@dataclasses.dataclass(frozen=True)
class CityscapesPicture(FilePicture):
    """A picture of `CityscapesInstanceIds`."""

    categories: Categories = dataclasses.field(kw_only=True)

    def read_truth(self) -> PanopticTruth:
        ids = read_labels(self, self.map_file)
        segments, void, stray = [], [], []
        for value in np.unique(ids).tolist():
            label = value // 1000 if value >= 1000 else value
            if label >= _NUM_LABELS:
                stray.append(value)
            elif label not in self.categories.source_ids:
                void.append(value)
            else:
                class_id = self.categories.class_id_of(label)
                thing = self.categories[class_id].isthing
                # The value of a group of things that nobody separated is the label alone.
                segments.append(SourceSegment(value, class_id, thing, thing and value < 1000))
        if stray:
            raise self.unusable(
                self.map_file, Problem.UNKNOWN_LABEL, f"label {shortened_list(stray)}"
            )
        return PanopticTruth(np.where(np.isin(ids, void), 0, ids), tuple(segments))


class CityscapesInstanceIds:
    """Cityscapes with gtFine/SPLIT/CITY/*_gtFine_instanceIds.png. See `Source`.

    A pixel's value is the label, or 1000 x label + instance. These values are the segment ids.
    Things without an instance are crowds. Labels that the Cityscapes evaluation ignores are void.
    """

    def __init__(self, root: Path, split: str):
        """Raises `UserError` if a folder is missing or has no picture."""
        self._images, self._truths = root / "leftImg8bit" / split, root / "gtFine" / split
        check_folder(self._images, "a folder of cities with *_leftImg8bit.png files")
        check_folder(self._truths, "a folder of cities with *_gtFine_instanceIds.png files")
        self.where = str(self._truths)
        self.description = {"layout": "cityscapes", "split": split, "truth": "instance_ids"}
        self.categories = cityscapes_categories()
        names = pictures_in(self._images)
        stems = [stem.removesuffix(_IMAGE) for stem in names if stem.endswith(_IMAGE)]
        known = set(stems)
        self.findings = [
            Finding(name, str(self._truths / name), Problem.NO_PICTURE, f"no {stem}{_IMAGE}.png")
            for file_stem, name in names_by_stem(self._truths, [".png"]).items()
            for stem, kind, _ in [file_stem.partition(_INSTANCES)]
            if kind and stem not in known
        ]
        self._stems = stems
        self.pictures = LazyPictures(len(stems), self._picture)

    def _picture(self, index: int) -> CityscapesPicture:
        stem = self._stems[index]
        return CityscapesPicture(
            name=f"{stem}{_IMAGE}.png",
            image_id=stem.rpartition("/")[2],
            image_file=str(self._images / f"{stem}{_IMAGE}.png"),
            map_file=str(self._truths / f"{stem}{_INSTANCES}.png"),
            categories=self.categories,
        )
