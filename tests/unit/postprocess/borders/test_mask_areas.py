"""Areas of masks above one half: bounds, exact counts, and the share that was won."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.postprocess.borders.logit_patches import logit_grid
from maskconver_tf.postprocess.borders.mask_areas import area_bounds, mask_areas, wins_its_mask


def test_bounds_hold_and_counts_are_those_of_the_resized_mask():
    logits = np.random.default_rng(0).normal(scale=3, size=[5, 6, 7]).astype(np.float32)
    size = [41, 37]
    grid = logit_grid(tf.constant(logits), tf.constant(size))
    expected = np.count_nonzero(tf.image.resize(logits, size) > 0, axis=(0, 1))
    bounds = area_bounds(grid)
    np.testing.assert_array_equal(mask_areas(grid, bounds), expected)
    assert (bounds.least.numpy() <= expected).all() and (bounds.most.numpy() >= expected).all()
    assert (bounds.least.numpy() < bounds.most.numpy()).all()


@pytest.mark.parametrize(("share", "expected"), [(0.5, True), (0.75, True), (0.76, False)])
def test_three_of_four_pixels(share, expected):
    grid = logit_grid(tf.constant([[[1.0], [1.0], [1.0], [1.0]]]), tf.constant([1, 4]))
    found = wins_its_mask(grid, tf.constant([3]), tf.constant(share))
    assert found.numpy().tolist() == [expected]


def test_pixels_decide_where_bounds_do_not_and_empty_masks_never_win():
    # Four pixels of -1, 0, 2 and 3: two are above one half. The second mask has none.
    grid = logit_grid(tf.constant([[[-1.0, -1.0], [3.0, 0.0]]]), tf.constant([1, 4]))
    for won, expected in ((1, False), (2, True)):
        found = wins_its_mask(grid, tf.constant([won, 4]), tf.constant(1.0))
        assert found.numpy().tolist() == [expected, False]
