"""Overlaps from runs against a count of each pixel."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from maskconver_tf.evaluation.scoring.counting.joint_runs import find_pairs, joint_runs, unlisted
from maskconver_tf.files.id_map import ids_to_rgb


@pytest.mark.parametrize("form", ["ids", "rgb", "mixed"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (13, 17), (260, 257)])
def test_each_pixel_is_counted_once(form, shape):
    random = np.random.default_rng(3)
    known = np.array([0, 1, 256, 65536, 65537, 2**24 - 1])
    maps = [random.choice(known, shape) for _ in range(2)]
    sides = {
        "ids": maps,
        "rgb": [ids_to_rgb(m) for m in maps],
        "mixed": [ids_to_rgb(maps[0]), maps[1]],
    }
    orders = [random.permutation(known) for _ in range(2)]
    overlaps = find_pairs(joint_runs(*sides[form]), *orders).overlaps()
    expected = Counter(zip(*(m.ravel().tolist() for m in maps), strict=True))
    for i, truth in enumerate(orders[0].tolist()):
        for j, predicted in enumerate(orders[1].tolist()):
            assert overlaps[i, j] == expected[truth, predicted]


def test_runs_go_on_over_the_ends_of_rows():
    ones = np.ones((5, 7), int)
    runs = joint_runs(ones, ones)
    assert runs.lengths.tolist() == [35]


def test_unlisted_ids_are_named_once():
    assert unlisted(np.array([5, 1, 9, 5]), np.array([1, 2])).tolist() == [5, 9]
    assert unlisted(np.array([2, 1]), np.array([1, 2])).size == 0
