"""Large maps on disk, read back by other readers."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from maskconver_tf.files.encoded_pictures.raw_values import read_rgb_ids
from maskconver_tf.inference.tiles.large_files import write_id_png, write_tiled_tiff


def bands_of(ids, seed=0):
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(ids), 4))
    return [band for band in np.split(ids, cuts) if len(band)]


@pytest.mark.parametrize("shape", [(1, 1), (70, 33), (513, 5), (1100, 700)])
def test_a_png_equals_the_map(tmp_path, shape):
    ids = np.random.default_rng(1).integers(0, 2**24, shape).astype(np.int32)
    write_id_png(tmp_path / "a.png", *shape, bands_of(ids))
    np.testing.assert_array_equal(read_rgb_ids((tmp_path / "a.png").read_bytes()), ids)


@pytest.mark.parametrize("kind", [np.uint16, np.uint32])
@pytest.mark.parametrize("shape", [(1, 1), (70, 33), (512, 512), (513, 5), (1100, 700)])
def test_a_tiled_tiff_equals_the_map(tmp_path, shape, kind):
    ids = np.random.default_rng(1).integers(0, 2 ** (8 * np.dtype(kind).itemsize - 1), shape)
    write_tiled_tiff(tmp_path / "a.tif", *shape, kind, bands_of(ids.astype(np.int32)))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].is_tiled
        assert file.pages[0].dtype == kind
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.tif")), ids)
