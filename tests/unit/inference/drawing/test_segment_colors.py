"""Colors of segments: one for each stuff class, and shades for neighboring things."""

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.palette import lab_colors
from maskconver_tf.inference.drawing.segment_colors import segment_colors
from maskconver_tf.types import Segment

CATEGORIES = Categories.from_coco(
    [{"id": 1, "name": "person", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}], "test"
)
PERSON, SKY = range(2)


def test_neighbors_of_one_thing_class_differ_in_color():
    """Nine persons in three rows, listed so that neighbors are far apart in the list."""
    index = np.kron(np.array([[1, 4, 7], [8, 2, 5], [6, 9, 3]]), np.ones((8, 8), int))
    colors = segment_colors(index, [Segment(i, PERSON) for i in range(1, 10)], CATEGORIES)
    assert colors[0].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(colors[1], CATEGORIES.colors[PERSON])
    one = np.concatenate([index[8::8].ravel(), index[:, 8::8].ravel()])
    other = np.concatenate([index[7:-1:8].ravel(), index[:, 7:-1:8].ravel()])
    apart = np.abs(colors[one].astype(int) - colors[other]).max(axis=1)
    assert apart.min() >= 15


def test_stuff_of_one_class_has_one_color():
    index = np.array([[1, 2]])
    colors = segment_colors(index, [Segment(1, SKY), Segment(2, SKY)], CATEGORIES)
    np.testing.assert_array_equal(colors[1:], CATEGORIES.colors[[SKY, SKY]])


def test_neighbors_in_a_crowd_differ_at_a_glance():
    """A chessboard of 100 persons that touches sky, in an order that tells nothing."""
    rng = np.random.default_rng(0)
    index = np.kron(rng.permutation(100).reshape(10, 10) + 1, np.ones((9, 9), int))
    index[:, 45:54] = 101
    segments = [*(Segment(i, PERSON) for i in range(1, 101)), Segment(101, SKY)]
    labs = lab_colors(segment_colors(index, segments, CATEGORIES)) / 100
    for one, other in ((index[:-1], index[1:]), (index[:, :-1], index[:, 1:])):
        touch = one != other
        apart = np.linalg.norm(labs[one[touch]] - labs[other[touch]], axis=-1)
        assert apart.min() >= 25
