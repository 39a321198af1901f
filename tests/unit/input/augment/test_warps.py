"""Rotations and elastic deformations on literal maps."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.input.augment.warps import (
    pixel_places,
    random_warp,
    rotated,
    warp_image,
    warp_map,
)

MAP = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.uint16)


def picture_of(segment_map: np.ndarray) -> tf.Tensor:
    return tf.constant(np.repeat(segment_map[..., np.newaxis] * 20, 3, -1).astype(np.uint8))


def rotation(size: tuple[int, int], degrees: float) -> tf.Tensor:
    size = tf.constant(size)
    return rotated(pixel_places(size), size, tf.constant(degrees))


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (0.0, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
        (90.0, [[3, 6, 9], [2, 5, 8], [1, 4, 7]]),
        (-90.0, [[7, 4, 1], [8, 5, 2], [9, 6, 3]]),
        (180.0, [[9, 8, 7], [6, 5, 4], [3, 2, 1]]),
    ],
)
def test_rotations_by_right_angles_move_whole_pixels(degrees, expected):
    places = rotation((3, 3), degrees)
    assert warp_map(tf.constant(MAP), places).numpy().tolist() == expected
    picture = warp_image(picture_of(MAP), places).numpy()
    assert picture[..., 2].tolist() == (20 * np.array(expected)).tolist()


def test_corners_from_outside_are_void_and_black():
    """By 45 degrees the corners of the result come from outside, and the middle stays."""
    places = rotation((5, 5), 45.0)
    labels = warp_map(tf.ones([5, 5], tf.uint16), places).numpy()
    assert labels[[0, 0, 4, 4], [0, 4, 0, 4]].tolist() == [0, 0, 0, 0]
    assert labels[2].tolist() == [1, 1, 1, 1, 1]
    picture = warp_image(tf.fill([5, 5, 3], tf.constant(200, tf.uint8)), places).numpy()
    assert ((picture[..., 0] > 0) == (labels > 0)).all()


def test_a_picture_is_read_between_its_pixels():
    image = picture_of(np.array([[1, 3], [5, 7]]))
    places = tf.constant([[[0.0, 0.5], [0.5, 0.0], [0.5, 0.5]]])
    assert warp_image(image, places).numpy()[0, :, 0].tolist() == [40, 60, 80]


def test_a_map_has_no_new_numbers():
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 3, 700], [20, 30]).astype(np.uint16)
    places = random_warp(tf.constant([20, 30]), 40.0, 3.0, tf.constant([1, 2]))
    warped = warp_map(tf.constant(labels), places)
    assert warped.dtype == tf.uint16
    assert set(np.unique(warped)) <= {0, 3, 700}


@pytest.mark.parametrize(("degrees", "elastic"), [(30.0, 0.0), (0.0, 2.0), (20.0, 2.0)])
def test_picture_and_map_agree(degrees, elastic):
    """A picture that shows its map still shows it after the warp, away from borders."""
    labels = np.zeros([40, 50], np.uint16)
    labels[8:30, 5:25], labels[12:36, 28:44] = 4, 9
    places = random_warp(tf.constant([40, 50]), degrees, elastic, tf.constant([3, 4]))
    warped = warp_map(tf.constant(labels), places).numpy()
    picture = warp_image(picture_of(labels), places).numpy()[..., 0]
    assert not (warped == labels).all()
    same = picture == 20 * warped
    assert same.mean() > 0.85
    for label in (0, 4, 9):
        assert (same & (warped == label)).sum() > 0.7 * (warped == label).sum()


def test_the_seed_decides_and_the_largest_values_hold():
    size = tf.constant([16, 24])
    warps = [random_warp(size, 0.0, 2.0, tf.constant([i, 0])) for i in range(5)]
    again = random_warp(size, 0.0, 2.0, tf.constant([0, 0]))
    assert (again.numpy() == warps[0].numpy()).all()
    assert (warps[1].numpy() != warps[0].numpy()).any()
    for warp in warps:
        moved = np.abs((warp - pixel_places(size)).numpy())
        assert 0.2 < moved.max() < 2.0 * 1.6  # Bicubic curves may pass their control points.
    for i in range(5):
        places = random_warp(size, 10.0, 0.0, tf.constant([i, 0])).numpy()
        across = places[0, -1] - places[0, 0]
        assert abs(np.degrees(np.arctan2(across[0], across[1]))) <= 10.01
