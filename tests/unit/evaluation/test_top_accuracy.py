"""Top-k accuracy, worked by hand."""

import numpy as np
import pytest

from maskconver_tf.evaluation.top_accuracy import TopAccuracy


def test_counts_the_class_among_the_k_best():
    accuracy = TopAccuracy((1, 2))
    accuracy.update(np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]), np.array([1, 1]))
    accuracy.update(np.array([[0.5, 0.3, 0.2]]), np.array([2]))
    assert accuracy.result() == pytest.approx({"top_1": 1 / 3, "top_2": 2 / 3})


def test_constant_scores_and_nan_gain_nothing():
    accuracy = TopAccuracy()
    accuracy.update(np.zeros([4, 10]), np.arange(4))
    accuracy.update(np.full([4, 10], np.nan), np.arange(4))
    assert accuracy.result() == {"top_1": 0, "top_5": 0}


def test_no_pictures_are_no_score():
    assert all(np.isnan(value) for value in TopAccuracy().result().values())
