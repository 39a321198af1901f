"""Opens a source by its name, with the options of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.sources.channel_options import map_channels
from maskconver_tf.datasets.sources.coco.instances import CocoInstances
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.datasets.sources.label_pictures.ade20k import Ade20k
from maskconver_tf.datasets.sources.label_pictures.cityscapes import open_cityscapes
from maskconver_tf.datasets.sources.label_pictures.png_folders import PngFolders
from maskconver_tf.datasets.sources.label_pictures.two_channel import TwoChannel
from maskconver_tf.datasets.sources.lazy_pictures import PicturesWith
from maskconver_tf.datasets.sources.options import MAPPING_OPTIONS, PATH_OPTIONS, checked_options
from maskconver_tf.datasets.sources.source import Source
from maskconver_tf.datasets.sources.tfds import Tfds
from maskconver_tf.errors import UserError
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS, parse_max_pixels

_OPENERS: dict[str, Callable[..., Source]] = {
    "coco_panoptic": CocoPanoptic,
    "tfds": Tfds,
    "cityscapes": open_cityscapes,
    "ade20k": Ade20k,
    "png_folders": PngFolders,
    "coco_instances": CocoInstances,
    "two_channel": TwoChannel,
}


def open_named_source(name: str, options: Mapping[str, Any]) -> Source:
    """Opens a source.

    Args:
      name: one of `options.SOURCES`.
      options: texts from the command line; None for an option that was not given.

    Raises:
      UserError: an option is missing, malformed or belongs to another source, or the source cannot
        read the dataset.
    """
    options = checked_options(name, options)
    for option in PATH_OPTIONS & options.keys():
        options[option] = Path(options[option])
    if "void_ids" in options:
        options["void_ids"] = parse_numbers("void_ids", options["void_ids"])
    max_pixels = parse_max_pixels(options.pop("max_pixels", MAX_PIXELS))
    mapping = {option: options.pop(option) for option in MAPPING_OPTIONS if option in options}
    source = _OPENERS[name](**options)
    if max_pixels != MAX_PIXELS:
        source.pictures = PicturesWith(source.pictures, max_pixels=max_pixels)
    map_channels(source, mapping)
    return source


def parse_numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(",") if word.strip())
    except ValueError:
        raise UserError(
            f"--{option} {text}: expected whole numbers without a decimal point, with commas "
            "between them, such as 0,255"
        ) from None
