"""From proposals to a panoptic map: literal masks with hand-worked winners."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.postprocess import panoptic_fusion
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion, assign_pixels, number_segments

# Classes 0 and 1 are things, 2 and 3 stuff.
IS_THING = tf.constant([True, True, False, False])
STRIDE = 4
OFF = -200.0  # Its sigmoid is 0 in float32: a pixel no proposal wants.


def _fuse(masks, scores, class_ids, image_size=None, content_size=None, order=None, **thresholds):
    """Fuses proposals with literal mask logits `[n, h, w]`; by default the grid is the picture."""
    masks = np.asarray(masks, np.float32)
    count, height, width = masks.shape
    order = np.arange(count) if order is None else order
    loose = {"score_threshold": 0.0, "overlap_threshold": 0.0, "min_area": 0}
    found = PanopticFusion(**loose | thresholds)(
        {
            types.PROPOSAL_SCORES: tf.constant(np.float32(scores)[order]),
            types.PROPOSAL_CLASS_IDS: tf.constant(np.int32(class_ids)[order]),
            # Feature k is the logit of mask k; embedding k picks it.
            types.MASK_EMBEDDINGS: tf.constant(np.eye(count, dtype=np.float32)[order]),
            types.MASK_FEATURES: tf.constant(np.moveaxis(masks, 0, -1)),
        },
        tf.constant(content_size or (height * STRIDE, width * STRIDE)),
        tf.constant(image_size or (height, width)),
        IS_THING,
        STRIDE,
    )
    found = {name: value.numpy() for name, value in found.items()}
    _assert_consistent(found)
    return found


def _assert_consistent(found):
    """Each pixel is in one listed segment or void, and the rows tell the truth about the map."""
    panoptic_map, ids = found[types.PANOPTIC_MAP], found[types.SEGMENT_IDS]
    assert ids.tolist() == list(range(1, len(ids) + 1))
    assert set(panoptic_map.ravel()) - {types.VOID_SEGMENT_ID} == set(ids)
    for number, area, box in zip(ids, found[types.SEGMENT_AREAS], found[types.SEGMENT_BOXES]):
        rows, columns = np.nonzero(panoptic_map == number)
        assert area == len(rows)
        assert tuple(box) == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    dtypes = {name: value.dtype for name, value in found.items()}
    assert dtypes == {
        types.PANOPTIC_MAP: np.int32,
        types.SEGMENT_IDS: np.int32,
        types.SEGMENT_CLASS_IDS: np.int32,
        types.SEGMENT_SCORES: np.float32,
        types.SEGMENT_AREAS: np.int32,
        types.SEGMENT_BOXES: np.int32,
    }


def _inside(*boxes, size=(4, 4), logit=6.0):
    """Logits of boxes (y0, x0, y1, x1): `logit` inside them, `OFF` elsewhere."""
    logits = np.full(size, OFF)
    for y0, x0, y1, x1 in boxes:
        logits[y0:y1, x0:x1] = logit
    return logits


# ---- Who wins a pixel ----------------------------------------------------------------------------


def test_two_things_and_void():
    found = _fuse([_inside((0, 0, 2, 2)), _inside((2, 1, 4, 4))], [0.9, 0.6], [1, 0])
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
    found = _fuse(np.log(shares / (1 - shares)), [0.8, 0.5], [0, 1])
    # 0.40 < 0.45, 0.64 > 0.45, 0.72 > 0.45.
    assert found[types.PANOPTIC_MAP].tolist() == [[2, 1, 1]]


def test_a_pixel_below_one_half_still_belongs_to_the_best():
    found = _fuse([[[-1.0, 4.0]]], [0.9], [0])
    assert found[types.PANOPTIC_MAP].tolist() == [[1, 1]]


def test_equal_proposals_do_not_share_a_pixel():
    found = _fuse([_inside((0, 0, 4, 4))] * 2, [0.5, 0.5], [0, 1])
    assert found[types.PANOPTIC_MAP].tolist() == [[1] * 4] * 4
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [0]


# ---- Thresholds ----------------------------------------------------------------------------------


def test_scores_under_the_threshold_leave_before_they_win_anything():
    masks = [_inside((0, 0, 4, 4), logit=-1.0), _inside((0, 0, 4, 4)), _inside((0, 0, 1, 1))]
    # 0.5 * 0.27 < 0.25 * 1.0, but 0.25 is under the threshold; 0.5 is not.
    found = _fuse(masks, [0.5, 0.25, 0.49], [0, 1, 1], score_threshold=0.5)
    assert found[types.PANOPTIC_MAP].tolist() == [[1] * 4] * 4
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [0]


@pytest.mark.parametrize(("overlap_threshold", "stays"), [(0.75, True), (0.76, False)])
def test_a_segment_needs_its_share_of_its_mask(overlap_threshold, stays):
    # The second mask has 4 pixels, of which the first takes 1.
    masks = [_inside((0, 0, 1, 1)), _inside((0, 0, 2, 2))]
    found = _fuse(masks, [0.9, 0.6], [0, 1], overlap_threshold=overlap_threshold)
    expected = np.zeros([4, 4])
    expected[:2, :2] = 2 * stays
    expected[0, 0] = 1
    # What a dropped segment had won is void, not its neighbor's.
    np.testing.assert_array_equal(found[types.PANOPTIC_MAP], expected)


@pytest.mark.parametrize(
    ("overlap_threshold", "won"), [(0.7, 7), (0.1, 1), (0.3, 3), (0.6, 6), (0.9, 9), (1.0, 10)]
)
def test_an_exact_share_is_enough(overlap_threshold, won):
    masks = [_inside((0, won, 1, 10), size=(1, 10)), _inside((0, 0, 1, 10), size=(1, 10))]
    for threshold, expected in ((overlap_threshold, 2), (overlap_threshold + 1e-3, 0)):
        found = _fuse(masks, [0.9, 0.6], [0, 1], overlap_threshold=threshold)
        expected_map = [expected] * won + [1] * (10 - won)
        if won == 10:  # The first proposal has no pixel.
            expected_map = [min(expected, 1)] * 10
        assert found[types.PANOPTIC_MAP].tolist() == [expected_map]


def test_the_share_is_of_the_mask_above_one_half_only():
    # The second wins 2 of its 2 pixels above 0.5; that the first takes the rest does not matter.
    masks = [[[6.0, 6.0, 6.0, OFF, OFF]], [[-0.1, -0.1, -0.1, 0.1, 0.1]]]
    found = _fuse(masks, [0.9, 0.6], [0, 1], overlap_threshold=1.0)
    assert found[types.PANOPTIC_MAP].tolist() == [[1, 1, 1, 2, 2]]


@pytest.mark.parametrize(("min_area", "stays"), [(3, True), (4, False)])
def test_small_segments_become_void(min_area, stays):
    masks = [_inside((0, 0, 1, 3)), _inside((1, 0, 4, 4))]
    found = _fuse(masks, [0.9, 0.6], [0, 1], min_area=min_area)
    assert found[types.SEGMENT_AREAS].tolist() == ([3, 12] if stays else [12])
    assert found[types.PANOPTIC_MAP][0].tolist() == ([1, 1, 1, 0] if stays else [0, 0, 0, 0])
    assert found[types.SEGMENT_CLASS_IDS].tolist() == ([0, 1] if stays else [1])


def test_areas_are_of_the_original_picture():
    # One cell of the grid is 16 pixels of the picture.
    found = _fuse([[[6.0]]], [0.9], [0], image_size=(4, 4), min_area=16, overlap_threshold=1.0)
    assert found[types.SEGMENT_AREAS].tolist() == [16]


# ---- Merging -------------------------------------------------------------------------------------


def test_stuff_of_one_class_becomes_one_segment_and_things_do_not():
    corners = [(0, 0, 1, 1), (0, 3, 1, 4), (3, 0, 4, 1), (3, 3, 4, 4), (1, 1, 3, 3), (1, 0, 2, 1)]
    masks = [_inside(box) for box in corners]
    found = _fuse(masks, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [2, 0, 2, 0, 3, 2])
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
    masks = [_inside((0, 0, 1, 1)), _inside((1, 0, 4, 4))]
    found = _fuse(masks, [0.9, 0.6], [2, 2], min_area=2)
    assert found[types.PANOPTIC_MAP].tolist() == [[0] * 4] + [[1] * 4] * 3
    np.testing.assert_allclose(found[types.SEGMENT_SCORES], [0.6], rtol=1e-6)


def test_numbers_skip_the_dead_and_stuff_shares_its_own():
    numbers = number_segments(
        tf.constant([False, True, True, False, True, True]),
        tf.constant([2, 0, 2, 3, 0, 2]),
        IS_THING,
    )
    assert numbers.numpy().tolist() == [0, 1, 2, 0, 3, 2]


@pytest.mark.parametrize(("class_ids", "count"), [([2, 3, 2], 2), ([2, 2, 2], 1), ([0, 1, 0], 3)])
def test_pictures_of_stuff_alone_and_of_things_alone(class_ids, count):
    masks = [_inside((0, 0, 1, 4)), _inside((1, 0, 2, 4)), _inside((2, 0, 4, 4))]
    found = _fuse(masks, [0.9, 0.6, 0.3], class_ids)
    assert len(found[types.SEGMENT_IDS]) == count
    assert (found[types.PANOPTIC_MAP] > 0).all()


# ---- Nothing, little, many -----------------------------------------------------------------------


@pytest.mark.parametrize("scores", [[], [0.1, 0.05]])
def test_no_proposal_leaves_all_void(scores):
    masks = np.full([len(scores), 3, 5], 6.0)
    found = _fuse(masks, scores, [0] * len(scores), score_threshold=0.2, image_size=(7, 11))
    assert found[types.PANOPTIC_MAP].shape == (7, 11)
    assert not found[types.PANOPTIC_MAP].any()
    assert found[types.SEGMENT_IDS].shape == (0,)
    assert found[types.SEGMENT_BOXES].shape == (0, 4)


def test_every_segment_dropped_leaves_all_void():
    found = _fuse([_inside((0, 0, 4, 4))], [0.9], [0], min_area=17)
    assert not found[types.PANOPTIC_MAP].any()
    assert found[types.SEGMENT_SCORES].shape == (0,)


def test_a_one_pixel_picture():
    found = _fuse([[[6.0, 6.0]], [[8.0, 8.0]]], [0.5, 0.9], [0, 2], image_size=(1, 1))
    assert found[types.PANOPTIC_MAP].tolist() == [[1]]
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [2]


def test_more_segments_than_a_byte_counts():
    masks = np.full([300, 15, 20], OFF)
    masks.reshape(300, 300)[np.arange(300), np.arange(300)] = 6.0
    found = _fuse(masks, np.linspace(0.9, 0.5, 300), np.zeros(300))
    np.testing.assert_array_equal(found[types.PANOPTIC_MAP], np.arange(1, 301).reshape(15, 20))


# ---- Sizes ---------------------------------------------------------------------------------------


def test_padding_around_the_content_is_cut_before_resizing():
    # The picture covers 2 x 3 cells of the 4 x 4 grid; beyond it the other proposal is strong.
    masks = [_inside((0, 0, 2, 3)), 40.0 - 40.5 * (_inside((0, 0, 2, 3)) > 0)]
    found = _fuse(
        masks, [0.5, 0.5], [0, 1], content_size=(2 * STRIDE, 3 * STRIDE), image_size=(20, 30)
    )
    np.testing.assert_array_equal(found[types.PANOPTIC_MAP], np.ones([20, 30]))


def test_content_that_ends_within_a_cell_keeps_the_cell():
    masks = [_inside((0, 0, 4, 4)), _inside((1, 1, 4, 4), logit=8.0)]
    # 5 x 6 pixels touch 2 x 2 cells. Segments are numbered by score.
    found = _fuse(masks, [0.5, 0.9], [0, 1], content_size=(5, 6), image_size=(2, 2))
    assert found[types.PANOPTIC_MAP].tolist() == [[2, 2], [2, 1]]


def test_masks_are_resized_as_logits_bilinearly_between_cell_centers():
    # [-1, 3] to four pixels is [-1, 0, 2, 3]; 0 is not above one half.
    features, embeddings = tf.constant([[[-1.0], [3.0]]]), tf.constant([[1.0]])
    winners, areas = assign_pixels(features, embeddings, tf.constant([0.5]), tf.constant([1, 4]))
    assert winners.numpy().tolist() == [[0, 0, 0, 0]]
    assert areas.numpy().tolist() == [2]


def test_a_border_between_two_masks_falls_in_the_middle():
    masks = [[[5.0, -5.0]] * 2, [[-5.0, 5.0]] * 2]
    found = _fuse(masks, [0.5, 0.5], [0, 1], image_size=(3, 8))
    assert found[types.PANOPTIC_MAP].tolist() == [[1, 1, 1, 1, 2, 2, 2, 2]] * 3


# ---- Invariants ----------------------------------------------------------------------------------


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
        expected = _fuse(*proposals, image_size=(12, 12), **THRESHOLDS)
        assert len(expected[types.SEGMENT_IDS]) >= 2
        assert (np.diff(expected[types.SEGMENT_SCORES]) <= 0).all()
        shuffled = _fuse(*proposals, image_size=(12, 12), order=rng.permutation(9), **THRESHOLDS)
        for name, value in expected.items():
            np.testing.assert_array_equal(shuffled[name], value)


@pytest.mark.parametrize("masks_per_chunk", [0, 1, 2, 7])
def test_few_masks_at_a_time_give_the_same_answer(monkeypatch, masks_per_chunk):
    proposals = _random_proposals(np.random.default_rng(1))
    expected = _fuse(*proposals, image_size=(12, 12), **THRESHOLDS)
    monkeypatch.setattr(panoptic_fusion, "ELEMENTS_PER_CHUNK", masks_per_chunk * 12 * 12 + 1)
    chunked = _fuse(*proposals, image_size=(12, 12), **THRESHOLDS)
    for name, value in expected.items():
        np.testing.assert_array_equal(chunked[name], value)


def test_a_tie_across_chunks_goes_to_the_earlier_as_within_one(monkeypatch):
    monkeypatch.setattr(panoptic_fusion, "ELEMENTS_PER_CHUNK", 1)
    found = _fuse([_inside((0, 0, 4, 4))] * 3, [0.5] * 3, [1, 0, 3])
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [1]


def test_a_graph_gives_the_same_answer_for_pictures_of_any_size():
    fusion = PanopticFusion(**THRESHOLDS)
    signature = {
        types.PROPOSAL_SCORES: tf.TensorSpec([9], tf.float32),
        types.PROPOSAL_CLASS_IDS: tf.TensorSpec([9], tf.int32),
        types.MASK_EMBEDDINGS: tf.TensorSpec([9, 9], tf.float32),
        types.MASK_FEATURES: tf.TensorSpec([6, 8, 9], tf.float32),
    }

    @tf.function(input_signature=[signature, tf.TensorSpec([2], tf.int32)])
    def fuse(proposals, image_size):
        return fusion(proposals, tf.constant([24, 32]), image_size, IS_THING, STRIDE)

    masks, scores, class_ids = _random_proposals(np.random.default_rng(2))
    for image_size in ((12, 12), (5, 3)):
        found = fuse(
            {
                types.PROPOSAL_SCORES: tf.constant(scores, tf.float32),
                types.PROPOSAL_CLASS_IDS: tf.constant(class_ids, tf.int32),
                types.MASK_EMBEDDINGS: tf.eye(9),
                types.MASK_FEATURES: tf.constant(np.moveaxis(masks, 0, -1), tf.float32),
            },
            tf.constant(image_size),
        )
        expected = _fuse(masks, scores, class_ids, image_size=image_size, **THRESHOLDS)
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value)
