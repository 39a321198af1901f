"""Interpolation between cells: the pixels of `tf.image.resize`, and bounds that hold."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.postprocess.borders.logit_patches import exact_sigmoid, logit_grid


def all_tiles(grid):
    """Patch, row band, column band of every tile."""
    rows, columns = grid.rows, grid.columns
    patches = int(rows.gaps) * int(columns.gaps)
    shape = patches, int(rows.splits), int(columns.splits)
    return (tf.constant(x.ravel(), tf.int32) for x in np.indices(shape))


@pytest.mark.parametrize("size", [(3, 50), (17, 2), (1, 1), (23, 31)])
def test_tiles_have_the_pixels_of_resize_within_their_bounds(size):
    logits = np.random.default_rng(1).normal(scale=5, size=[3, 4, 2]).astype(np.float32)
    grid = logit_grid(tf.constant(logits), tf.constant(size))
    patches, row_bands, column_bands = all_tiles(grid)
    expected = tf.image.resize(logits, size)[..., 1].numpy()
    tiles = patches, row_bands, column_bands
    found = grid.tile_logits(*tiles, tf.ones_like(patches)).numpy()
    mask, pixels = grid.tile_mask(*tiles).numpy(), grid.tile_pixels(*tiles).numpy()
    assert sorted(pixels[mask]) == list(range(size[0] * size[1]))
    np.testing.assert_array_equal(found[mask], expected.ravel()[pixels[mask]])
    low, high = grid.tile_bounds(patches, tf.ones_like(patches))
    place = np.arange(len(patches)), row_bands.numpy(), column_bands.numpy()
    low, high = low.numpy()[place], high.numpy()[place]
    for tile, inside, least, most in zip(found, mask, low, high):
        if inside.any():
            assert least - grid.slack <= tile[inside].min()
            assert most + grid.slack >= tile[inside].max()


def test_equal_logits_have_equal_sigmoids_everywhere_in_a_tensor():
    for size in range(1, 40):
        assert len(np.unique(exact_sigmoid(tf.fill([size], 0.3)))) == 1
