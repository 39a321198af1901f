"""Fusion of few and many proposals, on pictures of all sizes: hand-worked maps."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.postprocess.borders.logit_patches import logit_grid
from maskconver_tf.postprocess.borders.mask_areas import area_bounds, mask_areas
from tests.unit.postprocess.fused_masks import OFF, STRIDE, box_logits, fuse

# ---- Nothing, little, many -----------------------------------------------------------------------


@pytest.mark.parametrize("scores", [[], [0.1, 0.05]])
def test_no_proposal_leaves_all_void(scores):
    masks = np.full([len(scores), 3, 5], 6.0)
    found = fuse(masks, scores, [0] * len(scores), score_threshold=0.2, image_size=(7, 11))
    assert found[types.PANOPTIC_MAP].shape == (7, 11)
    assert not found[types.PANOPTIC_MAP].any()
    assert found[types.SEGMENT_IDS].shape == (0,)
    assert found[types.SEGMENT_BOXES].shape == (0, 4)


def test_every_segment_dropped_leaves_all_void():
    found = fuse([box_logits((0, 0, 4, 4))], [0.9], [0], min_area=17)
    assert not found[types.PANOPTIC_MAP].any()
    assert found[types.SEGMENT_SCORES].shape == (0,)


def test_a_one_pixel_picture():
    found = fuse([[[6.0, 6.0]], [[8.0, 8.0]]], [0.5, 0.9], [0, 2], image_size=(1, 1))
    assert found[types.PANOPTIC_MAP].tolist() == [[1]]
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [2]


def test_more_segments_than_a_byte_counts():
    masks = np.full([300, 15, 20], OFF)
    masks.reshape(300, 300)[np.arange(300), np.arange(300)] = 6.0
    found = fuse(masks, np.linspace(0.9, 0.5, 300), np.zeros(300))
    np.testing.assert_array_equal(found[types.PANOPTIC_MAP], np.arange(1, 301).reshape(15, 20))


# ---- Sizes ---------------------------------------------------------------------------------------


def test_padding_around_the_content_is_cut_before_resizing():
    # The picture covers 2 x 3 cells of the 4 x 4 grid; beyond it the other proposal is strong.
    masks = [box_logits((0, 0, 2, 3)), 40.0 - 40.5 * (box_logits((0, 0, 2, 3)) > 0)]
    found = fuse(
        masks, [0.5, 0.5], [0, 1], content_size=(2 * STRIDE, 3 * STRIDE), image_size=(20, 30)
    )
    np.testing.assert_array_equal(found[types.PANOPTIC_MAP], np.ones([20, 30]))


def test_content_that_ends_within_a_cell_keeps_the_cell():
    masks = [box_logits((0, 0, 4, 4)), box_logits((1, 1, 4, 4), logit=8.0)]
    # 5 x 6 pixels touch 2 x 2 cells. Segments are numbered by score.
    found = fuse(masks, [0.5, 0.9], [0, 1], content_size=(5, 6), image_size=(2, 2))
    assert found[types.PANOPTIC_MAP].tolist() == [[2, 2], [2, 1]]


def test_masks_are_resized_as_logits_bilinearly_between_cell_centers():
    # [-1, 3] to four pixels is [-1, 0, 2, 3]; 0 is not above one half.
    grid = logit_grid(tf.constant([[[-1.0], [3.0]]]), tf.constant([1, 4]))
    assert mask_areas(grid, area_bounds(grid)).numpy().tolist() == [2]
    found = fuse([[[-1.0, 3.0]]], [0.5], [0], image_size=(1, 4))
    assert found[types.PANOPTIC_MAP].tolist() == [[1, 1, 1, 1]]


def test_a_border_between_two_masks_falls_in_the_middle():
    masks = [[[5.0, -5.0]] * 2, [[-5.0, 5.0]] * 2]
    found = fuse(masks, [0.5, 0.5], [0, 1], image_size=(3, 8))
    assert found[types.PANOPTIC_MAP].tolist() == [[1, 1, 1, 1, 2, 2, 2, 2]] * 3
