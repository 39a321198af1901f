"""Items are joined directly and through others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskconver_tf.planning.first_configuration.parts.connected import connect_pairs, connected


@pytest.mark.parametrize(
    ("labelings", "expected"),
    [
        ([["a", "b", "a", "c"]], [0, 1, 0, 2]),
        ([["a", "b", "a", "c"], [1, 1, 2, 3]], [0, 0, 0, 1]),
        ([["a", "b", "c", "d"], [1, 2, 1, 2], [5, 6, 7, 5]], [0, 0, 0, 0]),
    ],
)
def test_labels_join_items(labelings, expected):
    assert connected(labelings).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_pairs_agree_with_a_slow_search(pairs):
    found = connect_pairs(20, pairs)
    slow = list(range(20))
    for _ in range(20):
        for a, b in pairs:
            slow[a] = slow[b] = min(slow[a], slow[b])
    for i in range(20):
        for j in range(20):
            assert (found[i] == found[j]) == (slow[i] == slow[j])
