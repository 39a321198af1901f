"""Which segments get a slot if centers or cells are shared."""

import itertools

import numpy as np
import pytest

from maskconver_tf import types
from tests.unit.input.targets.literal_maps import build_labels, paint_boxes

# ---- Shared centers ------------------------------------------------------------------------------


RING = paint_boxes((0, 0, 8, 8), (3, 3, 5, 5))  # The ball, 2, is in the middle of the ring, 1.


def _on_one_level(class_ids, segment_map=RING, **settings):
    return build_labels(segment_map, class_ids, center_levels=(2,), level_bounds=(), **settings)


def test_a_ring_and_a_ball_of_two_classes_both_stay():
    labels = _on_one_level([6, 2])
    assert labels[types.SLOT_CLASS_IDS].tolist() == [6, 2, -1, -1]
    assert labels[types.CENTER_INDICES][:2].tolist() == [[1, 1], [1, 1]]
    np.testing.assert_array_equal(labels[types.SLOT_MAP], RING)
    assert labels[types.NUM_DROPPED] == 0


@pytest.mark.parametrize("segment_map", [RING, np.where(RING == 1, 2, 1)])
def test_of_two_segments_with_one_class_and_center_the_larger_stays_in_any_order(
    segment_map,
):
    labels = _on_one_level([6, 6], segment_map)
    assert labels[types.SLOT_CLASS_IDS].tolist() == [6, -1, -1, -1]
    np.testing.assert_array_equal(labels[types.SLOT_MAP], np.where(RING == 1, 1, types.VOID))
    assert labels[types.NUM_DROPPED] == 1


def test_of_three_segments_with_one_center_one_stays():
    segment_map = paint_boxes((0, 0, 8, 8), (2, 2, 6, 6), (3, 3, 5, 5))
    labels = _on_one_level([6, 6, 6], segment_map)
    assert labels[types.NUM_DROPPED] == 2
    assert (labels[types.SLOT_MAP] == 1).sum() == 64 - 16


def test_one_class_and_one_place_on_two_levels_are_two_centers():
    labels = build_labels(paint_boxes((0, 0, 8, 8), (0, 0, 2, 2)), [6, 6])
    assert labels[types.CENTER_LEVELS].tolist() == [3, 2, -1, -1]
    assert not labels[types.CENTER_INDICES].any()
    assert labels[types.NUM_DROPPED] == 0


def test_a_dropped_twin_leaves_its_slot_to_the_next_segment():
    segment_map = RING.copy()
    segment_map[0, 0] = 3
    labels = _on_one_level([6, 6, 1], segment_map, num_slots=2)
    assert labels[types.SLOT_CLASS_IDS].tolist() == [6, 1]
    assert labels[types.SLOT_MAP][0, 0] == 2
    assert labels[types.NUM_DROPPED] == 1


# ---- Coarse slot maps ----------------------------------------------------------------------------


@pytest.mark.parametrize("stride", [2, 4])
def test_a_one_pixel_segment_survives_the_stride(stride):
    for row, column in itertools.product(range(stride), repeat=2):
        segment_map = np.ones([8, 8], np.int32)
        segment_map[row, stride + column] = 2
        labels = build_labels(segment_map, [3, 9], label_stride=stride)
        expected = np.ones([8 // stride] * 2)
        expected[0, 1] = 2
        np.testing.assert_array_equal(labels[types.SLOT_MAP], expected)
        assert labels[types.SLOT_CLASS_IDS].tolist() == [3, 9, -1, -1]


def test_of_two_segments_in_one_cell_one_stays_and_one_is_counted():
    for first, second in itertools.permutations([(0, 0), (0, 1), (1, 0), (1, 1)], 2):
        segment_map = np.zeros([8, 8], np.int32)
        segment_map[first], segment_map[second] = 1, 2
        labels = build_labels(segment_map, [3, 9], label_stride=2)
        assert labels[types.SLOT_MAP][0, 0] == 1
        assert labels[types.SLOT_CLASS_IDS][0] in (3, 9)
        assert labels[types.SLOT_CLASS_IDS][1] == types.PAD_ID
        assert labels[types.NUM_DROPPED] == 1


def test_a_crowd_takes_no_cell_from_a_segment():
    for segment, crowd in itertools.permutations([(0, 0), (0, 1), (1, 1)], 2):
        segment_map = np.zeros([8, 8], np.int32)
        segment_map[segment], segment_map[crowd] = 1, 2
        labels = build_labels(segment_map, [3, 9], crowds=[2], label_stride=2)
        assert labels[types.SLOT_MAP][0, 0] == 1
        assert labels[types.SLOT_CLASS_IDS].tolist() == [3, -1, -1, -1]
        assert labels[types.NUM_DROPPED] == 0


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_every_slot_has_a_cell_and_every_segment_has_a_slot_or_is_counted(stride):
    rng = np.random.default_rng(stride)
    for _ in range(20):
        segment_map = rng.integers(0, 24, [8, 16]) * (rng.random([8, 16]) < 0.5)
        crowds = [number for number in range(1, 24) if rng.random() < 0.2]
        labels = build_labels(
            segment_map, rng.integers(0, 3, 23), crowds, num_slots=12, label_stride=stride
        )
        used = labels[types.SLOT_CLASS_IDS] != types.PAD_ID
        in_map = set(labels[types.SLOT_MAP].ravel()) - {types.VOID}
        assert in_map == set(range(1, used.sum() + 1))
        np.testing.assert_array_equal(used, labels[types.CENTER_LEVELS] != types.PAD_ID)
        present = set(segment_map.ravel()) - {0, *crowds}
        assert used.sum() + labels[types.NUM_DROPPED] == len(present)
