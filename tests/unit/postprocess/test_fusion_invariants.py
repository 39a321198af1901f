"""What fusion must not depend on: order of proposals, size of chunks, tracing."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.postprocess.borders import mask_areas, pixel_owners, sure_patches
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from tests.unit.postprocess.fused_masks import IS_THING, STRIDE, fuse


def _random_proposals(rng, count=9, size=(6, 8)):
    """Smooth random masks, distinct scores and all classes."""
    coarse = rng.normal(scale=4, size=(count, size[0] // 2, size[1] // 2))
    masks = np.kron(coarse, np.ones([2, 2])) + rng.normal(size=(count, *size))
    return masks, rng.permutation(np.linspace(0.1, 0.9, count)), rng.integers(0, 4, count)


THRESHOLDS = {"score_threshold": 0.3, "overlap_threshold": 0.15, "min_area": 4}


def test_permuting_proposals_changes_nothing():
    rng = np.random.default_rng(0)
    for _ in range(5):
        proposals = _random_proposals(rng)
        expected = fuse(*proposals, image_size=(12, 12), **THRESHOLDS)
        assert len(expected[types.SEGMENT_IDS]) >= 2
        assert (np.diff(expected[types.SEGMENT_SCORES]) <= 0).all()
        shuffled = fuse(*proposals, image_size=(12, 12), order=rng.permutation(9), **THRESHOLDS)
        for name, value in expected.items():
            np.testing.assert_array_equal(shuffled[name], value)


@pytest.mark.parametrize("at_a_time", [1, 100, 1000])
def test_few_products_at_a_time_give_the_same_answer(monkeypatch, at_a_time):
    proposals = _random_proposals(np.random.default_rng(1))
    expected = fuse(*proposals, image_size=(33, 29), **THRESHOLDS)
    monkeypatch.setattr(sure_patches, "ELEMENTS_AT_A_TIME", at_a_time)
    monkeypatch.setattr(pixel_owners, "PRODUCTS_AT_A_TIME", at_a_time)
    monkeypatch.setattr(mask_areas, "ELEMENTS_AT_A_TIME", at_a_time)
    monkeypatch.setattr(mask_areas, "LOGITS_AT_A_TIME", at_a_time)
    chunked = fuse(*proposals, image_size=(33, 29), **THRESHOLDS)
    for name, value in expected.items():
        np.testing.assert_array_equal(chunked[name], value)


def test_a_graph_gives_the_same_answer_for_pictures_of_any_size():
    fusion = PanopticFusion(**THRESHOLDS)
    signature = {
        types.PROPOSAL_SCORES: tf.TensorSpec([9], tf.float32),
        types.PROPOSAL_CLASS_IDS: tf.TensorSpec([9], tf.int32),
        types.MASK_EMBEDDINGS: tf.TensorSpec([9, 9], tf.float32),
        types.MASK_FEATURES: tf.TensorSpec([6, 8, 9], tf.float32),
    }

    @tf.function(input_signature=[signature, tf.TensorSpec([2], tf.int32)])
    def fuse_in_graph(proposals, image_size):
        return fusion(proposals, tf.constant([24, 32]), image_size, IS_THING, STRIDE)

    masks, scores, class_ids = _random_proposals(np.random.default_rng(2))
    for image_size in ((12, 12), (5, 3)):
        found = fuse_in_graph(
            {
                types.PROPOSAL_SCORES: tf.constant(scores, tf.float32),
                types.PROPOSAL_CLASS_IDS: tf.constant(class_ids, tf.int32),
                types.MASK_EMBEDDINGS: tf.eye(9),
                types.MASK_FEATURES: tf.constant(np.moveaxis(masks, 0, -1), tf.float32),
            },
            tf.constant(image_size),
        )
        expected = fuse(masks, scores, class_ids, image_size=image_size, **THRESHOLDS)
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value)
