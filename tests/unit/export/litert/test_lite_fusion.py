"""The fusion of a LiteRT file equals the fusion of TensorFlow for a picture of the input size."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.export.litert.lite_fusion import fuse_at_input_size
from maskconver_tf.inference import signatures
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.postprocess.score_curves import ScoreCurves

IS_THING = np.array([True, False, True, False])
SOURCE_IDS = np.array([90, 7, 3, 12], np.int32)


def random_proposals(seed: int, grid: tuple[int, int], count: int) -> dict[str, tf.Tensor]:
    """Masks are soft discs around random centers, as those of a trained model."""
    draw = np.random.default_rng(seed)
    y, x = np.meshgrid(*(np.arange(n) for n in grid), indexing="ij")
    features = np.stack([y**2 + x**2, y, x, np.ones(grid)], axis=-1)
    cy, cx = draw.uniform(0, grid[0], count), draw.uniform(0, grid[1], count)
    sharp, radius = draw.uniform(0.05, 0.6, count), draw.uniform(1, max(grid) / 2, count)
    embeddings = [-sharp, 2 * sharp * cy, 2 * sharp * cx, sharp * (radius**2 - cy**2 - cx**2)]
    return {
        types.PROPOSAL_SCORES: tf.constant(-np.sort(-draw.uniform(0, 1, count)), tf.float32),
        types.PROPOSAL_CLASS_IDS: tf.constant(draw.integers(0, 4, count), tf.int32),
        types.MASK_EMBEDDINGS: tf.constant(np.stack(embeddings, axis=1), tf.float32),
        types.MASK_FEATURES: tf.constant(features, tf.float32),
    }


def fuse_both(proposals: dict, fusion: PanopticFusion, stride: int) -> tuple[dict, dict]:
    size = [stride * n for n in proposals[types.MASK_FEATURES].shape[:2]]
    size = tf.constant(size)
    expected = fusion(proposals, size, size, tf.constant(IS_THING), stride)
    found = fuse_at_input_size(proposals, fusion, IS_THING, SOURCE_IDS, stride)
    return {k: v.numpy() for k, v in expected.items()}, {k: v.numpy() for k, v in found.items()}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mask_quality": True},
        {"runner_up": True},
        {"stuff_score_threshold": 0.7},
        {"stuff_overlap_threshold": 0.9, "overlap_threshold": 0.1},
        {"class_score_thresholds": (None, 0.6, 0.1, 0.9)},
        {"overlap_threshold": 0.3, "min_area": 60},
    ],
)
@pytest.mark.parametrize(("grid", "count", "stride"), [((8, 12), 12, 4), ((16, 8), 20, 2)])
def test_map_and_rows_are_those_of_tensorflow(settings, grid, count, stride):
    fusion = PanopticFusion(**{"score_threshold": 0.2, "overlap_threshold": 0.5} | settings)
    equal, total, same_rows = 0, 0, 0
    for seed in range(4):
        expected, found = fuse_both(random_proposals(seed, grid, count), fusion, stride)
        equal += (expected[types.PANOPTIC_MAP] == found[signatures.PANOPTIC_MAP]).sum()
        total += expected[types.PANOPTIC_MAP].size
        n = int(found[signatures.NUM_SEGMENTS])
        assert n == len(expected[types.SEGMENT_IDS]) > 0
        for field, name in signatures.FIELDS.items():
            if name != signatures.PANOPTIC_MAP:
                assert found[name].shape[0] == count
                assert not found[name][n:].any()
                same_rows += np.allclose(expected[field], found[name][:n], atol=2)
        ids = SOURCE_IDS[expected[types.SEGMENT_CLASS_IDS]]
        np.testing.assert_array_equal(found[signatures.CATEGORY_IDS][:n], ids)
    assert equal / total > 0.999
    assert same_rows == 16


def test_nothing_is_found_when_no_score_reaches_the_threshold():
    proposals = random_proposals(1, (8, 8), 6)
    _, found = fuse_both(proposals, PanopticFusion(score_threshold=1.0), 4)
    assert not any(value.any() for value in found.values())


def test_stuff_of_one_class_becomes_one_segment_and_things_do_not():
    proposals = random_proposals(0, (8, 16), 2)
    apart = np.array([[-1, 8, 8, -16.0], [-1, 8, 24, -144.0]], np.float32)
    proposals[types.MASK_EMBEDDINGS] = tf.constant(apart)
    proposals[types.PROPOSAL_SCORES] = tf.constant([0.9, 0.8])
    for class_id, count in ((1, 1), (0, 2)):
        proposals[types.PROPOSAL_CLASS_IDS] = tf.constant([class_id] * 2)
        expected, found = fuse_both(proposals, PanopticFusion(), 4)
        assert found[signatures.NUM_SEGMENTS] == count == len(expected[types.SEGMENT_IDS])


def test_curves_change_the_scores_of_real_rows_only():
    proposals = random_proposals(3, (8, 12), 12)
    curves = ScoreCurves(
        np.tile(np.float32([0.1, 0.5, 0.9]), [4, 1]),
        np.float32([[0.2, 0.3, 1.0], [0.0, 0.5, 0.5], [0.4, 0.6, 0.9], [0.1, 0.1, 0.1]]),
    )
    fusion = PanopticFusion(score_threshold=0.0, overlap_threshold=0.0, min_area=1)
    arguments = proposals, fusion, IS_THING, SOURCE_IDS, 4
    plain, found = fuse_at_input_size(*arguments), fuse_at_input_size(*arguments, curves)
    n = int(plain[signatures.NUM_SEGMENTS])
    classes = [SOURCE_IDS.tolist().index(i) for i in plain[signatures.CATEGORY_IDS][:n].numpy()]
    expected = [
        np.interp(score, curves.scores[c], curves.shares[c])
        for score, c in zip(plain[signatures.SCORES][:n].numpy(), classes, strict=True)
    ]
    assert len(set(classes)) > 1
    np.testing.assert_allclose(found[signatures.SCORES][:n], expected, atol=1e-6)
    assert not found[signatures.SCORES][n:].numpy().any()
    for name in set(plain) - {signatures.SCORES}:
        np.testing.assert_array_equal(found[name], plain[name])
