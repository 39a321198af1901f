"""Cityscapes: gtFine with instanceIds pictures, or with what createPanopticImgs.py makes of them.

https://github.com/mcordts/cityscapesScripts; ids, names and kinds are those of its labels.py.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from maskconver_tf.datasets.categories import Categories, Category
from maskconver_tf.datasets.findings import Finding, Problem, listed
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.datasets.sources.label_pictures.folder_pairs import names_by_stem, pictures_in
from maskconver_tf.datasets.sources.label_pictures.label_png import read_labels
from maskconver_tf.datasets.sources.lazy_items import LazyItems
from maskconver_tf.datasets.sources.source import (
    FileItem,
    Source,
    SourceSegment,
    Truth,
    check_folder,
)
from maskconver_tf.errors import UserError

_CLASSES = {
    "flat": "7 road, 8 sidewalk",
    "construction": "11 building, 12 wall, 13 fence",
    "object": "17 pole, 19 traffic light, 20 traffic sign",
    "nature": "21 vegetation, 22 terrain",
    "sky": "23 sky",
    "human": "24 person, 25 rider",
    "vehicle": "26 car, 27 truck, 28 bus, 31 train, 32 motorcycle, 33 bicycle",
}
"""The 19 classes that count; those of human and vehicle are things."""

_NUM_LABELS = 34
"""Labels 0..33; those not above (parking, caravan, ego vehicle, ...) are void."""

_IMAGE, _INSTANCES = "_leftImg8bit", "_gtFine_instanceIds"


def cityscapes(root: Path, split: str, truth: str = "auto") -> Source:
    """Opens Cityscapes.

    Args:
      root: folder that holds leftImg8bit/ and gtFine/.
      split: train or val.
      truth: "panoptic" for cityscapes_panoptic_SPLIT.json, "instance_ids" for the pictures that
        come with gtFine, "auto" for the first of these that is there.

    Raises:
      UserError: a folder or file is missing.
    """
    kinds = {"panoptic": CityscapesPanoptic, "instance_ids": CityscapesInstanceIds}
    if truth == "auto":
        has_json = (root / "gtFine" / f"cityscapes_panoptic_{split}.json").is_file()
        truth = "panoptic" if has_json else "instance_ids"
    if truth not in kinds:
        raise UserError(f"--truth: found {truth}, expected auto, {' or '.join(kinds)}.")
    return kinds[truth](root, split)


def cityscapes_categories() -> Categories:
    """The 19 classes; source ids are Cityscapes' own, 7..33."""
    return Categories(
        tuple(
            Category(int(number), name, group in ("human", "vehicle"), group)
            for group, classes in _CLASSES.items()
            for number, name in (entry.split(" ", 1) for entry in classes.split(", "))
        )
    )


class CityscapesPanoptic(CocoPanoptic):
    """gtFine/cityscapes_panoptic_SPLIT.json and the PNG files beside it; classes from the JSON."""

    def __init__(self, root: Path, split: str):
        truth = root / "gtFine" / f"cityscapes_panoptic_{split}"
        super().__init__(root / "leftImg8bit" / split, truth, truth.with_name(truth.name + ".json"))
        self.description |= {"layout": "cityscapes", "split": split, "truth": "panoptic"}

    def picture_name(self, picture: dict) -> str:
        """The JSON's own file_name lacks the city and says gtFine where there is none."""
        return f"{str(picture['id']).partition('_')[0]}/{picture['id']}{_IMAGE}.png"


@dataclasses.dataclass(frozen=True)
class InstanceIdsItem(FileItem):
    """A picture of `CityscapesInstanceIds`."""

    categories: Categories = dataclasses.field(kw_only=True)

    def read_truth(self) -> Truth:
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
                # A group of things that no one separated has its label alone.
                segments.append(SourceSegment(value, class_id, thing, thing and value < 1000))
        if stray:
            raise self.refusal(self.map_file, Problem.UNKNOWN_LABEL, f"label {listed(stray)}")
        return Truth(np.where(np.isin(ids, void), 0, ids), tuple(segments))


class CityscapesInstanceIds:
    """gtFine/SPLIT/CITY/*_gtFine_instanceIds.png: label, or 1000 x label + instance.

    Segment ids are these values. Things without instance are crowds; labels that Cityscapes ignores
    in evaluation are void. See `Source`.
    """

    def __init__(self, root: Path, split: str):
        """Raises `UserError` where a folder is missing or holds no picture."""
        self._images, self._truths = root / "leftImg8bit" / split, root / "gtFine" / split
        check_folder(self._images, "a folder of cities with *_leftImg8bit.png")
        check_folder(self._truths, "a folder of cities with *_gtFine_instanceIds.png")
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
        self.items = LazyItems(len(stems), self._item)

    def _item(self, index: int) -> InstanceIdsItem:
        stem = self._stems[index]
        return InstanceIdsItem(
            name=f"{stem}{_IMAGE}.png",
            image_id=stem.rpartition("/")[2],
            image_file=str(self._images / f"{stem}{_IMAGE}.png"),
            map_file=str(self._truths / f"{stem}{_INSTANCES}.png"),
            categories=self.categories,
        )
