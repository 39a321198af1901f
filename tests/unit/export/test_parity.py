"""The pictures of `maskconver parity`, and the names of its exports."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from maskconver_tf import types
from maskconver_tf.export.parity import names_of, read_pictures
from maskconver_tf.files.channels.channel_mapping import ChannelMapping


def test_pictures_go_through_the_channel_mapping_of_the_model(tmp_path):
    channels = np.random.default_rng(0).integers(0, 900, [32, 64, 4]).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", channels, photometric="minisblack", planarconfig="contig")
    mapping = ChannelMapping((3, 1, 0), (0, 100))
    [example] = read_pictures([str(tmp_path / "a.tif")], (32, 64), mapping)
    np.testing.assert_array_equal(example[types.IMAGE], mapping.apply(channels))


@pytest.mark.parametrize(
    "paths, names",
    [
        (["a/exported", "lite"], ["exported", "lite"]),
        (["a/exported", "b/exported"], ["a/exported", "b/exported"]),
        (["a/exported", "a/exported/"], ["exported"]),
        (["."], ["."]),
    ],
)
def test_each_export_has_a_name_of_its_own(paths, names):
    assert list(names_of(map(Path, paths)).values()) == names
