"""Distances and contacts of look-alikes on literal maps."""

import numpy as np

from maskconver_tf.planning.first_configuration.looking.neighbors import (
    nearest_of_class,
    touching_of_class,
)


def test_only_centers_of_one_class_are_near():
    centers = np.array([[0, 0], [3, 4], [0, 1], [9, 9], [0, 2.5]])
    found = nearest_of_class(centers, np.array([0, 0, 1, 2, -1]))
    np.testing.assert_allclose(found, [5, 5, np.inf, np.inf, np.inf])


def test_many_centers_agree_with_one_large_comparison():
    rng = np.random.default_rng(0)
    centers, classes = rng.uniform(0, 900, (1300, 2)), rng.integers(-1, 2, 1300)
    found = nearest_of_class(centers, classes)
    apart = np.linalg.norm(centers[:, None] - centers[None], axis=2)
    others = (classes[:, None] == classes[None]) & (classes >= 0) & ~np.eye(1300, dtype=bool)
    np.testing.assert_allclose(found, np.where(others, apart, np.inf).min(axis=1))


def test_no_center_has_no_neighbor():
    assert nearest_of_class(np.zeros((0, 2)), np.zeros(0, int)).shape == (0,)


def test_contact_needs_a_shared_side_and_one_class():
    segment_map = np.array(
        [
            [1, 1, 2, 0, 5],
            [0, 3, 2, 0, 5],
            [4, 0, 6, 6, 0],
        ]
    )
    #                         1  2  3  4  5   6
    classes = np.array([0, 0, 0, 0, 1, -1])
    found = touching_of_class(segment_map, classes)
    # 1, 2 and 3 share sides. 4 meets 3 at a corner, 6 has no class, void is between 2 and 5.
    assert found.tolist() == [True, True, True, False, False, False]
