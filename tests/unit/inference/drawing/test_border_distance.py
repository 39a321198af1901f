"""Distances worked out by hand, and by trying every pair of pixels."""

import numpy as np

from maskconver_tf.inference.drawing.border_distance import border_distance


def test_hand_worked_map():
    index = np.array(
        [
            [1, 1, 1, 1, 1],
            [1, 1, 1, 1, 1],
            [1, 1, 1, 1, 1],
            [1, 1, 2, 1, 1],
            [0, 1, 1, 1, 1],
        ]
    )
    assert border_distance(index).tolist() == [
        [4, 4, 3, 4, 5],
        [3, 3, 2, 3, 4],
        [2, 2, 1, 2, 3],
        [1, 1, 1, 1, 2],
        [1, 1, 1, 2, 3],
    ]


def test_equals_every_pair_of_pixels():
    rng = np.random.default_rng(0)
    for _ in range(60):
        size = rng.integers(1, 9, 2)
        index = rng.integers(0, rng.integers(2, 5), size) * (rng.random(size) < rng.random())
        rows, columns = np.indices(size)
        steps = np.abs(rows - rows[..., None, None]) + np.abs(columns - columns[..., None, None])
        steps[index[..., None, None] == index] = 10**6
        nearest = steps.min((-2, -1))
        found = border_distance(index)
        has_border = nearest < 10**6
        np.testing.assert_array_equal(found[has_border], nearest[has_border])
        assert (found[~has_border] >= size.sum()).all()
