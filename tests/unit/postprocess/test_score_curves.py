"""Curves give the values of NumPy's interpolation, for each class its own."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.postprocess.score_curves import ScoreCurves, recalibrated

CURVES = ScoreCurves(
    np.float32([[0.2, 0.4, 0.4, 0.8], [0.1, 0.5, 0.5, 0.5], [0.3, 0.3, 0.3, 0.3]]),
    np.float32([[0.1, 0.3, 0.5, 0.9], [0.0, 1.0, 1.0, 1.0], [0.7, 0.7, 0.7, 0.7]]),
)


@pytest.mark.parametrize(
    ("class_id", "score", "expected"),
    [
        (0, 0.0, 0.1),  # Below the first point.
        (0, 0.3, 0.2),
        (0, 0.5, 0.6),  # After the jump at 0.4.
        (0, 0.8, 0.9),
        (0, 1.0, 0.9),  # Beyond the last point.
        (1, 0.2, 0.25),
        (1, 0.7, 1.0),  # Beyond the last point of a shorter curve.
        (2, 0.0, 0.7),
        (2, 1.0, 0.7),
    ],
)
def test_a_worked_score(class_id, score, expected):
    found = recalibrated(CURVES, tf.constant([score]), tf.constant([class_id]))
    np.testing.assert_allclose(found, [expected], atol=1e-6)


def test_many_scores_are_those_of_numpy():
    draw = np.random.default_rng(0)
    points = np.sort(draw.random([5, 40]), axis=1).astype(np.float32)
    shares = np.sort(draw.random([5, 40]), axis=1).astype(np.float32)
    scores, classes = draw.random(300).astype(np.float32), draw.integers(0, 5, 300)
    found = recalibrated(
        ScoreCurves(points, shares), tf.constant(scores), tf.constant(classes, tf.int32)
    )
    expected = [np.interp(s, points[c], shares[c]) for s, c in zip(scores, classes, strict=True)]
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_one_point_and_no_segment():
    flat = ScoreCurves(np.float32([[0.5]]), np.float32([[0.25]]))
    np.testing.assert_allclose(recalibrated(flat, tf.constant([0.1]), tf.constant([0])), [0.25])
    none = recalibrated(CURVES, tf.zeros([0]), tf.zeros([0], tf.int32))
    assert none.shape == [0]
