"""Halves depend on ids only, and a gain is real if its interval is above 0."""

import numpy as np
import pytest

from maskconver_tf.training.tuning.halves import halves, paired_gain, position_of

IDS = [str(number) for number in range(101)]


def test_halves_are_the_same_in_any_order():
    found = dict(zip(IDS, halves(IDS)))
    order = np.random.default_rng(0).permutation(101)
    assert dict(zip([IDS[i] for i in order], halves([IDS[i] for i in order]))) == found
    assert sorted(np.bincount(list(found.values()))) == [50, 51]


def test_positions_are_spread_over_the_unit_interval():
    places = np.array([position_of(each) for each in IDS])
    assert places.min() >= 0
    assert places.max() < 1
    assert np.abs(np.histogram(places, 4, (0, 1))[0] - 25).max() < 15
    assert position_of("7") != position_of('"7"')


def counts(tp: list[int], fp: list[int]) -> np.ndarray:
    """float64 `[P, 1, 5]`: pictures of one class with an IoU of 0.8 each."""
    found = np.zeros([len(tp), 1, 5])
    found[:, 0, 0], found[:, 0, 2], found[:, 0, 3] = 0.8 * np.array(tp), tp, fp
    return found


def test_a_gain_in_every_picture_is_real():
    gain = paired_gain(counts([4] * 20, [4] * 20), counts([4] * 20, [2] * 20))
    assert (gain.before, gain.after) == (pytest.approx(80 * 4 / 6), pytest.approx(80 * 4 / 5))
    assert gain.is_real
    assert gain.low == pytest.approx(gain.after - gain.before)


def test_a_gain_in_one_picture_may_be_chance():
    gain = paired_gain(counts([4] * 20, [4] * 20), counts([4] * 20, [2] + [4] * 19))
    assert gain.after > gain.before
    assert not gain.is_real
    assert not paired_gain(counts([4], [1]), counts([4], [1])).is_real
