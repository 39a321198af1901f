"""Classes may have score thresholds of their own."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.postprocess.class_thresholds import least_scores
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from tests.unit.postprocess.fused_masks import box_logits, fuse


def test_a_class_has_its_own_threshold_or_that_of_its_group():
    of_group = tf.constant([0.5, 0.5, 0.2])
    np.testing.assert_allclose(least_scores(of_group, (None, 0.9, 0.0)), [0.5, 0.9, 0.0])
    np.testing.assert_allclose(least_scores(of_group, tf.constant([-1, 0.9, 0])), [0.5, 0.9, 0.0])
    np.testing.assert_array_equal(least_scores(of_group, ()), of_group)


def test_the_fusion_drops_proposals_below_the_threshold_of_their_class():
    masks = [box_logits((k, 0, k + 1, 4)) for k in range(4)]
    settings = {"score_threshold": 0.5, "class_score_thresholds": [0.7, None, None, 0.1]}
    found = fuse(masks, [0.6, 0.6, 0.3, 0.2], [0, 1, 2, 3], **settings)
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [1, 3]
    everything = {"score_threshold": 0.0, "class_score_thresholds": ()}
    found = fuse(masks, [0.6, 0.6, 0.3, 0.2], [0, 1, 2, 3], thresholds=everything, **settings)
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("wrong", [(0.3, 1.5), (True,), "0.3", 0.3, (float("nan"),)])
def test_wrong_thresholds_are_refused(wrong):
    with pytest.raises(UserError, match=r"PanopticFusion.class_score_thresholds.*number from 0"):
        PanopticFusion(class_score_thresholds=wrong)


def test_a_list_of_another_length_names_both_lengths():
    with pytest.raises(UserError, match="has 2 entries; expected one for each of the 4 classes"):
        fuse([box_logits((0, 0, 4, 4))], [0.9], [0], class_score_thresholds=(0.3, None))
