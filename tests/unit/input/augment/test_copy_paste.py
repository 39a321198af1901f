"""Pasted segments on maps that fit on a screen, eagerly and inside `tf.data`."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.input.augment.annotated_picture import AnnotatedPicture, without_absent_segments
from maskconver_tf.input.augment.copy_paste import choose_segments, paste_segments, random_corner

SKY, GRASS, BALL, DOG = range(4)
IS_THING = [False, False, True, True]

BELOW = [
    [1, 1, 1, 1, 1, 0],
    [1, 3, 3, 1, 1, 0],
    [2, 3, 3, 2, 2, 0],
    [2, 2, 2, 2, 4, 0],
]
BELOW_CLASSES = [SKY, GRASS, BALL, BALL]
ABOVE = [
    [1, 1, 2],
    [3, 3, 2],
    [3, 0, 4],
]
ABOVE_CLASSES = [DOG, GRASS, BALL, DOG]


def _picture(segment_map, class_ids, crowds=(), brightness=0, whole_areas=None):
    """A picture whose pixels tell which segment they are of and, by brightness, which picture."""
    segment_map = np.array(segment_map, np.int32)
    count = len(class_ids)
    return AnnotatedPicture(
        tf.constant(np.stack([segment_map + brightness] * 3, -1).astype(np.uint8)),
        tf.constant(segment_map),
        tf.constant(class_ids, tf.int32, [count]),
        tf.constant([number in crowds for number in range(1, count + 1)], tf.bool, [count]),
        tf.constant(range(count) if whole_areas is None else whole_areas, tf.float32, [count]),
    )


_ANY = AnnotatedPicture(
    tf.TensorSpec([None, None, 3], tf.uint8),
    tf.TensorSpec([None, None], tf.int32),
    tf.TensorSpec([None], tf.int32),
    tf.TensorSpec([None], tf.bool),
    tf.TensorSpec([None], tf.float32),
)


@tf.function(
    input_signature=[_ANY, _ANY, tf.TensorSpec([None], tf.bool), tf.TensorSpec([2], tf.int32)]
)
def _paste_any(below, above, chosen, corner):
    return paste_segments(below, above, chosen, corner, tf.constant(IS_THING))


def _paste(below, above, chosen, corner=(0, 0)):
    """Pastes eagerly and inside `tf.data`, which does not know the sizes; both must agree."""
    arguments = (below, above, tf.constant(chosen, tf.bool), tf.constant(corner, tf.int32))
    eager = paste_segments(*arguments, tf.constant(IS_THING))
    [traced] = tf.data.Dataset.from_tensors(arguments).map(_paste_any).as_numpy_iterator()
    for value, other in zip(eager, traced):
        np.testing.assert_array_equal(value, other)
    return AnnotatedPicture(*(value.numpy() for value in eager))


def _assert_list_and_map_agree(picture):
    present = set(np.unique(picture.segment_map)) - {0}
    assert present == set(range(1, len(picture.class_ids) + 1))
    assert len(picture.is_crowd) == len(picture.class_ids) == len(picture.whole_areas)


def test_things_become_segments_and_stuff_joins_its_class():
    below = _picture(BELOW, BELOW_CLASSES)
    above = _picture(ABOVE, ABOVE_CLASSES, brightness=100)
    found = _paste(below, above, [True, True, False, True], corner=(1, 2))
    # The second ball below, one pixel, is under a dog and leaves the list.
    assert found.segment_map.tolist() == [
        [1, 1, 1, 1, 1, 0],
        [1, 3, 4, 4, 2, 0],
        [2, 3, 3, 2, 2, 0],
        [2, 2, 2, 2, 5, 0],
    ]
    assert found.class_ids.tolist() == [SKY, GRASS, BALL, DOG, DOG]
    assert found.image[..., 0].tolist() == [
        [1, 1, 1, 1, 1, 0],
        [1, 3, 101, 101, 102, 0],
        [2, 3, 3, 2, 102, 0],
        [2, 2, 2, 2, 104, 0],
    ]


def test_each_segment_keeps_its_whole_area_and_joined_stuff_counts_as_whole():
    """Grass of the second picture joins that of the first; a dog hides all of the first ball."""
    below = _picture([[1, 2, 3], [1, 2, 2]], [SKY, GRASS, BALL], whole_areas=[90, 80, 70])
    above = _picture([[2, 0, 1], [0, 0, 3]], [DOG, GRASS, SKY], (), 100, [9, 8, 7])
    found = _paste(below, above, [True, True, False])
    assert found.segment_map.tolist() == [[2, 2, 3], [1, 2, 2]]
    assert found.class_ids.tolist() == [SKY, GRASS, DOG]
    assert found.whole_areas.tolist() == [90, 0, 9]
    assert _paste(below, above, [False] * 3).whole_areas.tolist() == [90, 80, 70]


def test_stuff_of_a_new_class_becomes_a_segment():
    found = _paste(_picture([[1, 1], [0, 0]], [BALL]), _picture([[1], [1]], [SKY]), [True])
    assert found.segment_map.tolist() == [[2, 1], [2, 0]]
    assert found.class_ids.tolist() == [BALL, SKY]


def test_stuff_that_hides_all_of_its_own_class_takes_its_place():
    found = _paste(_picture([[1, 2]], [BALL, SKY]), _picture([[0, 1]], [SKY], brightness=9), [True])
    assert found.segment_map.tolist() == [[1, 2]]
    assert found.class_ids.tolist() == [BALL, SKY]
    assert found.image[0, :, 0].tolist() == [1, 10]


def test_things_of_one_class_stay_apart():
    found = _paste(_picture([[1, 1, 1]], [BALL]), _picture([[0, 1, 2]], [BALL, BALL]), [True, True])
    assert found.segment_map.tolist() == [[1, 2, 3]]
    assert found.class_ids.tolist() == [BALL] * 3


def test_a_hidden_crowd_is_removed_and_a_visible_one_stays_a_crowd():
    below = _picture([[1, 2, 3]], [DOG, BALL, BALL], crowds=[1, 2])
    found = _paste(below, _picture([[1, 0, 0]], [BALL]), [True])
    assert found.segment_map.tolist() == [[3, 1, 2]]
    assert found.class_ids.tolist() == [BALL, BALL, BALL]
    assert found.is_crowd.tolist() == [True, False, False]


def test_everything_may_be_hidden():
    found = _paste(
        _picture([[1, 2], [2, 0]], [SKY, BALL]), _picture(np.ones([2, 2]), [DOG]), [True]
    )
    assert found.segment_map.tolist() == [[1, 1], [1, 1]]
    assert found.class_ids.tolist() == [DOG]


def test_nothing_chosen_changes_nothing():
    found = _paste(
        _picture(BELOW, BELOW_CLASSES), _picture(ABOVE, ABOVE_CLASSES, (), 50), [False] * 4
    )
    np.testing.assert_array_equal(found.segment_map, BELOW)
    np.testing.assert_array_equal(found.image[..., 0], BELOW)
    assert found.class_ids.tolist() == BELOW_CLASSES


@pytest.mark.parametrize(("below", "above"), [(0, 0), (0, 2), (2, 0)])
def test_pictures_without_segments(below, above):
    classes = [SKY, BALL]
    found = _paste(
        _picture(np.arange(6).reshape(2, 3) % (below + 1), classes[:below]),
        _picture(np.arange(6).reshape(2, 3) % (above + 1), classes[:above]),
        [True] * above,
    )
    _assert_list_and_map_agree(found)
    assert found.class_ids.tolist() == classes[: max(below, above)]


def test_no_segment_without_pixels_and_no_pixels_without_segment():
    rng = np.random.default_rng(0)
    for _ in range(30):
        sizes = [(rng.integers(0, 9), rng.integers(1, 7, 2)) for _ in range(2)]
        limit = np.minimum(sizes[0][1], sizes[1][1])
        pictures = []
        for (count, _), size in zip(sizes, [sizes[0][1], limit]):
            pictures.append(
                _picture(rng.integers(0, count + 1, size), rng.integers(0, 4, count), [2])
            )
        corner = rng.integers(0, sizes[0][1] - limit + 1)
        chosen = choose_segments(pictures[1].is_crowd, tf.constant([1, 2])).numpy()
        found = _paste(*pictures, chosen, corner)
        _assert_list_and_map_agree(found)


def test_more_segments_than_16_bits_can_number():
    numbers = np.arange(1, 300 * 250 + 1).reshape(300, 250)
    below = _picture(numbers, [BALL] * numbers.size)
    above = _picture(numbers[:1], [DOG] * 250)
    found = paste_segments(
        below, above, tf.ones([250], tf.bool), tf.constant([0, 0]), tf.constant(IS_THING)
    )
    assert found.segment_map[0, 0].numpy() == 300 * 250 - 250 + 1
    assert len(np.unique(found.segment_map)) == len(found.class_ids) == 300 * 250


def test_absent_segments_are_removed_and_the_others_renumbered():
    found = without_absent_segments(_picture([[0, 4], [2, 4]], [SKY, GRASS, BALL, DOG], [4]))
    assert found.segment_map.numpy().tolist() == [[0, 2], [1, 2]]
    assert found.class_ids.numpy().tolist() == [GRASS, DOG]
    assert found.is_crowd.numpy().tolist() == [False, True]
    assert found.whole_areas.numpy().tolist() == [1, 3]


# ---- What is drawn -------------------------------------------------------------------------------


def test_half_of_the_segments_are_chosen_independently_and_never_a_crowd():
    is_crowd = tf.constant([False, False, True])
    drawn = [
        tuple(choose_segments(is_crowd, tf.constant([4, i])).numpy().tolist()) for i in range(60)
    ]
    assert set(drawn) == {(a, b, False) for a in (False, True) for b in (False, True)}
    assert 18 <= sum(first for first, *_ in drawn) <= 42


def test_every_corner_that_fits_is_drawn():
    size, canvas = tf.constant([2, 5]), tf.constant([4, 6])
    corners = {
        tuple(random_corner(size, canvas, tf.constant([1, i])).numpy().tolist()) for i in range(60)
    }
    assert corners == {(row, column) for row in range(3) for column in range(2)}
