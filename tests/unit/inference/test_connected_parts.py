"""Connected parts against SciPy's labelling of each value."""

import numpy as np
from scipy import ndimage

from maskconver_tf.inference.connected_parts import connected_parts


def test_parts_equal_those_of_each_value_by_itself():
    rng = np.random.default_rng(0)
    for number in range(60):
        values = rng.integers(0, 2 + number % 4, rng.integers(1, 14, 2))
        parts, value_of = connected_parts(values)
        np.testing.assert_array_equal(np.array([0, *value_of])[parts], values)
        count = 0
        for value in set(values.ravel().tolist()) - {0}:
            expected, num = ndimage.label(values == value)
            count += num
            pairs = set(zip(expected[values == value], parts[values == value]))
            assert len(pairs) == num
        assert parts.max(initial=0) == count == len(value_of)


def test_corners_do_not_connect():
    parts, _ = connected_parts(np.array([[4, 0], [0, 4]]))
    assert sorted(parts.ravel().tolist()) == [0, 0, 1, 2]
