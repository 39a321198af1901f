"""Quarter turns and vertical flips on literal maps."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.input.augment.turns import (
    random_turns,
    random_upend,
    turn,
    turned_size,
    window_before_turns,
)
from maskconver_tf.input.transforms import Window

MAP = np.array([[1, 2, 3], [4, 5, 6]], np.uint16)
TURNED = {
    0: [[1, 2, 3], [4, 5, 6]],
    1: [[3, 6], [2, 5], [1, 4]],
    2: [[6, 5, 4], [3, 2, 1]],
    3: [[4, 1], [5, 2], [6, 3]],
}


def seed_of(number: int) -> tf.Tensor:
    return tf.constant([number, 5])


def picture_of(segment_map: np.ndarray) -> np.ndarray:
    """A picture that shows the numbers of the map in all channels."""
    return np.repeat(segment_map[..., np.newaxis], 3, -1).astype(np.uint8)


@pytest.mark.parametrize("turns", TURNED)
def test_turn(turns):
    assert turn(tf.constant(MAP), turns).numpy().tolist() == TURNED[turns]
    picture = turn(tf.constant(picture_of(MAP)), turns).numpy()
    assert picture[..., 1].tolist() == TURNED[turns]
    assert turned_size(tf.constant([2, 3]), turns).numpy().tolist() == [*np.shape(TURNED[turns])]


@pytest.mark.parametrize("turns", TURNED)
@pytest.mark.parametrize("begin", [(0, 0), (1, 2), (2, 1)])
def test_a_crop_before_a_turn_is_the_crop_after_it(turns, begin):
    whole = np.arange(1, 6 * 7 + 1).reshape(6, 7)
    window = Window(tf.constant(begin), tf.constant([2, 4]), tf.constant([4, 8]))
    source = window_before_turns(window, tf.constant([6, 7]), tf.constant(turns))
    (y, x), (height, width) = source.begin.numpy(), source.extent.numpy()
    crop = whole[y : y + height, x : x + width]
    after = np.rot90(whole, turns)[begin[0] : begin[0] + 2, begin[1] : begin[1] + 4]
    assert turn(tf.constant(crop), turns).numpy().tolist() == after.tolist()
    assert source.size.numpy().tolist() == ([8, 4] if turns % 2 else [4, 8])


def test_each_number_of_turns_comes_equally_often():
    drawn = [int(random_turns(seed_of(i))) for i in range(200)]
    assert sorted(set(drawn)) == [0, 1, 2, 3]
    assert max(drawn.count(n) for n in range(4)) < 80


def test_half_of_the_pictures_are_upended_with_their_maps():
    upside_down = MAP[::-1].tolist()
    count = 0
    for i in range(40):
        image, labels = random_upend(tf.constant(picture_of(MAP)), tf.constant(MAP), seed_of(i))
        assert labels.numpy().tolist() in (MAP.tolist(), upside_down)
        assert image.numpy()[..., 0].tolist() == labels.numpy().tolist()
        count += labels.numpy().tolist() == upside_down
    assert 10 < count < 30
