"""Boundaries of known shapes."""

from __future__ import annotations

import numpy as np
import pytest

from maskconver_tf.evaluation.scoring.counting.boundaries import boundary_distance, boundary_ious
from maskconver_tf.evaluation.scoring.counting.joint_runs import find_pairs, joint_runs


def iou(truth: np.ndarray, predicted: np.ndarray) -> float:
    ids = np.arange(2)
    return boundary_ious(find_pairs(joint_runs(truth, predicted), ids, ids), truth.shape, 1)[0, 0]


@pytest.mark.parametrize(("size", "distance"), [((480, 640), 16), ((4, 4), 1), ((1024, 2048), 46)])
def test_the_distance_is_two_percent_of_the_diagonal(size, distance):
    assert boundary_distance(size) == distance


def square(start: int, stop: int, size: int = 40) -> np.ndarray:
    mask = np.zeros((size, size), int)
    mask[start:stop, start:stop] = 1
    return mask


def test_only_pixels_near_the_border_count():
    """d is 1, so a square of 20 has a boundary of 20² - 18² = 76 pixels."""
    assert iou(square(10, 30), square(10, 30)) == 1
    assert iou(square(10, 30), square(11, 29)) == 0  # Its boundary of 68 pixels is inside.
    hole = square(10, 30)
    hole[20, 20] = 0  # The 8 pixels around the hole become boundary, so IoU is 76 / 84.
    assert iou(square(10, 30), hole) == pytest.approx(76 / 84)


def test_the_border_of_the_picture_is_a_boundary():
    full = np.ones((40, 40), int)
    assert iou(full, full) == 1
    assert iou(full, square(0, 39)) == pytest.approx(77 / (156 + 152 - 77))


def test_many_segments_fit():
    ids = np.arange(300 * 4).reshape(30, 40)
    positions = np.arange(1200)
    ious = boundary_ious(find_pairs(joint_runs(ids, ids), positions, positions), ids.shape, 1199)
    assert np.array_equal(ious, np.eye(1199))
