"""Reads semantic masks and instance masks from two folders of label pictures."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.sources.label_pictures.folder_pairs import paired_pictures
from maskconver_tf.datasets.sources.label_pictures.label_png import read_labels
from maskconver_tf.datasets.sources.label_pictures.label_segments import (
    class_ids_of_labels,
    truth_from_maps,
)
from maskconver_tf.datasets.sources.source import FilePicture, PanopticTruth, check_folder


@dataclasses.dataclass(frozen=True)
class PngFoldersPicture(FilePicture):
    """A picture of `PngFolders`; `map_file` is its semantic mask."""

    instance_file: str = ""
    categories: Categories = dataclasses.field(kw_only=True)
    void_ids: tuple[int, ...] = ()

    def read_truth(self) -> PanopticTruth:
        labels = read_labels(self, self.map_file)
        instances = read_labels(self, self.instance_file)
        self.check_shape(self.instance_file, instances, labels, self.map_file)
        class_ids = class_ids_of_labels(self, self.map_file, labels, self.categories, self.void_ids)
        return truth_from_maps(class_ids, instances, self.categories)


class PngFolders:
    """A folder of pictures, one of semantic masks, one of instance masks, and a class list.

    A picture and its two masks have the same relative path except for the suffix. A semantic mask
    has a category id in each pixel. An instance mask has instance numbers, from 1 in each picture,
    and 0 where there is no instance. Both are PNG or TIFF files of gray values, palette indices, or
    R + 256 G + 65536 B in RGB; `read_labels` tells which depths it reads.

    Each instance of a thing class is a segment. The thing pixels without an instance are one crowd
    of their class. Instance numbers of stuff are ignored. See `Source`.
    """

    def __init__(
        self,
        images: Path,
        semantic: Path,
        instances: Path,
        classes: Path,
        void_ids: tuple[int, ...] = (0, 255),
    ):
        """Raises `UserError` if a folder is missing or the class list is malformed."""
        check_folder(images, "the folder of pictures")
        check_folder(semantic, "the folder of semantic masks")
        check_folder(instances, "the folder of instance masks")
        self.where = str(images)
        self.description = {"layout": "png_folders", "images": images.name}
        self.categories = Categories.load(classes)
        make = functools.partial(PngFoldersPicture, categories=self.categories, void_ids=void_ids)
        self.pictures, self.findings = paired_pictures(
            make, images, map_file=semantic, instance_file=instances
        )
