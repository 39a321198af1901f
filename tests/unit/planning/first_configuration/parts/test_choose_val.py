"""Validation gets whole groups, nearly the wanted share, and always the same ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskconver_tf.errors import UserError
from maskconver_tf.planning.first_configuration.parts.choose_val import (
    choose_val,
    group_by_folder,
)


@pytest.mark.parametrize(("count", "share", "expected"), [(10, 0.2, 2), (5, 0.01, 1), (4, 0.99, 3)])
def test_single_pictures_meet_the_share_but_both_parts_have_one(count, share, expected):
    names = [f"{i}.png" for i in range(count)]
    assert choose_val(names, np.arange(count), share).sum() == expected


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60), st.floats(0.01, 0.99))
def test_no_group_is_divided_and_no_part_is_empty(groups, share):
    groups = np.array(groups)
    names = [f"{i}.png" for i in range(len(groups))]
    if len(set(groups.tolist())) < 2:
        with pytest.raises(UserError, match="belong together"):
            choose_val(names, groups, share)
        return
    is_val = choose_val(names, groups, share)
    assert 0 < is_val.sum() < len(groups)
    assert not set(groups[is_val].tolist()) & set(groups[~is_val].tolist())
    smallest = np.unique(groups, return_counts=True)[1].min()
    assert is_val.sum() <= max(round(share * len(groups)), smallest)


def test_the_choice_follows_names_and_not_the_order():
    names, groups = [f"{i}.png" for i in range(40)], np.arange(40)
    chosen = {
        name for name, taken in zip(names, choose_val(names, groups, 0.25), strict=True) if taken
    }
    turned = choose_val(names[::-1], groups, 0.25)
    assert chosen == {name for name, taken in zip(names[::-1], turned, strict=True) if taken}
    firsts = [int(name.split(".")[0]) for name in chosen]
    assert max(firsts) - min(firsts) > 20  # Not the first or the last ones.


def test_folders_stay_together_with_everything_alike():
    names = ["a/1.png", "a/2.png", "b/1.png", "c/1.png", "c\\2.png"]
    found = group_by_folder(names, np.array([0, 1, 2, 2, 3]))
    assert found.tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("names", [["1.png", "2.png"], ["a/1.png", "a/2.png"]])
def test_one_folder_cannot_group(names):
    with pytest.raises(UserError, match="--group_by folder: found .* expected two folders"):
        group_by_folder(names, np.arange(2))
