"""Compact labels of literal maps: slots, centers, levels, radii, and what becomes void."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.input.targets import TargetBuilder, assign_levels, center_cells
from maskconver_tf.ops.resize import level_size

LEVELS, BOUNDS = (3, 4, 5, 6, 7), (100, 200, 400, 800)


def _build(segment_map, class_ids, crowds=(), **settings):
    """Labels of one map as arrays; by default 4 slots, strides 4 and 8 and a full-size slot map."""
    small = {"num_slots": 4, "center_levels": (2, 3), "level_bounds": (3,), "label_stride": 1}
    is_crowd = [number in crowds for number in range(1, len(class_ids) + 1)]
    labels = TargetBuilder(**small | settings)(
        tf.constant(segment_map, tf.int32),
        tf.constant(class_ids, tf.int32),
        tf.constant(is_crowd, tf.bool),
    )
    return {name: value.numpy() for name, value in labels.items()}


def _boxes(*boxes, size=(8, 8)):
    """Paints 1, 2, ... into boxes (y0, x0, y1, x1), later ones over earlier ones."""
    segment_map = np.zeros(size, np.int32)
    for number, (y0, x0, y1, x1) in enumerate(boxes, 1):
        segment_map[y0:y1, x0:x1] = number
    return segment_map


# ---- Everything at once --------------------------------------------------------------------------

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
    labels = _build(SCENE, [5, 0, 132, 5], crowds=[4], label_stride=2)
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


def test_shapes_and_dtypes_are_static_inside_tf_data_and_values_as_outside():
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
    for name, value in _build(*inputs[:2], crowds=[4], label_stride=2).items():
        np.testing.assert_array_equal(labels[name], value)


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("content", [(1, 1), (5, 16), (8, 3), (7, 13), (8, 16)])
def test_a_map_without_its_padding_has_the_labels_of_one_with_it(content, stride):
    rng = np.random.default_rng(stride)
    for _ in range(10):
        segment_map = rng.integers(0, 12, content).astype(np.int32)
        padded = np.pad(segment_map, [[0, 8 - content[0]], [0, 16 - content[1]]])
        class_ids, crowds = rng.integers(0, 3, 11).astype(np.int32), rng.random(11) < 0.2
        builder = TargetBuilder(6, (2, 3), (3,), label_stride=stride)
        labels = builder(tf.constant(segment_map), class_ids, crowds, (8, 16))
        for name, value in builder(tf.constant(padded), class_ids, crowds).items():
            np.testing.assert_array_equal(labels[name], value)


# ---- What becomes void ---------------------------------------------------------------------------


@pytest.mark.parametrize("class_ids", [[], [3, 1]])
def test_an_all_void_picture(class_ids):
    labels = _build(np.zeros([8, 8]), class_ids, label_stride=2)
    assert set(labels[types.SLOT_MAP].ravel()) == {types.VOID}
    assert set(labels[types.SLOT_CLASS_IDS]) == set(labels[types.CENTER_LEVELS]) == {types.PAD_ID}
    assert not labels[types.CENTER_INDICES].any()
    # A segment that augmentation cropped away was not dropped for want of anything.
    assert labels[types.NUM_DROPPED] == 0


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_one_segment_over_the_whole_picture(stride):
    labels = _build(np.ones([8, 8]), [7], label_stride=stride)
    np.testing.assert_array_equal(labels[types.SLOT_MAP], np.ones([8 // stride] * 2))
    assert labels[types.SLOT_CLASS_IDS].tolist() == [7, -1, -1, -1]
    assert labels[types.CENTER_LEVELS][0] == 3
    assert labels[types.CENTER_INDICES][0].tolist() == [0, 0]


def test_void_is_never_a_slot_and_never_in_a_center():
    # Void in the middle of a ring and around it.
    segment_map = _boxes((1, 1, 7, 7))
    segment_map[3:5, 3:5] = 0
    labels = _build(segment_map, [0])
    np.testing.assert_array_equal(labels[types.SLOT_MAP] == types.VOID, segment_map == 0)
    assert labels[types.SLOT_CLASS_IDS].tolist() == [0, -1, -1, -1]


def test_a_picture_of_nothing_but_a_crowd_is_void_and_drops_nothing():
    labels = _build(np.ones([8, 8]), [7], crowds=[1], label_stride=2)
    assert set(labels[types.SLOT_MAP].ravel()) == {types.VOID}
    assert set(labels[types.SLOT_CLASS_IDS]) == {types.PAD_ID}
    assert labels[types.NUM_DROPPED] == 0


def test_more_segments_than_slots_keep_the_largest():
    areas = [2, 8, 1, 4, 6]
    boxes = [(row, 0, row + 1, area) for row, area in enumerate(areas)]
    labels = _build(_boxes(*boxes), [10, 11, 12, 13, 14], num_slots=3)
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
    labels = _build(segment_map, [4] * 300, num_slots=num_slots, **grid)
    expected = np.where(numbers <= num_slots, numbers, types.VOID)
    np.testing.assert_array_equal(labels[types.SLOT_MAP], expected)
    assert labels[types.SLOT_MAP].dtype == dtype
    assert labels[types.SLOT_CLASS_IDS].tolist() == ([4] * 300 + [-1] * 20)[:num_slots]
    assert labels[types.CENTER_INDICES][240].tolist() == [12, 0]
    assert labels[types.NUM_DROPPED] == max(0, 300 - num_slots)


# ---- Shared centers ------------------------------------------------------------------------------

RING = _boxes((0, 0, 8, 8), (3, 3, 5, 5))  # The ball, 2, is in the middle of the ring, 1.


def _on_one_level(class_ids, segment_map=RING, **settings):
    return _build(segment_map, class_ids, center_levels=(2,), level_bounds=(), **settings)


def test_a_ring_and_a_ball_of_two_classes_both_stay():
    labels = _on_one_level([6, 2])
    assert labels[types.SLOT_CLASS_IDS].tolist() == [6, 2, -1, -1]
    assert labels[types.CENTER_INDICES][:2].tolist() == [[1, 1], [1, 1]]
    np.testing.assert_array_equal(labels[types.SLOT_MAP], RING)
    assert labels[types.NUM_DROPPED] == 0


@pytest.mark.parametrize("segment_map", [RING, np.where(RING == 1, 2, 1)])
def test_of_one_class_and_one_center_the_larger_stays_in_whatever_order_they_are_listed(
    segment_map,
):
    labels = _on_one_level([6, 6], segment_map)
    assert labels[types.SLOT_CLASS_IDS].tolist() == [6, -1, -1, -1]
    np.testing.assert_array_equal(labels[types.SLOT_MAP], np.where(RING == 1, 1, types.VOID))
    assert labels[types.NUM_DROPPED] == 1


def test_of_three_with_one_center_one_stays():
    segment_map = _boxes((0, 0, 8, 8), (2, 2, 6, 6), (3, 3, 5, 5))
    labels = _on_one_level([6, 6, 6], segment_map)
    assert labels[types.NUM_DROPPED] == 2
    assert (labels[types.SLOT_MAP] == 1).sum() == 64 - 16


def test_one_class_and_one_place_on_two_levels_are_two_centers():
    labels = _build(_boxes((0, 0, 8, 8), (0, 0, 2, 2)), [6, 6])
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
        labels = _build(segment_map, [3, 9], label_stride=stride)
        expected = np.ones([8 // stride] * 2)
        expected[0, 1] = 2
        np.testing.assert_array_equal(labels[types.SLOT_MAP], expected)
        assert labels[types.SLOT_CLASS_IDS].tolist() == [3, 9, -1, -1]


def test_of_two_segments_with_only_one_cell_between_them_one_stays_and_one_is_counted():
    for first, second in itertools.permutations([(0, 0), (0, 1), (1, 0), (1, 1)], 2):
        segment_map = np.zeros([8, 8], np.int32)
        segment_map[first], segment_map[second] = 1, 2
        labels = _build(segment_map, [3, 9], label_stride=2)
        assert labels[types.SLOT_MAP][0, 0] == 1
        assert labels[types.SLOT_CLASS_IDS][0] in (3, 9)
        assert labels[types.SLOT_CLASS_IDS][1] == types.PAD_ID
        assert labels[types.NUM_DROPPED] == 1


def test_a_crowd_takes_no_cell_from_a_segment():
    for segment, crowd in itertools.permutations([(0, 0), (0, 1), (1, 1)], 2):
        segment_map = np.zeros([8, 8], np.int32)
        segment_map[segment], segment_map[crowd] = 1, 2
        labels = _build(segment_map, [3, 9], crowds=[2], label_stride=2)
        assert labels[types.SLOT_MAP][0, 0] == 1
        assert labels[types.SLOT_CLASS_IDS].tolist() == [3, -1, -1, -1]
        assert labels[types.NUM_DROPPED] == 0


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_every_slot_has_a_cell_and_every_segment_a_slot_or_a_place_in_the_count(stride):
    rng = np.random.default_rng(stride)
    for _ in range(20):
        segment_map = rng.integers(0, 24, [8, 16]) * (rng.random([8, 16]) < 0.5)
        crowds = [number for number in range(1, 24) if rng.random() < 0.2]
        labels = _build(
            segment_map, rng.integers(0, 3, 23), crowds, num_slots=12, label_stride=stride
        )
        used = labels[types.SLOT_CLASS_IDS] != types.PAD_ID
        in_map = set(labels[types.SLOT_MAP].ravel()) - {types.VOID}
        assert in_map == set(range(1, used.sum() + 1))
        np.testing.assert_array_equal(used, labels[types.CENTER_LEVELS] != types.PAD_ID)
        present = set(segment_map.ravel()) - {0, *crowds}
        assert used.sum() + labels[types.NUM_DROPPED] == len(present)


# ---- Levels, cells and radii ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("height", "width", "level"),
    [
        (1, 1, 3),
        (120, 160, 3),  # Half the diagonal is exactly 100, the bound, which still belongs below.
        (121, 160, 4),
        (240, 320, 4),
        (240, 321, 5),
        (480, 640, 5),
        (481, 640, 6),
        (960, 1280, 6),
        (961, 1280, 7),
        (5000, 5000, 7),
    ],
)
def test_level_of_a_box(height, width, level):
    boxes = tf.constant([[7, 9, 7 + height, 9 + width]])
    assert assign_levels(boxes, LEVELS, BOUNDS).numpy().tolist() == [level]


def test_levels_rise_with_size_and_leave_no_gap():
    sides = np.arange(1, 2400)
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], -1).astype(np.int32)
    levels = assign_levels(tf.constant(boxes), LEVELS, BOUNDS).numpy()
    steps = np.diff(levels)
    assert levels[0] == 3
    assert levels[-1] == 7
    assert set(steps) == {0, 1}
    assert (sides[1:][steps == 1] / np.sqrt(2)).astype(int).tolist() == list(BOUNDS)


def test_a_segment_on_a_bound_gets_one_center():
    # 3-4-5: half the diagonal of 6x8 is 5.
    labels = _build(_boxes((1, 0, 7, 8)), [0], level_bounds=(5,))
    assert labels[types.CENTER_LEVELS].tolist() == [2, -1, -1, -1]


def test_a_single_level_takes_all_sizes():
    boxes = tf.constant([[0, 0, 1, 1], [0, 0, 4000, 4000]])
    assert assign_levels(boxes, (4,), ()).numpy().tolist() == [4, 4]


def test_level_counts_the_box_and_center_the_mask():
    # An L of 8x8: its box reaches far, its pixels' mean lies near its corner.
    segment_map = np.zeros([8, 8], np.int32)
    segment_map[:, 0] = segment_map[7] = 1
    labels = _build(segment_map, [0], level_bounds=(5.6,))
    assert labels[types.CENTER_LEVELS][0] == 3  # 5.66
    labels = _build(segment_map, [0], center_levels=(1,), level_bounds=())
    # Rows: (0.5 + ... + 7.5 + 7 * 7.5) / 15 = 5.63; columns: 8 - 5.63. The box's center is (4, 4).
    assert labels[types.CENTER_INDICES][0].tolist() == [2, 1]


def test_box_centers_move_the_center_alone():
    # The same L: the middle of its box, (4, 4), is not one of its pixels.
    segment_map = np.zeros([8, 8], np.int32)
    segment_map[:, 0] = segment_map[7] = 1
    settings = {"center_levels": (0,), "level_bounds": ()}
    mask = _build(segment_map, [0], **settings)
    box = _build(segment_map, [0], centers="box", **settings)
    assert mask[types.CENTER_INDICES][0].tolist() == [5, 2]
    assert box[types.CENTER_INDICES][0].tolist() == [4, 4]
    for name in mask.keys() - {types.CENTER_INDICES}:
        np.testing.assert_array_equal(box[name], mask[name])


def test_box_centers_lie_between_the_box_s_pixels_when_its_sides_are_even():
    labels = _build(_boxes((2, 1, 4, 8)), [0], center_levels=(0,), level_bounds=(), centers="box")
    assert labels[types.CENTER_INDICES][0].tolist() == [3, 4]  # (3, 4.5)


@pytest.mark.parametrize("input_size", [(96, 160), (800, 1216), (32, 32)])
def test_cells_lie_on_levels_that_overhang_the_input(input_size):
    height, width = input_size
    corner = tf.constant([[height - 0.5, width - 0.5], [0.5, 0.5]])
    for level in LEVELS:
        cells = center_cells(corner, tf.constant([level, level]), tf.constant(input_size))
        rows, columns = level_size(input_size, level)
        assert cells.numpy().tolist() == [[rows - 1, columns - 1], [0, 0]]


def test_a_center_between_cells_belongs_to_the_later_one():
    cells = center_cells(
        tf.constant([[8.0, 7.99], [64.0, 64.0]]), tf.constant([3, 3]), tf.constant([64, 64])
    )
    assert cells.numpy().tolist() == [[1, 0], [7, 7]]  # There is no eighth.


def test_radius_is_in_cells_of_the_segments_own_level():
    segment_map = _boxes((8, 8, 88, 88), size=(96, 96))
    # Half the diagonal is 56.6. 20 cells of stride 4: 20 (1 - sqrt(0.7)) / 2 = 1.63; 10 of 8: 0.82.
    for bound, level, radius in ((57, 2, 1), (56, 3, 0)):
        labels = _build(segment_map, [0], level_bounds=(bound,))
        assert labels[types.CENTER_LEVELS][0] == level
        assert labels[types.GAUSSIAN_RADII].tolist() == [radius, 0, 0, 0]
    labels = _build(segment_map, [0], level_bounds=(57,), gaussian_iou=0.3)
    assert labels[types.GAUSSIAN_RADII][0] == 4  # 20 (1 - sqrt(0.3)) / 2 = 4.52


def test_mirrored_maps_have_mirrored_labels():
    boxes = [(0, 0, 20, 12), (0, 12, 20, 24), (0, 24, 16, 64), (20, 0, 32, 56), (4, 32, 8, 36)]
    segment_map = _boxes(*boxes, size=(32, 64))
    settings = {
        "num_slots": 6,
        "center_levels": (2, 3, 4),
        "level_bounds": (9, 25),
        "label_stride": 2,
    }
    labels = _build(segment_map, [0, 0, 3, 1, 2], **settings)
    mirrored = _build(segment_map[:, ::-1], [0, 0, 3, 1, 2], **settings)
    assert labels[types.CENTER_LEVELS].tolist() == [4, 3, 3, 3, 2, -1]
    np.testing.assert_array_equal(mirrored[types.SLOT_MAP], labels[types.SLOT_MAP][:, ::-1])
    for name in (types.SLOT_CLASS_IDS, types.CENTER_LEVELS, types.GAUSSIAN_RADII):
        np.testing.assert_array_equal(mirrored[name], labels[name])
    used = labels[types.CENTER_LEVELS] >= 0
    rows, columns = labels[types.CENTER_INDICES][used].T
    widths = 64 // 2 ** labels[types.CENTER_LEVELS][used]
    expected = np.stack([rows, widths - 1 - columns], -1)
    np.testing.assert_array_equal(mirrored[types.CENTER_INDICES][used], expected)


# ---- Settings ------------------------------------------------------------------------------------


def test_a_bound_too_many_is_refused():
    with pytest.raises(UserError, match=r"level_bounds.*found 2 bounds.*\(3, 4\).*each level but"):
        TargetBuilder(center_levels=(3, 4), level_bounds=(100, 200))


def test_other_centers_are_refused():
    with pytest.raises(UserError, match="TargetBuilder.centers = 'mass': expected 'mask'.*'box'"):
        TargetBuilder(centers="mass")


def test_bounds_that_fall_are_refused():
    with pytest.raises(UserError, match=r"level_bounds = \(200, 100\).*ascend"):
        TargetBuilder(center_levels=(3, 4, 5), level_bounds=(200, 100))
