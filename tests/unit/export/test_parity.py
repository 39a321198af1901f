"""The pictures of `maskconver parity`."""

import numpy as np
import tifffile

from maskconver_tf import types
from maskconver_tf.export.parity import read_pictures
from maskconver_tf.files.channels.channel_mapping import ChannelMapping


def test_pictures_go_through_the_channel_mapping_of_the_model(tmp_path):
    channels = np.random.default_rng(0).integers(0, 900, [32, 64, 4]).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", channels, photometric="minisblack", planarconfig="contig")
    mapping = ChannelMapping((3, 1, 0), (0, 100))
    [example] = read_pictures([str(tmp_path / "a.tif")], (32, 64), mapping)
    np.testing.assert_array_equal(example[types.IMAGE], mapping.apply(channels))
