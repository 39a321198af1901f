"""Reads ADE20K's panoptic task: the scene parsing challenge of 2016 with the instances of 2017.

The class names follow https://github.com/CSAILVision/sceneparsing (objectInfo150). The 100 thing
classes and the coding of their instances follow https://github.com/CSAILVision/placeschallenge
(instanceInfo100).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from pathlib import Path

import numpy as np

from maskconver_tf.datasets.categories import Categories, Category
from maskconver_tf.datasets.findings import Problem, shortened_list
from maskconver_tf.datasets.sources.label_pictures.folder_pairs import paired_pictures
from maskconver_tf.datasets.sources.label_pictures.label_png import read_channels, read_labels
from maskconver_tf.datasets.sources.label_pictures.label_segments import (
    class_ids_of_labels,
    truth_from_maps,
)
from maskconver_tf.datasets.sources.source import FilePicture, PanopticTruth, check_folder
from maskconver_tf.errors import UserError, found_instead

_CLASSES = """
wall, building, sky, floor, tree, ceiling, road, bed*, windowpane*, grass, cabinet*, sidewalk,
person*, earth, door*, table*, mountain, plant, curtain*, chair*, car*, water, painting*, sofa*,
shelf*, house, sea, mirror*, rug, field, armchair*, seat*, fence*, desk*, rock, wardrobe*,
lamp*, bathtub*, railing*, cushion*, base, box*, column*, signboard*, chest of drawers*,
counter*, sand, sink*, skyscraper, fireplace*, refrigerator*, grandstand, path, stairs*, runway,
case*, pool table*, pillow*, screen door*, stairway, river, bridge, bookcase*, blind, coffee
table*, toilet*, flower*, book*, hill, bench*, countertop*, stove*, palm*, kitchen island*,
computer*, swivel chair*, boat*, bar, arcade machine*, hovel, bus*, towel*, light*, truck*,
tower, chandelier*, awning*, streetlight*, booth*, television receiver*, airplane*, dirt track,
apparel*, pole*, land, bannister*, escalator, ottoman*, bottle*, buffet, poster, stage, van*,
ship*, fountain*, conveyer belt, canopy, washer*, plaything*, swimming pool, stool*, barrel*,
basket*, waterfall, tent, bag*, minibike*, cradle, oven*, ball*, food*, step*, tank, trade
name*, microwave*, pot*, animal*, bicycle*, lake, dishwasher*, screen*, blanket, sculpture*,
hood*, sconce*, vase*, traffic light*, tray*, ashcan*, fan*, pier, crt screen, plate*, monitor*,
bulletin board*, shower, radiator*, glass*, clock*, flag*
"""
"""Names of classes 1..150, the first synonym of each; * marks a thing."""


def ade20k_categories() -> Categories:
    """Returns the 150 classes; their source ids 1..150 are the labels of the semantic pictures."""
    names = " ".join(_CLASSES.split()).split(", ")
    return Categories(
        tuple(
            Category(number, name.removesuffix("*"), name.endswith("*"))
            for number, name in enumerate(names, start=1)
        )
    )


@dataclasses.dataclass(frozen=True)
class Ade20kPicture(FilePicture):
    """A picture of `Ade20k`; `map_file` is its semantic PNG, `instance_file` its instance PNG."""

    instance_file: str = ""
    categories: Categories = dataclasses.field(kw_only=True)

    def read_truth(self) -> PanopticTruth:
        labels = read_labels(self, self.map_file)
        kinds, instances = read_channels(self, self.instance_file, "RG")
        self.check_shape(self.instance_file, kinds, labels, self.map_file)
        class_ids = class_ids_of_labels(self, self.map_file, labels, self.categories, (0,))
        things = np.flatnonzero(self.categories.is_thing)  # Class of instance kind 1..100.
        painted = instances > 0
        stray = np.unique(kinds[painted & ((kinds < 1) | (kinds > len(things)))]).tolist()
        if stray:
            found = f"red {shortened_list(stray)}, expected 1 to {len(things)}"
            raise self.unusable(self.instance_file, Problem.UNKNOWN_LABEL, found)
        class_ids = np.where(painted, things[np.clip(kinds, 1, len(things)) - 1], class_ids)
        return truth_from_maps(class_ids, instances, self.categories, lone_things_are_crowds=False)


class Ade20k:
    """images/, annotations/ and annotations_instance/, each with training/ and validation/.

    Instances cover the semantic labels. Pixels with a thing label but no instance are void, as in
    the panoptic truth that published results use. See `Source`.
    """

    def __init__(self, root: Path, split: str):
        """Raises `UserError` if a folder is missing or has no picture."""
        kinds = ("images", "annotations", "annotations_instance")
        images, semantic, instances = (root / kind / split for kind in kinds)
        for folder in (images, semantic, instances):
            check_folder(folder, f"ADE20K's folder {folder.parent.name} of the split {split}")
        self.where = str(images)
        self.description = {"layout": "ade20k", "split": split}
        self.categories = ade20k_categories()
        _check_object_info(root / "objectInfo150.txt", self.categories)
        make = functools.partial(Ade20kPicture, categories=self.categories)
        self.pictures, self.findings = paired_pictures(
            make, images, map_file=semantic, instance_file=instances
        )


def _check_object_info(path: Path, categories: Categories) -> None:
    """Raises `UserError` if the folder has another class list, such as that of full ADE20K."""
    if not path.is_file():
        return
    lines = path.read_text("utf-8", errors="replace").splitlines()[1:]
    rows = [line.rpartition("\t")[2] for line in lines if line.strip()]
    # Each row lists synonyms; their order differs between editions of the file.
    found = [[name.strip() for name in row.split(",")] for row in rows]
    for number, (names, expected) in enumerate(
        itertools.zip_longest(found, categories.names, fillvalue=""), start=1
    ):
        if not expected or expected not in names:
            differs = found_instead(expected, names) if expected and names else ""
            raise UserError(
                f"{path}: found {len(rows)} classes, and class {number} is "
                f"{names[0] if names else 'missing'}; expected the 150 classes of the 2016 "
                f"challenge, where class {number} is {expected or 'missing'}{differs}. Use the "
                "folder ADEChallengeData2016"
            )
