"""Instance masks and semantic masks in two folders of PNG files."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.sources.label_pictures.folder_pairs import paired_items
from maskconver_tf.datasets.sources.label_pictures.label_png import read_labels
from maskconver_tf.datasets.sources.label_pictures.label_segments import class_map, segments_of
from maskconver_tf.datasets.sources.source import FileItem, Truth, check_folder


@dataclasses.dataclass(frozen=True)
class PngFoldersItem(FileItem):
    """A picture of `PngFolders`; `map_file` is its semantic mask."""

    instance_file: str = ""
    categories: Categories = dataclasses.field(kw_only=True)
    void_ids: tuple[int, ...] = ()

    def read_truth(self) -> Truth:
        labels = read_labels(self, self.map_file)
        instances = read_labels(self, self.instance_file)
        self.check_shape(self.instance_file, instances, labels, self.map_file)
        class_ids = class_map(self, self.map_file, labels, self.categories, self.void_ids)
        return segments_of(class_ids, instances, self.categories)


class PngFolders:
    """A folder of pictures, one of semantic masks, one of instance masks, and a class list.

    A picture and its two masks have the same path in their folders but for the suffix. A semantic
    mask holds category ids, an instance mask numbers from 1 within the picture and 0 for none:
    values of a gray PNG of 8 or 16 bits, indices of a palette PNG, or R + 256 G + 65536 B of an RGB
    one. Each pair of a class of things and an instance is a segment; a thing's pixels without
    instance are one crowd of its class; instance numbers under stuff mean nothing. See `Source`.
    """

    def __init__(
        self,
        images: Path,
        semantic: Path,
        instances: Path,
        classes: Path,
        void_ids: tuple[int, ...] = (0, 255),
    ):
        """Raises `UserError` where a folder is missing or the class list malformed."""
        check_folder(images, "the folder of pictures")
        check_folder(semantic, "the folder of semantic masks")
        check_folder(instances, "the folder of instance masks")
        self.where = str(images)
        self.description = {"layout": "png_folders", "images": images.name}
        self.categories = Categories.load(classes)
        make = functools.partial(PngFoldersItem, categories=self.categories, void_ids=void_ids)
        self.items, self.findings = paired_items(
            make, images, map_file=semantic, instance_file=instances
        )
