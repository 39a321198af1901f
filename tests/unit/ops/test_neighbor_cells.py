"""Centers move to random neighbor cells, and the same draws come again in the same step."""

import collections
import itertools

import numpy as np
import tensorflow as tf

from maskconver_tf.ops.neighbor_cells import move_to_neighbors
from maskconver_tf.types import PAD_ID

SIZES = {3: (12, 20), 4: (6, 10), 7: (1, 1)}
LEVELS = tf.constant([[3, 3, 4, 4, 7, PAD_ID], [4, 3, PAD_ID, 3, 3, 3]])
CELLS = tf.constant(
    [
        [[5, 7], [0, 0], [5, 9], [2, 4], [0, 0], [0, 0]],
        [[2, 4], [11, 19], [0, 0], [0, 9], [5, 7], [5, 8]],
    ]
)
RADII = tf.constant([[1, 2, 1, 0, 3, 0], [4, 1, 0, 1, 2, 2]])
CLASS_IDS = tf.constant([[0, 0, 1, 2, 0, PAD_ID], [2, 0, PAD_ID, 1, 1, 1]])


def move(share=1.0, step=0, pictures=slice(None), slots=slice(None)):
    fields = (x[pictures][:, slots] for x in (LEVELS, CELLS, RADII, CLASS_IDS))
    return move_to_neighbors(*fields, SIZES, share, tf.constant(step, tf.int64)).numpy()


@tf.function
def moves(step, share):
    return move_to_neighbors(*FIELDS, SIZES, share, step) - CELLS


def moves_of_steps(num_steps, share=1.0):
    """The moves (y, x) of each slot in each step, `[num_steps, 2, 6, 2]`."""
    share = tf.constant(share)
    return np.stack([moves(tf.constant(step, tf.int64), share) for step in range(num_steps)])


FIELDS = (LEVELS, CELLS, RADII, CLASS_IDS)
AROUND = {*itertools.product((-1, 0, 1), repeat=2)} - {(0, 0)}


def test_every_allowed_neighbor_is_equally_likely_and_no_other_cell_is_taken():
    taken, counts = moves_of_steps(400), {}
    for slot in np.ndindex(2, 6):
        counts[slot] = collections.Counter(map(tuple, taken[:, *slot].tolist()))
    allowed = {
        (0, 0): AROUND,
        (0, 1): {(0, 1), (1, 0), (1, 1)},  # The grid's first corner ...
        (0, 2): {(0, -1), (-1, 0), (-1, -1)},  # ... and its last one.
        (0, 3): {(0, 0)},  # A radius of 0.
        (0, 4): {(0, 0)},  # A grid of one cell.
        (0, 5): {(0, 0)},  # An empty slot.
        (1, 0): AROUND,
        (1, 1): {(0, -1), (-1, 0), (-1, -1)},
        (1, 2): {(0, 0)},
        (1, 3): {(0, -1), (0, 1), (1, -1), (1, 0), (1, 1)},
        (1, 4): AROUND - {(0, 1)},  # Beside the next center, which has the same class.
        (1, 5): AROUND - {(0, -1)},
    }
    assert {slot: set(found) for slot, found in counts.items()} == allowed
    for found in counts.values():
        expected = 400 / len(found)
        deviations = [abs(n - expected) / np.sqrt(expected) for n in found.values()]
        assert max(deviations) < 4


def test_the_share_of_centers_that_move():
    for share in (0.0, 0.25, 0.5):
        moved = moves_of_steps(200, share).any(-1).mean(0)
        for slot in [(0, 0), (0, 1), (1, 4)]:
            np.testing.assert_allclose(moved[slot], share, atol=0.12)


def test_centers_move_independently_of_each_other():
    moved = moves_of_steps(200, 0.5).any(-1)
    of_slots = [moved[:, picture, slot] for picture, slot in [(0, 0), (0, 1), (0, 2), (1, 0)]]
    assert np.abs(np.corrcoef(of_slots) - np.eye(4)).max() < 0.3


def test_the_only_free_cell_is_taken_and_a_surrounded_center_stays():
    ring = [[y, x] for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    cells = tf.constant([[[1, 1], *ring]])

    def center(class_ids):
        ones = tf.ones([1, 9], tf.int32)
        arguments = (5 * ones, cells, ones, tf.constant([class_ids]), {5: (3, 3)}, 1.0)
        return move_to_neighbors(*arguments, step=tf.constant(7))[0, 0].numpy().tolist()

    for free in range(8):
        # A segment of another class, or an empty slot, does not take its cell.
        for other in (1, PAD_ID):
            assert center([0, *(other if i == free else 0 for i in range(8))]) == ring[free]
    assert center([0] * 9) == [1, 1]
    assert center([1] + [0] * 8) in ring


def test_the_same_step_draws_the_same_and_other_steps_draw_others():
    np.testing.assert_array_equal(move(step=3), move(step=3))
    assert len({move(step=step).tobytes() for step in range(20)}) > 15
    assert len({move(step=2**40 + step).tobytes() for step in range(20)}) > 15


def test_order_and_batch_change_no_draw_so_replicas_and_parts_draw_alike():
    whole = move(step=5)
    np.testing.assert_array_equal(move(step=5, pictures=slice(0, 1)), whole[:1])
    np.testing.assert_array_equal(move(step=5, pictures=slice(None, None, -1)), whole[::-1])
    np.testing.assert_array_equal(move(step=5, slots=slice(None, None, -1)), whole[:, ::-1])


def test_more_empty_slots_change_no_draw():
    pads = [(LEVELS, PAD_ID), (CELLS, 0), (RADII, 0), (CLASS_IDS, PAD_ID)]
    longer = [
        tf.pad(x, [[0, 0], [0, 9], *[[0, 0]] * (x.shape.rank - 2)], constant_values=value)
        for x, value in pads
    ]
    moved = move_to_neighbors(*longer, SIZES, 1.0, tf.constant(5, tf.int64)).numpy()
    np.testing.assert_array_equal(moved[:, :6], move(step=5))
    assert (moved[:, 6:] == 0).all()


def test_xla_draws_the_same():
    compiled = tf.function(
        lambda step: move_to_neighbors(*FIELDS, SIZES, 0.5, step), jit_compile=True
    )
    for step in (0, 1, 12345):
        found = compiled(tf.constant(step, tf.int64))
        assert found.dtype == CELLS.dtype
        np.testing.assert_array_equal(found, move(0.5, step))
