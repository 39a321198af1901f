"""Which proposal wins a pixel and which segments are dropped or merged: hand-worked maps."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.postprocess.segment_numbers import assign_segment_ids
from tests.unit.postprocess.fused_masks import IS_THING, OFF, box_logits, fuse

# ---- Who wins a pixel ----------------------------------------------------------------------------


def test_two_things_and_void():
    found = fuse([box_logits((0, 0, 2, 2)), box_logits((2, 1, 4, 4))], [0.9, 0.6], [1, 0])
    assert found[types.PANOPTIC_MAP].tolist() == [
        [1, 1, 0, 0],
        [1, 1, 0, 0],
        [0, 2, 2, 2],
        [0, 2, 2, 2],
    ]
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [1, 0]
    np.testing.assert_allclose(found[types.SEGMENT_SCORES], [0.9, 0.6], rtol=1e-6)
    assert found[types.SEGMENT_AREAS].tolist() == [4, 6]
    assert found[types.SEGMENT_BOXES].tolist() == [[0, 0, 2, 2], [2, 1, 4, 4]]


def test_the_product_of_score_and_mask_decides():
    # Scores 0.8 and 0.5; sigmoids 0.5 | 0.8 | 0.9 against 0.9 | 0.9 | 0.9.
    shares = np.array([[[0.5, 0.8, 0.9]], [[0.9, 0.9, 0.9]]])
    found = fuse(np.log(shares / (1 - shares)), [0.8, 0.5], [0, 1])
    # 0.40 < 0.45, 0.64 > 0.45, 0.72 > 0.45.
    assert found[types.PANOPTIC_MAP].tolist() == [[2, 1, 1]]


def test_a_pixel_below_one_half_still_belongs_to_the_best():
    found = fuse([[[-1.0, 4.0]]], [0.9], [0])
    assert found[types.PANOPTIC_MAP].tolist() == [[1, 1]]


def test_equal_proposals_do_not_share_a_pixel():
    found = fuse([box_logits((0, 0, 4, 4))] * 2, [0.5, 0.5], [0, 1])
    assert found[types.PANOPTIC_MAP].tolist() == [[1] * 4] * 4
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [0]


# ---- Candidates ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("center", "stays"),
    [((2, 2), True), ((14, 2), True), ((18, 2), False), ((2, 18), False), ((8, 24), False)]
    # A cell of 32 input pixels whose middle is at the border or behind it, but which touches.
    + [((16, 16), True), ((24, 16), False), ((48, 16), False)],
)
def test_a_center_cell_outside_the_content_takes_no_pixel(center, stays):
    masks = [box_logits((0, 0, 4, 4)), box_logits((0, 0, 4, 4), logit=4.0)]
    found = fuse(masks, [0.9, 0.6], [0, 1], centers=[center, (2, 2)])
    assert found[types.SEGMENT_CLASS_IDS].tolist() == ([0] if stays else [1])
    assert (found[types.PANOPTIC_MAP] == 1).all()


def test_stuff_has_its_own_threshold():
    masks = [box_logits((k, 0, k + 1, 4)) for k in range(4)]
    settings = {"score_threshold": 0.5, "stuff_score_threshold": 0.25}
    found = fuse(masks, [0.6, 0.4, 0.3, 0.2], [0, 1, 2, 3], **settings)
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [0, 2]
    settings["stuff_score_threshold"] = None
    found = fuse(masks, [0.6, 0.4, 0.6, 0.2], [0, 1, 2, 3], **settings)
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [0, 2]


def test_mask_quality_multiplies_the_score_before_all_else():
    # Sigmoid 0.6 over two cells; 0.9 over one; an empty mask.
    shares = np.array([[[0.6, 0.6, 0.2]], [[0.3, 0.3, 0.9]], [[0.4, 0.4, 0.4]]])
    masks = np.log(shares / (1 - shares))
    found = fuse(masks, [0.8, 0.7, 1.0], [0, 1, 0], mask_quality=True)
    np.testing.assert_allclose(found[types.SEGMENT_SCORES], [0.63, 0.48], rtol=1e-5)
    assert found[types.PANOPTIC_MAP].tolist() == [[2, 2, 1]]
    found = fuse(masks, [0.8, 0.7, 1.0], [0, 1, 0], mask_quality=True, score_threshold=0.5)
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [1]


# ---- Thresholds ----------------------------------------------------------------------------------


def test_scores_under_the_threshold_are_dropped_before_they_win_pixels():
    masks = [
        box_logits((0, 0, 4, 4), logit=-1.0),
        box_logits((0, 0, 4, 4)),
        box_logits((0, 0, 1, 1)),
    ]
    masks[0][0, 0] = 1.0  # A mask without a pixel above 0.5 would be dropped.
    # 0.5 * 0.27 < 0.25 * 1.0, but 0.25 is under the threshold; 0.5 is not.
    found = fuse(masks, [0.5, 0.25, 0.49], [0, 1, 1], score_threshold=0.5)
    assert found[types.PANOPTIC_MAP].tolist() == [[1] * 4] * 4
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [0]


@pytest.mark.parametrize(("overlap_threshold", "stays"), [(0.75, True), (0.76, False)])
def test_a_segment_needs_its_share_of_its_mask(overlap_threshold, stays):
    # The second mask has 4 pixels, of which the first takes 1.
    masks = [box_logits((0, 0, 1, 1)), box_logits((0, 0, 2, 2))]
    found = fuse(masks, [0.9, 0.6], [0, 1], overlap_threshold=overlap_threshold)
    expected = np.zeros([4, 4])
    expected[:2, :2] = 2 * stays
    expected[0, 0] = 1
    # What a dropped segment had won is void, not its neighbor's.
    np.testing.assert_array_equal(found[types.PANOPTIC_MAP], expected)


def test_stuff_needs_its_own_share():
    # The second and the third mask have 4 pixels each, of which the first takes 2.
    masks = [box_logits(box) for box in ((1, 0, 2, 4), (0, 0, 2, 2), (0, 2, 2, 4))]
    for settings, expected in (
        ({"overlap_threshold": 0.6}, [0]),
        ({"overlap_threshold": 0.6, "stuff_overlap_threshold": 0.5}, [0, 2]),
        ({"overlap_threshold": 0.5, "stuff_overlap_threshold": 0.6}, [0, 1]),
        ({"overlap_threshold": 0.6, "stuff_overlap_threshold": 0.0}, [0, 2]),
    ):
        found = fuse(masks, [0.9, 0.6, 0.6], [0, 1, 2], **settings)
        assert found[types.SEGMENT_CLASS_IDS].tolist() == expected
    with pytest.raises(UserError, match="^PanopticFusion.stuff_overlap_threshold = 2"):
        PanopticFusion(stuff_overlap_threshold=2)


@pytest.mark.parametrize(
    ("overlap_threshold", "won"), [(0.7, 7), (0.1, 1), (0.3, 3), (0.6, 6), (0.9, 9), (1.0, 10)]
)
def test_an_exact_share_is_enough(overlap_threshold, won):
    masks = [box_logits((0, won, 1, 10), size=(1, 10)), box_logits((0, 0, 1, 10), size=(1, 10))]
    for threshold, expected in ((overlap_threshold, 2), (overlap_threshold + 1e-3, 0)):
        if threshold > 1.0:
            continue
        found = fuse(masks, [0.9, 0.6], [0, 1], overlap_threshold=threshold)
        expected_map = [expected] * won + [1] * (10 - won)
        if won == 10:  # The first proposal has no pixel.
            expected_map = [min(expected, 1)] * 10
        assert found[types.PANOPTIC_MAP].tolist() == [expected_map]


def test_the_share_is_of_the_mask_above_one_half_only():
    # The second wins 2 of its 2 pixels above 0.5; that the first takes the rest does not matter.
    masks = [[[6.0, 6.0, 6.0, OFF, OFF]], [[-0.1, -0.1, -0.1, 0.1, 0.1]]]
    found = fuse(masks, [0.9, 0.6], [0, 1], overlap_threshold=1.0)
    assert found[types.PANOPTIC_MAP].tolist() == [[1, 1, 1, 2, 2]]


def test_a_mask_without_a_pixel_above_one_half_is_dropped_with_its_pixels():
    # It wins the left pixels, by 0.9 * 0.49 against 0.8 * 0.3.
    masks = [[[-0.04, -0.04, -0.04]], [[-0.85, -0.85, 3.0]]]
    found = fuse(masks, [0.9, 0.8], [0, 1])
    assert found[types.PANOPTIC_MAP].tolist() == [[0, 0, 1]]
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [1]


def test_with_runner_up_the_pixels_of_dropped_segments_go_to_the_next_best_survivor():
    masks = [
        box_logits((0, 0, 1, 2)),
        box_logits((0, 0, 4, 4), logit=4.0),
        box_logits((3, 0, 4, 4)),
    ]
    scores = [0.9, 0.6, 0.5]
    dropped = fuse(masks, scores, [0, 1, 0], min_area=3)
    assert dropped[types.PANOPTIC_MAP][0].tolist() == [0, 0, 1, 1]
    found = fuse(masks, scores, [0, 1, 0], min_area=3, runner_up=True)
    np.testing.assert_array_equal(found[types.PANOPTIC_MAP], np.ones([4, 4]))
    assert found[types.SEGMENT_AREAS].tolist() == [16]


@pytest.mark.parametrize(("min_area", "stays"), [(3, True), (4, False)])
def test_small_segments_become_void(min_area, stays):
    masks = [box_logits((0, 0, 1, 3)), box_logits((1, 0, 4, 4))]
    found = fuse(masks, [0.9, 0.6], [0, 1], min_area=min_area)
    assert found[types.SEGMENT_AREAS].tolist() == ([3, 12] if stays else [12])
    assert found[types.PANOPTIC_MAP][0].tolist() == ([1, 1, 1, 0] if stays else [0, 0, 0, 0])
    assert found[types.SEGMENT_CLASS_IDS].tolist() == ([0, 1] if stays else [1])


def test_areas_are_of_the_original_picture():
    # One cell of the grid is 16 pixels of the picture.
    found = fuse([[[6.0]]], [0.9], [0], image_size=(4, 4), min_area=16, overlap_threshold=1.0)
    assert found[types.SEGMENT_AREAS].tolist() == [16]


# ---- Merging -------------------------------------------------------------------------------------


def test_stuff_of_one_class_becomes_one_segment_and_things_do_not():
    corners = [(0, 0, 1, 1), (0, 3, 1, 4), (3, 0, 4, 1), (3, 3, 4, 4), (1, 1, 3, 3), (1, 0, 2, 1)]
    masks = [box_logits(box) for box in corners]
    found = fuse(masks, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [2, 0, 2, 0, 3, 2])
    assert found[types.PANOPTIC_MAP].tolist() == [
        [1, 0, 0, 2],
        [1, 4, 4, 0],
        [0, 4, 4, 0],
        [1, 0, 0, 3],
    ]
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [2, 0, 0, 3]
    np.testing.assert_allclose(found[types.SEGMENT_SCORES], [0.9, 0.8, 0.6, 0.5], rtol=1e-6)
    assert found[types.SEGMENT_AREAS].tolist() == [3, 1, 1, 4]
    assert found[types.SEGMENT_BOXES][0].tolist() == [0, 0, 4, 1]


def test_a_dropped_part_of_stuff_stays_void_and_lends_no_score():
    masks = [box_logits((0, 0, 1, 1)), box_logits((1, 0, 4, 4))]
    found = fuse(masks, [0.9, 0.6], [2, 2], min_area=2)
    assert found[types.PANOPTIC_MAP].tolist() == [[0] * 4] + [[1] * 4] * 3
    np.testing.assert_allclose(found[types.SEGMENT_SCORES], [0.6], rtol=1e-6)


def test_dropped_proposals_get_no_number_and_stuff_of_a_class_shares_one():
    numbers = assign_segment_ids(
        tf.constant([False, True, True, False, True, True]),
        tf.constant([2, 0, 2, 3, 0, 2]),
        IS_THING,
    )
    assert numbers.numpy().tolist() == [0, 1, 2, 0, 3, 2]


@pytest.mark.parametrize(("class_ids", "count"), [([2, 3, 2], 2), ([2, 2, 2], 1), ([0, 1, 0], 3)])
def test_pictures_of_stuff_alone_and_of_things_alone(class_ids, count):
    masks = [box_logits((0, 0, 1, 4)), box_logits((1, 0, 2, 4)), box_logits((2, 0, 4, 4))]
    found = fuse(masks, [0.9, 0.6, 0.3], class_ids)
    assert len(found[types.SEGMENT_IDS]) == count
    assert (found[types.PANOPTIC_MAP] > 0).all()


# ---- Thresholds of a call ------------------------------------------------------------------------


def test_a_call_may_replace_thresholds_by_tensors():
    masks = [box_logits((0, 0, 1, 3)), box_logits((1, 0, 4, 4)), box_logits((0, 3, 1, 4))]
    scores, class_ids = [0.9, 0.6, 0.3], [0, 1, 2]

    def classes(settings=None, **thresholds):
        found = fuse(masks, scores, class_ids, thresholds=thresholds, **settings or {})
        return found[types.SEGMENT_CLASS_IDS].tolist()

    assert classes() == [0, 1, 2]
    assert classes(score_threshold=tf.constant(0.5)) == [0, 1]
    assert classes({"stuff_score_threshold": 0.2}, score_threshold=tf.constant(0.7)) == [0, 2]
    assert classes(stuff_score_threshold=0.5) == [0, 1]
    assert classes(min_area=tf.constant(4)) == [1]
    assert classes(min_area=tf.constant(3, tf.int64)) == [0, 1]
    assert classes({"overlap_threshold": 1.0}, overlap_threshold=0.1) == [0, 1, 2]
    assert classes(stuff_overlap_threshold=tf.constant(1.0)) == [0, 1, 2]
    with pytest.raises(UserError, match="found area; expected some of score_threshold"):
        classes(area=3)


def test_thresholds_may_be_inputs_of_a_graph():
    fusion = PanopticFusion()
    proposals = {
        types.PROPOSAL_SCORES: tf.constant([0.9, 0.15]),
        types.PROPOSAL_CLASS_IDS: tf.constant([0, 1]),
        types.MASK_EMBEDDINGS: tf.eye(2),
        types.MASK_FEATURES: tf.constant([[[5.0, -5.0], [-5.0, 5.0]]]),
    }

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)], autograph=False)
    def count(threshold):
        size = tf.constant([8, 16])
        thresholds = {"score_threshold": threshold}
        found = fusion(proposals, tf.constant([4, 8]), size, IS_THING, 4, thresholds)
        return tf.size(found[types.SEGMENT_IDS])

    assert [int(count(x)) for x in (0.1, 0.2, 0.95, 2.0)] == [2, 1, 0, 0]
