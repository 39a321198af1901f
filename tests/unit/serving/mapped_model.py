"""A fake model that maps the channels of its pictures, and such a picture."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import tifffile

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from tests.unit.serving.fake_model import CATEGORIES, FakeModel, fake_version

MAPPING = ChannelMapping((3, 1, 0), (0, 100))
MAPPED = Categories(CATEGORIES.entries, MAPPING)
CHANNELS = np.random.default_rng(2).integers(0, 900, [20, 30, 4]).astype(np.uint16)
"""Nearly black without the mapping."""


def tiff(pixels: np.ndarray) -> bytes:
    """Returns a TIFF file of channels `[h, w, c]`."""
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, photometric="minisblack", planarconfig="contig")
    return out.getvalue()


def mapped_loader():
    """Returns a loader of versions, for the fixture `serve`."""
    model = FakeModel()
    return lambda path, number: dataclasses.replace(fake_version(number, model), categories=MAPPED)
