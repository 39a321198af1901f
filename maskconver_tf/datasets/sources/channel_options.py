"""Reads `--channels`, `--percentiles`, `--stretch` and `--mapping_of` of a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.sources.lazy_pictures import PicturesWith
from maskconver_tf.datasets.sources.source import Source, UnusablePicture
from maskconver_tf.errors import UserError, suggest_name
from maskconver_tf.files.channels.channel_mapping import (
    DATASET,
    PICTURE,
    STRETCHES,
    ChannelMapping,
    parse_channels,
    parse_percentiles,
)
from maskconver_tf.files.channels.dataset_limits import with_limits
from maskconver_tf.files.channels.stored_channels import read_channels
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.files.pictures import UnreadablePicture

_NUM_SAMPLES = 200
"""`--stretch dataset` looks at so many pictures, evenly spread over the source."""


def map_channels(source: Source, options: Mapping[str, str]) -> None:
    """Gives the pictures and the class list of a source the mapping of the options.

    Raises:
      UserError: an option is malformed, or the source has no picture files.
    """
    if not options:
        return
    if (given := options.get("mapping_of")) is not None:
        if len(options) > 1:
            other = next(name for name in options if name != "mapping_of")
            raise UserError(
                f"--mapping_of {given}: found --{other}, too; remove one of them, since the "
                "dataset has a mapping of its own"
            )
        use_mapping(source, _mapping_of(given))
        return
    stretch = options.get("stretch", PICTURE)
    if stretch not in STRETCHES:
        raise UserError(
            f"--stretch {stretch}: expected {PICTURE} or {DATASET}, such as --stretch {DATASET}"
            f"{suggest_name(stretch, STRETCHES)}"
        )
    mapping = ChannelMapping()
    if "channels" in options:
        mapping = ChannelMapping(parse_channels(options["channels"]))
    if "percentiles" in options:
        mapping = ChannelMapping(mapping.channels, parse_percentiles(options["percentiles"]))
    if stretch == DATASET:
        mapping = _with_limits_of(source, mapping)
    use_mapping(source, mapping)


def use_mapping(source: Source, mapping: ChannelMapping | None) -> None:
    """Gives the pictures and the class list of a source a mapping."""
    if mapping is None:
        return
    first = next(iter(source.pictures.between(0, min(1, len(source.pictures)))), None)
    if first is not None and not hasattr(first, "mapping"):
        raise UserError(
            f"{source.where}: --channels and --percentiles need pictures that are files, and this "
            "source has none; remove these options"
        )
    source.pictures = PicturesWith(source.pictures, mapping=mapping)
    source.categories = source.categories.with_pictures(mapping)


def _mapping_of(folder: str) -> ChannelMapping:
    categories = Categories.load(local_or_remote_path(folder) / "categories.json")
    if categories.pictures is None:
        raise UserError(
            f"--mapping_of {folder}: found a dataset without a mapping of channels; remove the "
            "option, or give the folder of a dataset that was built with --channels"
        )
    return categories.pictures


def _with_limits_of(source: Source, mapping: ChannelMapping) -> ChannelMapping:
    if mapping.percentiles is None:
        raise UserError(
            "--stretch dataset: has no effect with --percentiles none; remove one of the two"
        )
    try:
        return with_limits(mapping, _samples(source))
    except ValueError as error:
        raise UserError(
            f"--stretch dataset: {source.where}: found {error}; expected pictures with the same "
            "channels. Choose channels that all of them have, such as --channels 0"
        ) from None


def _samples(source: Source) -> Iterator[np.ndarray]:
    """Yields the channels of some pictures; a build names those that cannot be read."""
    count = len(source.pictures)
    step = max(1, -(-count // _NUM_SAMPLES))
    for start in range(0, count, step):
        for picture in source.pictures.between(start, start + 1):
            try:
                yield read_channels(picture.read_image(), picture.max_pixels)
            except (UnusablePicture, UnreadablePicture):
                continue
