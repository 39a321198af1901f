"""Random numbers are the raw bits of one generator, and sines are rounded the same everywhere."""

from __future__ import annotations

import numpy as np

from maskconver_tf.datasets.synthetic import dice


def test_no_sine_lies_where_rounding_could_go_either_way():
    exact = np.sin(np.arange(1024) * (2 * np.pi / 1024)) * 2**20
    assert np.abs(np.abs(exact - np.floor(exact)) - 0.5).min() > 1e-6


def test_dice_are_the_raw_bits_of_pcg64():
    raw = np.random.PCG64(np.random.SeedSequence((1, 2))).random_raw(3)
    rolled = dice.Dice(1, 2)
    assert rolled.uniform(0, 1) == (int(raw[0]) >> 11) / 2**53
    assert rolled.units(1)[0] == (int(raw[1]) >> 11) / 2**53
    assert rolled.bytes(8).tobytes() == int(raw[2]).to_bytes(8, "little")
