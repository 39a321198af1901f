"""Mean IoU, worked by hand."""

import numpy as np
import pytest

from maskconver_tf.evaluation.mean_iou import MeanIou


def test_intersection_over_union_by_class():
    quality = MeanIou(4)
    quality.update(np.array([[0, 0, 1], [1, 1, -1]]), np.array([[0, 1, 1], [1, 0, 2]]))
    result = quality.result()
    # Class 2 was predicted on void alone, class 3 nowhere: neither occurs.
    np.testing.assert_allclose(result.iou, [1 / 3, 2 / 4, np.nan, np.nan])
    assert result.mean_iou == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert result.pixel_accuracy == pytest.approx(3 / 5)


def test_a_class_that_is_only_predicted_counts():
    quality = MeanIou(2)
    quality.update(np.array([[0, 0]]), np.array([[0, 1]]))
    np.testing.assert_allclose(quality.result().iou, [1 / 2, 0])


def test_pictures_are_counted_together_not_averaged():
    quality = MeanIou(2)
    quality.update(np.array([[0, 0, 0]]), np.array([[0, 0, 0]]))
    quality.update(np.array([[0, 1]]), np.array([[1, 1]]))
    np.testing.assert_allclose(quality.result().iou, [3 / 4, 1 / 2])


def test_nothing_labelled_is_no_score():
    quality = MeanIou(2)
    quality.update(np.array([[-1]]), np.array([[1]]))
    assert np.isnan(quality.result().mean_iou)
    assert np.isnan(quality.result().pixel_accuracy)
