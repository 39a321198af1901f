"""Warnings name what does not fit, and keep still where all fits."""

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.planning.dataset_check.advice.auto_sizes import sizes_for
from maskconver_tf.planning.dataset_check.advice.settings_advice import (
    SettingsAdvice,
    TrainingView,
)


class Measured:
    """The fields of `PictureMeasures` that advice reads."""

    def __init__(self, sides, size=(256, 256), crowds=()):
        self.name, self.size = "a.png", size
        self.class_ids = [0] * len(sides)
        self.is_crowd = [i in crowds for i in range(len(sides))]
        self.areas = np.array([10, *(side**2 for side in sides)])


def warnings(pictures, sizes=((256, 256),), num_slots=248, **view) -> str:
    advice = SettingsAdvice(np.array([True, False]), sizes, num_slots, 4, TrainingView(**view))
    for picture in pictures:
        advice.add(picture)
    return "\n".join(advice.warnings())


def test_nothing_is_said_where_all_fits():
    assert warnings([Measured([40] * 20)] * 5) == ""
    assert warnings([]) == ""


def test_too_few_slots_and_proposals_name_the_picture_and_its_number():
    found = warnings([Measured([20] * 124), Measured([20] * 7)], num_slots=100, num_proposals=123)
    assert (
        "a.png has 124 segments, more than num_slots = 100; set num_slots to at least 124" in found
    )
    assert "more than num_proposals = 123" in found
    assert "num_" not in warnings([Measured([20] * 124)], num_slots=124, num_proposals=124)


def test_things_under_two_cells_are_counted_at_each_size():
    pictures = [Measured([12] * 90 + [40] * 10)]
    found = warnings(pictures, [(128, 128), (256, 256)])
    assert "at 128 x 128 90% of the things are less than 2 cells wide (8 input pixels)" in found
    assert "at 256 x 256" not in found
    assert warnings([Measured([4] * 10, crowds=range(10))]) == ""


def test_another_scale_in_training_is_told():
    found = warnings([Measured([40])], [(352, 480)], train_size=(288, 384))
    assert "pictures 1.22 times as large as a training at 288 x 384" in found
    assert "let scale_range contain 1.22" in found
    fits = warnings([Measured([9])], [(352, 480)], train_size=(288, 384), scale_range=(0.5, 1.5))
    assert "times as large" not in fits


def test_the_share_of_cut_things_is_that_of_random_crops():
    rng = np.random.default_rng(0)
    length, window, side = 512, 256, 40
    counts = np.zeros(2)
    for _ in range(4000):
        y, x = rng.uniform(0, length - side, 2)
        top, left = rng.uniform(0, length - window, 2)
        seen = -side < y - top < window and -side < x - left < window
        whole = 0 <= y - top <= window - side and 0 <= x - left <= window - side
        counts += seen, seen and not whole
    expected = counts[1] / counts[0]
    found = warnings([Measured([side // 2] * 30)], scale_range=(2.0, 2.0))
    [share] = [int(word[:-1]) for word in found.split() if word.endswith("%")]
    assert share / 100 == pytest.approx(expected, abs=0.06)
    assert "a crop cuts" in found
    assert "a crop cuts" not in warnings([Measured([20] * 30)], scale_range=(0.5, 1.0))


@pytest.mark.parametrize(
    ("view", "found"),
    [
        ({"scale_range": (2.0, 1.0)}, "--scale_range 2,1"),
        ({"scale_range": (0.0, 1.0)}, "--scale_range 0,1"),
        ({"num_proposals": 0}, "--num_proposals 0"),
    ],
)
def test_wrong_views_are_refused(view, found):
    with pytest.raises(UserError, match=found):
        TrainingView(**view)


def test_sizes_follow_the_pictures():
    found = sizes_for([(360, 480)] * 3)
    assert found == [(192, 256), (256, 352), (352, 480), (544, 704), (704, 960)]
    assert sizes_for([(256, 256), (256, 256), (999, 999)])[0] == (128, 128)
    huge = sizes_for([(3000, 4000)])
    assert max(max(size) for size in huge) <= 1344
    assert len(huge) == 1
    assert sizes_for([]) == [(640, 640)]
    assert all(side % 32 == 0 for size in sizes_for([(100, 73)]) for side in size)
