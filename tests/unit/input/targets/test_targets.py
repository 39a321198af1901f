"""Compact labels of literal maps: a whole scene, and pixels that become void."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.input.targets import TargetBuilder
from tests.unit.input.targets.literal_maps import build_labels, paint_boxes

# ---- A whole scene -------------------------------------------------------------------------------


SCENE = np.array(
    [
        [1, 1, 1, 1, 2, 2, 2, 2],
        [1, 1, 1, 1, 2, 2, 2, 2],
        [1, 1, 1, 1, 2, 2, 2, 2],
        [1, 1, 1, 1, 2, 2, 2, 2],
        [3, 3, 3, 3, 3, 3, 4, 4],
        [3, 3, 3, 3, 3, 3, 4, 4],
        [3, 3, 3, 3, 3, 3, 3, 3],
        [3, 3, 3, 3, 3, 3, 3, 0],
    ]
)


def test_a_scene_with_void_and_crowd():
    labels = build_labels(SCENE, [5, 0, 132, 5], crowds=[4], label_stride=2)
    # The largest comes first, equal areas as listed; crowd and void have no slot.
    assert labels[types.SLOT_CLASS_IDS].tolist() == [132, 5, 0, types.PAD_ID]
    assert labels[types.SLOT_MAP].tolist() == [
        [2, 2, 3, 3],
        [2, 2, 3, 3],
        [1, 1, 1, 0],
        [1, 1, 1, 0],
    ]
    # Half diagonals: 4.47, 2.83, 2.83.
    assert labels[types.CENTER_LEVELS].tolist() == [3, 2, 2, types.PAD_ID]
    assert labels[types.CENTER_INDICES].tolist() == [[0, 0], [0, 0], [0, 1], [0, 0]]
    assert labels[types.GAUSSIAN_RADII].tolist() == [0, 0, 0, 0]
    assert labels[types.NUM_DROPPED] == 0


def test_tf_data_knows_shapes_and_dtypes_and_gives_the_same_values():
    builder = TargetBuilder(4, (2, 3), (3,), label_stride=2)
    inputs = (SCENE.astype(np.int32), np.int32([5, 0, 132, 5]), np.array([0, 0, 0, 1], np.bool_))
    signature = (
        tf.TensorSpec([8, 8], tf.int32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([None], tf.bool),
    )
    dataset = tf.data.Dataset.from_generator(lambda: [inputs], output_signature=signature)
    dataset = dataset.map(builder)
    assert dataset.element_spec == {
        types.SLOT_MAP: tf.TensorSpec([4, 4], tf.uint8),
        types.SLOT_CLASS_IDS: tf.TensorSpec([4], tf.int32),
        types.CENTER_LEVELS: tf.TensorSpec([4], tf.int32),
        types.CENTER_INDICES: tf.TensorSpec([4, 2], tf.int32),
        types.GAUSSIAN_RADII: tf.TensorSpec([4], tf.int32),
        types.NUM_DROPPED: tf.TensorSpec([], tf.int32),
    }
    [labels] = dataset.as_numpy_iterator()
    for name, value in build_labels(*inputs[:2], crowds=[4], label_stride=2).items():
        np.testing.assert_array_equal(labels[name], value)


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("content", [(1, 1), (5, 16), (8, 3), (7, 13), (8, 16)])
def test_padding_does_not_change_the_labels(content, stride):
    rng = np.random.default_rng(stride)
    for _ in range(10):
        segment_map = rng.integers(0, 12, content).astype(np.int32)
        padded = np.pad(segment_map, [[0, 8 - content[0]], [0, 16 - content[1]]])
        class_ids, crowds = rng.integers(0, 3, 11).astype(np.int32), rng.random(11) < 0.2
        builder = TargetBuilder(6, (2, 3), (3,), label_stride=stride)
        labels = builder(tf.constant(segment_map), class_ids, crowds, (8, 16))
        for name, value in builder(tf.constant(padded), class_ids, crowds).items():
            np.testing.assert_array_equal(labels[name], value)


# ---- Void ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("class_ids", [[], [3, 1]])
def test_an_all_void_picture(class_ids):
    labels = build_labels(np.zeros([8, 8]), class_ids, label_stride=2)
    assert set(labels[types.SLOT_MAP].ravel()) == {types.VOID}
    assert set(labels[types.SLOT_CLASS_IDS]) == set(labels[types.CENTER_LEVELS]) == {types.PAD_ID}
    assert not labels[types.CENTER_INDICES].any()
    # Segments that augmentation cropped away do not count as dropped.
    assert labels[types.NUM_DROPPED] == 0


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_one_segment_over_the_whole_picture(stride):
    labels = build_labels(np.ones([8, 8]), [7], label_stride=stride)
    np.testing.assert_array_equal(labels[types.SLOT_MAP], np.ones([8 // stride] * 2))
    assert labels[types.SLOT_CLASS_IDS].tolist() == [7, -1, -1, -1]
    assert labels[types.CENTER_LEVELS][0] == 3
    assert labels[types.CENTER_INDICES][0].tolist() == [0, 0]


def test_void_is_never_a_slot_and_never_in_a_center():
    # Void in the middle of a ring and around it.
    segment_map = paint_boxes((1, 1, 7, 7))
    segment_map[3:5, 3:5] = 0
    labels = build_labels(segment_map, [0])
    np.testing.assert_array_equal(labels[types.SLOT_MAP] == types.VOID, segment_map == 0)
    assert labels[types.SLOT_CLASS_IDS].tolist() == [0, -1, -1, -1]


def test_a_picture_with_only_a_crowd_is_void_and_drops_nothing():
    labels = build_labels(np.ones([8, 8]), [7], crowds=[1], label_stride=2)
    assert set(labels[types.SLOT_MAP].ravel()) == {types.VOID}
    assert set(labels[types.SLOT_CLASS_IDS]) == {types.PAD_ID}
    assert labels[types.NUM_DROPPED] == 0


def test_more_segments_than_slots_keep_the_largest():
    areas = [2, 8, 1, 4, 6]
    boxes = [(row, 0, row + 1, area) for row, area in enumerate(areas)]
    labels = build_labels(paint_boxes(*boxes), [10, 11, 12, 13, 14], num_slots=3)
    assert labels[types.SLOT_CLASS_IDS].tolist() == [11, 14, 13]
    slots = {1: 0, 4: 1, 3: 2}  # Row -> slot.
    expected = np.full([8, 8], types.VOID)
    for row, slot in slots.items():
        expected[row, : areas[row]] = slot + 1
    np.testing.assert_array_equal(labels[types.SLOT_MAP], expected)
    assert labels[types.NUM_DROPPED] == 2


@pytest.mark.parametrize(
    ("num_slots", "dtype"), [(320, np.uint16), (256, np.uint16), (255, np.uint8)]
)
def test_more_instances_than_a_byte_counts(num_slots, dtype):
    numbers = np.arange(1, 301, dtype=np.int32).reshape(15, 20)
    segment_map = np.kron(numbers, np.ones([2, 2], np.int32))
    grid = {"center_levels": (1,), "level_bounds": (), "label_stride": 2}
    labels = build_labels(segment_map, [4] * 300, num_slots=num_slots, **grid)
    expected = np.where(numbers <= num_slots, numbers, types.VOID)
    np.testing.assert_array_equal(labels[types.SLOT_MAP], expected)
    assert labels[types.SLOT_MAP].dtype == dtype
    assert labels[types.SLOT_CLASS_IDS].tolist() == ([4] * 300 + [-1] * 20)[:num_slots]
    assert labels[types.CENTER_INDICES][240].tolist() == [12, 0]
    assert labels[types.NUM_DROPPED] == max(0, 300 - num_slots)


# ---- Settings ------------------------------------------------------------------------------------


def test_a_bound_too_many_is_refused():
    with pytest.raises(UserError, match=r"level_bounds.*found 2 bounds.*\(3, 4\).*each level but"):
        TargetBuilder(center_levels=(3, 4), level_bounds=(100, 200))


def test_unknown_centers_are_refused():
    with pytest.raises(UserError, match="centers = 'mass' .*: expected 'mask'.*'box'"):
        TargetBuilder(centers="mass")


def test_descending_bounds_are_refused():
    with pytest.raises(UserError, match=r"level_bounds = \(200, 100\).*ascend"):
        TargetBuilder(center_levels=(3, 4, 5), level_bounds=(200, 100))
