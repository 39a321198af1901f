"""Borders of segments against edges of pictures, on literal maps and drawn pictures."""

from __future__ import annotations

import numpy as np
import pytest

from maskconver_tf.planning.learn_by_heart.label_edges import (
    agreement,
    borders,
    edge_strength,
    find_peak,
    on_canvas,
)


def test_borders_are_both_sides_of_a_change():
    segment_map = np.array([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 3, 3]])
    assert borders(segment_map).tolist() == [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1]]


def test_borders_of_small_unsigned_numbers():
    """A difference of unsigned numbers must not wrap."""
    assert borders(np.array([[2, 1], [2, 1]], np.uint8)).tolist() == [[1, 1], [1, 1]]
    assert borders(np.array([[5]], np.uint8)).tolist() == [[0]]


def test_edge_strength_is_largest_at_the_largest_difference():
    image = np.zeros([3, 6, 3], np.uint8)
    image[:, 3:, 1] = 100  # Only one channel differs.
    strength = edge_strength(image)
    assert abs(strength.mean()) < 1e-6
    assert strength.std() == pytest.approx(1)
    expected = [False, False, True, True, False, False]
    assert (strength > 0).tolist() == [expected] * 3


def test_a_picture_of_one_color_has_no_edges():
    assert not edge_strength(np.full([4, 5, 3], 7, np.uint8)).any()


def squares(seed: int, size: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """A noisy picture with rectangles, and its map."""
    rng = np.random.default_rng(seed)
    segment_map = np.zeros([size, size], np.int32)
    for segment in range(1, 9):
        y, x = rng.integers(0, size - 30, 2)
        h, w = rng.integers(10, 30, 2)
        segment_map[y : y + h, x : x + w] = segment
    image = rng.integers(0, 255, [9, 3])[segment_map] + rng.normal(0, 12, [size, size, 3])
    return np.clip(image, 0, 255).astype(np.uint8), segment_map


def peak_of(image: np.ndarray, segment_map: np.ndarray):
    return find_peak(agreement(edge_strength(image), borders(segment_map)))


def test_a_map_in_place_has_its_peak_in_the_middle():
    peak = peak_of(*squares(0))
    assert peak.shift == (0, 0)
    assert peak.height == peak.height_in_place > 10


@pytest.mark.parametrize("shift", [(5, 0), (0, -7), (-9, 11)])
def test_the_peak_tells_how_far_a_map_is_shifted(shift):
    image, segment_map = squares(1)
    peak = peak_of(image, np.roll(segment_map, shift, (0, 1)))
    assert np.abs(np.subtract(peak.shift, shift)).max() <= 1
    assert peak.height > 10 > 2 * peak.height_in_place


def test_the_map_of_another_picture_has_no_clear_peak():
    assert peak_of(squares(2)[0], squares(3)[1]).height < 8


def test_the_canvas_keeps_the_content_at_the_top_left():
    assert on_canvas(np.array([[1, 2]]), (2, 3)).tolist() == [[1, 2, 0], [0, 0, 0]]


def test_a_picture_without_borders_has_no_peak():
    image, _ = squares(4)
    assert peak_of(image, np.zeros(image.shape[:2], np.int32)).height == 0
