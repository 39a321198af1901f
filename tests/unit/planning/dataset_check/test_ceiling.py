"""The ceiling: 100 where the grid can express the truth, and what is lost where it cannot."""

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.planning.dataset_check.ceiling import Ceiling
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

CATEGORIES = Categories.from_coco(
    [{"id": 1, "name": "sky", "isthing": 0}, {"id": 2, "name": "cat", "isthing": 1}], "here"
)


def _score(segment_map, class_ids, size=(64, 64), is_crowd=None, **options):
    ceiling = Ceiling(CATEGORIES, size, PanopticFusion(min_area=1), **options)
    is_crowd = [False] * len(class_ids) if is_crowd is None else is_crowd
    ceiling.add(segment_map, class_ids, is_crowd)
    return ceiling.result(), ceiling.num_dropped


def _halves():
    """Sky above, a cat below, void at the right: all on the grid of 64 x 64 at stride 4."""
    segment_map = np.zeros([64, 64], np.uint16)
    segment_map[:32, :48] = 1
    segment_map[32:, :48] = 2
    return segment_map


def test_what_lies_on_the_grid_loses_nothing():
    result, num_dropped = _score(_halves(), [0, 1])
    assert (result.all.pq, num_dropped) == (pytest.approx(1.0), 0)


def test_a_segment_smaller_than_a_cell_is_lost_and_at_a_larger_input_is_not():
    segment_map = _halves()
    segment_map[9, 9] = 3
    lost, num_dropped = _score(segment_map, [0, 1, 1])
    # The large cat is found, the small one is not: PQ of things 1 / (1 + 1/2).
    assert lost.things.pq == pytest.approx(2 / 3, abs=0.01)
    assert num_dropped <= 1
    found, num_dropped = _score(segment_map, [0, 1, 1], (512, 512))
    assert found.things.pq > 0.8
    assert num_dropped == 0


def test_segments_beyond_the_last_slot_are_lost():
    segment_map = np.ones([64, 64], np.uint16)
    segment_map[:16, :16] = 2
    result, num_dropped = _score(segment_map, [0, 1], num_slots=1)
    # Sky, the larger, has the slot and takes the cat's pixels: its IoU is 15 / 16.
    assert (num_dropped, result.things.pq) == (1, 0.0)
    assert result.stuff.pq == pytest.approx(15 / 16)


def test_void_and_crowds_ask_for_nothing():
    segment_map = np.ones([64, 64], np.uint16)
    segment_map[:16, :16] = 2
    segment_map[:, 32:] = 0
    result, _ = _score(segment_map, [0, 1], is_crowd=[False, True])
    assert result.stuff.pq == pytest.approx(1.0)
    assert np.isnan(result.things.pq)
    nothing, _ = _score(np.zeros([64, 64], np.uint16), [])
    assert np.isnan(nothing.all.pq)
