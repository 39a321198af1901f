"""The fusion with fixed shapes equals the plain definition, and XLA compiles it."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.postprocess.fixed_fusion import FixedFusion
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from tests.unit.postprocess.fused_masks import IS_THING, STRIDE
from tests.unit.postprocess.plain_fusion import PlainFusion

CANVAS = (23, 29)
COUNT = 9
SETTINGS = (
    {"score_threshold": 0.2, "overlap_threshold": 0.3, "min_area": 4},
    {"score_threshold": 0.1, "stuff_score_threshold": 0.3, "min_area": 9, "runner_up": True},
    {"score_threshold": 0.1, "overlap_threshold": 0.2, "stuff_overlap_threshold": 0.9},
)


def random_proposals(seed):
    rng = np.random.default_rng(seed)
    masks = np.kron(rng.normal(scale=4, size=[3, 4, COUNT]), np.ones([2, 2, 1]))
    masks += rng.normal(size=masks.shape)
    centers = STRIDE * (rng.integers(0, [6, 8], [COUNT, 2]) + 0.5)
    return {
        types.PROPOSAL_SCORES: tf.constant(rng.choice([0.05, 0.25, 0.5, 0.7], COUNT), tf.float32),
        types.PROPOSAL_CLASS_IDS: tf.constant(rng.integers(0, 4, COUNT), tf.int32),
        types.PROPOSAL_CENTERS: tf.constant(centers, tf.float32),
        types.MASK_EMBEDDINGS: tf.eye(COUNT),
        types.MASK_FEATURES: tf.constant(masks, tf.float32),
    }


@functools.cache
def fixed(settings, compiled):
    fusion = FixedFusion(PanopticFusion(**SETTINGS[settings]), CANVAS)

    @tf.function(jit_compile=compiled, autograph=False)
    def call(proposals, content_size, image_size):
        return fusion(proposals, content_size, image_size, IS_THING, STRIDE)

    return call


def both(settings, compiled, seed, content_size, image_size):
    arguments = random_proposals(seed), tf.constant(content_size), tf.constant(image_size)
    found = fixed(settings, compiled)(*arguments)
    expected = PlainFusion(**SETTINGS[settings])(*arguments, IS_THING, STRIDE)
    return found, expected


@pytest.mark.parametrize("settings", range(len(SETTINGS)))
@pytest.mark.parametrize(
    ("content_size", "image_size"),
    [((24, 32), CANVAS), ((17, 32), (15, 29)), ((24, 9), (23, 5)), ((4, 4), (1, 1))],
)
def test_it_equals_the_plain_definition(settings, content_size, image_size):
    for seed in range(5):
        found, expected = both(settings, False, seed, content_size, image_size)
        count = len(expected[types.SEGMENT_IDS])
        for name, value in expected.items():
            if name != types.PANOPTIC_MAP:
                np.testing.assert_array_equal(found[name][:count], value, err_msg=name)
                assert (found[name][count:].numpy() == -(name == types.SEGMENT_CLASS_IDS)).all()
                assert found[name].shape[0] == COUNT
        inside = found[types.PANOPTIC_MAP][: image_size[0], : image_size[1]]
        np.testing.assert_array_equal(inside, expected[types.PANOPTIC_MAP])
        assert np.count_nonzero(found[types.PANOPTIC_MAP]) == np.count_nonzero(inside)


def test_xla_compiles_it_once_for_pictures_of_all_sizes():
    equal = total = 0
    for seed, image_size in enumerate([CANVAS, (11, 29), (23, 7), (6, 8)]):
        found, expected = both(1, True, seed, (24, 32), image_size)
        inside = found[types.PANOPTIC_MAP][: image_size[0], : image_size[1]]
        equal += np.count_nonzero(inside == expected[types.PANOPTIC_MAP])
        total += np.prod(image_size)
    assert equal >= 0.999 * total
    assert fixed(1, True).experimental_get_tracing_count() == 1


def test_mask_quality_counts_the_cells_of_the_picture_only():
    proposals = random_proposals(0)
    del proposals[types.PROPOSAL_CENTERS]
    settings = {"score_threshold": 0.0, "overlap_threshold": 0.0, "min_area": 1}
    arguments = proposals, tf.constant([13, 20]), tf.constant([15, 29]), IS_THING, STRIDE
    fusion = PanopticFusion(**settings, mask_quality=True)
    found = FixedFusion(fusion, CANVAS)(*arguments)
    expected = PlainFusion(**settings, mask_quality=True)(*arguments)
    scores = expected[types.SEGMENT_SCORES]
    assert len(scores) >= 3
    np.testing.assert_allclose(found[types.SEGMENT_SCORES][: len(scores)], scores, rtol=1e-6)
