"""Contested patches, decided by tiles and by pixels."""

import tensorflow as tf

from maskconver_tf.postprocess.borders.logit_patches import logit_grid
from maskconver_tf.postprocess.borders.sure_patches import CONTESTED, NOBODY
from maskconver_tf.postprocess.borders.tile_contest import contest_pixels, contest_tiles

# Two masks cross in the middle of twenty pixels between two cells; each tile has five pixels.
LOGITS = tf.constant([[[9.0, -9.0], [-9.0, 9.0]]])
SCORES = tf.constant([0.5, 0.5])


def test_only_the_tile_at_the_crossing_stays_open():
    grid = logit_grid(LOGITS, tf.constant([1, 30]))
    assert int(grid.columns.splits) == 3
    # The pixel lies in the gap behind the only row of cells or before it.
    row = int(grid.rows.gap_of[0])
    patches = tf.constant([3 * row + 1] * 2)
    owners, rivals = contest_tiles(grid, SCORES, patches, tf.constant([0, 0]), tf.constant([0, 1]))
    assert owners.numpy().tolist() == [[[0, CONTESTED, 1]]]
    assert rivals.numpy().tolist() == [[0, 0, 1], [1, 0, 1]]


def test_the_first_of_equal_products_wins_and_zeros_win_nothing():
    logits = tf.constant([[[0.5, 0.5, -200.0]]])
    grid = logit_grid(logits, tf.constant([1, 1]))
    patch = 2 * int(grid.rows.gap_of[0]) + int(grid.columns.gap_of[0])
    zeros = tf.zeros([3], tf.int32)
    rivals = {
        "patches": tf.fill([3], patch),
        "row_bands": zeros,
        "column_bands": zeros,
        "proposals": tf.constant([0, 1, 2]),
        "tiles": tf.constant([0, 0, 1]),
    }
    winners, won = contest_pixels(grid, tf.constant([0.5, 0.5, 1.0]), rivals, tf.constant(2))
    assert winners.numpy().tolist() == [[0], [NOBODY]]
    assert won.numpy().ravel().tolist() == [True, False, False]
