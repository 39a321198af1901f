"""The mean is over the classes that occur."""

import numpy as np
import pytest

from maskconver_tf.evaluation.mean_pq import mean_pq

# Both parts of the sum of IoU, TP, FP and FN.
FOUND = [2.0, 0.4, 3.0, 2.0, 0.0]
ABSENT = [0.0] * 5


def test_pq_of_counts():
    assert mean_pq(np.array([FOUND])) == pytest.approx(0.8 * 3 / 4)
    assert mean_pq(np.array([FOUND, ABSENT])) == pytest.approx(0.6)
    missed = [0.0, 0.0, 0.0, 0.0, 1.0]
    assert mean_pq(np.array([FOUND, missed])) == pytest.approx(0.3)
    assert np.isnan(mean_pq(np.zeros([2, 5])))


def test_one_score_for_each_leading_index():
    found = mean_pq(np.array([[FOUND, ABSENT], [ABSENT, ABSENT]]))
    np.testing.assert_allclose(found, [0.6, np.nan])
