"""Reads class and instance from two channels of one PNG."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.sources.label_pictures.folder_pairs import paired_pictures
from maskconver_tf.datasets.sources.label_pictures.label_png import CHANNELS, read_channels
from maskconver_tf.datasets.sources.label_pictures.label_segments import (
    class_ids_of_labels,
    truth_from_maps,
)
from maskconver_tf.datasets.sources.source import FilePicture, PanopticTruth, check_folder
from maskconver_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class TwoChannelPicture(FilePicture):
    """A picture of `TwoChannel`."""

    channels: tuple[str, str] = ("R", "G")
    categories: Categories = dataclasses.field(kw_only=True)
    void_ids: tuple[int, ...] = ()

    def read_truth(self) -> PanopticTruth:
        labels, instances = read_channels(self, self.map_file, self.channels)
        class_ids = class_ids_of_labels(self, self.map_file, labels, self.categories, self.void_ids)
        return truth_from_maps(class_ids, instances, self.categories)


class TwoChannel:
    """A folder of pictures, one of color PNG files, and a class list. See `Source`.

    One channel of a PNG has category ids. Another one has instance numbers, from 1, and 0 where
    there is no instance. Two letters, the lower byte first, name a 16-bit number: "GB" is
    G + 256 B. Segments follow from class and instance as in `PngFolders`.
    """

    def __init__(
        self,
        images: Path,
        panoptic: Path,
        classes: Path,
        class_channel: str = "R",
        instance_channel: str = "G",
        void_ids: tuple[int, ...] = (0, 255),
    ):
        """Raises `UserError` if a folder, the class list or the names of the channels are wrong."""
        check_folder(images, "the folder of pictures")
        check_folder(panoptic, "the folder of two-channel PNG files")
        self.where = str(images)
        self.description = {"layout": "two_channel", "images": images.name}
        self.categories = Categories.load(classes)
        make = functools.partial(
            TwoChannelPicture,
            channels=checked_channels(class_channel, instance_channel),
            categories=self.categories,
            void_ids=void_ids,
        )
        self.pictures, self.findings = paired_pictures(make, images, map_file=panoptic)


def checked_channels(class_channel: str, instance_channel: str) -> tuple[str, str]:
    channels = class_channel.upper(), instance_channel.upper()
    letters = "".join(channels)
    sizes_fit = all(1 <= len(name) <= 2 for name in channels)
    if not sizes_fit or set(letters) - set(CHANNELS) or len(set(letters)) < len(letters):
        raise UserError(
            f"--class_channel '{class_channel}', --instance_channel '{instance_channel}': expected "
            "one or two of the letters R, G, B, A for each, and no letter twice, such as R and GB"
        )
    return channels
