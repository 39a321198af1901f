"""A request's score threshold holds for all classes; without one each class keeps its own."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.export.served_model.thresholds import for_each_picture, own_thresholds
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

FUSION = PanopticFusion(
    score_threshold=0.3, stuff_score_threshold=0.1, class_score_thresholds=(0.7, None, None)
)
IS_THING = tf.constant([True, True, False])


def least_scores(given: float) -> np.ndarray:
    """float32 `[C]`: what a proposal of each class needs in a request with a score threshold."""
    limits = for_each_picture(FUSION, {"score_threshold": tf.constant([given])}, tf.constant(1))
    of_picture = {name: value[0] for name, value in limits.items()}
    return FUSION.limits(of_picture).scores(IS_THING).numpy()


def test_a_request_without_a_threshold_has_those_of_the_classes():
    expected = np.float32([0.7, 0.3, 0.1])
    for nothing in (-1.0, -np.inf, np.nan):
        np.testing.assert_array_equal(least_scores(nothing), expected)
    np.testing.assert_array_equal(least_scores(float(own_thresholds(FUSION)[0][0])), expected)


def test_a_request_with_a_threshold_has_it_for_all_classes():
    np.testing.assert_array_equal(least_scores(0.5), np.float32([0.5, 0.5, 0.5]))


def test_pictures_of_a_batch_differ():
    given = {"score_threshold": tf.constant([-1.0, 0.2])}
    limits = for_each_picture(FUSION, given, tf.constant(2))
    np.testing.assert_allclose(limits["stuff_score_threshold"], [0.1, 0.2])
    assert limits["class_score_thresholds"].shape == (2, 3)


def test_a_request_with_an_overlap_threshold_has_it_for_stuff_too():
    fusion = PanopticFusion(overlap_threshold=0.5, stuff_overlap_threshold=0.0)
    given = {"overlap_threshold": tf.constant([-1.0, 0.5, 0.75])}
    limits = for_each_picture(fusion, given, tf.constant(3))
    np.testing.assert_allclose(limits["overlap_threshold"], [0.5, 0.5, 0.75])
    np.testing.assert_allclose(limits["stuff_overlap_threshold"], [0.0, 0.0, 0.75])


def test_lists_of_other_lengths_are_refused_and_none_is_the_own_threshold():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)], autograph=False)
    def areas(given):
        return for_each_picture(FUSION, {"min_area": given}, tf.constant(2))["min_area"]

    own = FUSION.min_area
    for given, expected in (([], [own, own]), ([7], [7, 7]), ([7, -1], [7, own])):
        assert areas(tf.constant(given, tf.int32)).numpy().tolist() == expected
    message = r"min_area: expected one value, or one for .*found. .3. .values for. .2. .pictures"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        areas(tf.constant([1, 2, 3]))
