"""Bounds come from the distribution, within what the cells of a level can tell apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskconver_tf.planning.first_configuration.choosing.levels import level_bounds, level_shares

LEVELS = [(3, 4, 5), (2, 3, 4, 5)]


def test_bounds_are_quantiles_where_cells_allow_them():
    half_diagonals = np.linspace(0, 100, 101)
    assert level_bounds(half_diagonals, (3, 4, 5)) == (50, 80)


@pytest.mark.parametrize(("value", "expected"), [(1, (28, 56)), (900, (56, 112))])
def test_bounds_keep_to_the_cells_of_their_level(value, expected):
    assert level_bounds(np.full(9, value), (3, 4, 5)) == expected


@given(st.lists(st.floats(0.5, 3000), max_size=50), st.sampled_from(LEVELS))
def test_bounds_ascend_and_fit_the_levels(half_diagonals, levels):
    bounds = level_bounds(np.array(half_diagonals), levels)
    assert len(bounds) == len(levels) - 1 and list(bounds) == sorted(bounds)
    assert all(isinstance(bound, int) for bound in bounds)
    shares = level_shares(np.array(half_diagonals), bounds)
    assert len(shares) == len(levels)
    assert sum(shares) == pytest.approx(1 if half_diagonals else 0)


def test_a_segment_on_a_bound_belongs_to_the_finer_level():
    assert level_shares(np.array([28, 28.1, 56, 57]), (28, 56)) == [0.25, 0.5, 0.25]
