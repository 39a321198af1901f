"""The ceiling is the mean of two grids, and labels at stride 1 are told apart."""

import types

import numpy as np
import pytest

from maskconver_tf.planning.dataset_check.advice.size_ceilings import (
    SizeCeilings,
    half_cell,
    shifted,
)


class FakeCeiling:
    """Its PQ is the share of pixels with a segment, and more with fine labels."""

    def __init__(self, label_stride: int):
        self.label_stride, self.num_pictures, self.num_dropped = label_stride, 0, 3
        self.seen = []

    def add(self, segment_map, class_ids, is_crowd):
        self.num_pictures += 1
        self.seen.append((segment_map, list(class_ids), list(is_crowd)))

    def result(self):
        share = np.mean([(m > 0).mean() for m, *_ in self.seen]) + 0.01 * (self.label_stride == 1)
        group = types.SimpleNamespace(pq=share)
        empty = types.SimpleNamespace(pq=np.nan)
        return types.SimpleNamespace(all=group, things=empty, stuff=group)


def test_both_grids_and_fine_labels_are_measured():
    made = []

    def make(label_stride):
        made.append(FakeCeiling(label_stride))
        return made[-1]

    ceilings = SizeCeilings(make, (64, 64), label_stride=2, mask_stride=4)
    segment_map = np.ones([64, 64], np.uint16)
    ceilings.add(segment_map, [1], [False])
    found = ceilings.to_json()
    assert [ceiling.label_stride for ceiling in made] == [2, 2, 1]
    moved = 100 * (62 / 64) ** 2
    assert (found["pq_aligned"], found["pq_shifted"]) == (100.0, pytest.approx(moved, abs=0.01))
    assert found["pq"] == pytest.approx((100 + moved) / 2, abs=0.01)
    assert found["pq_things"] is None
    assert found["pq_label_stride_1"] == 101.0
    assert (found["num_pictures"], found["num_dropped_segments"]) == (1, 3)


def test_half_a_cell_in_pixels_of_the_picture():
    assert half_cell((256, 256), (256, 256), 4) == 2
    assert half_cell((256, 256), (512, 512), 4) == 1
    assert half_cell((512, 1024), (256, 256), 4) == 8
    assert half_cell((1, 1), (256, 256), 4) == 0


def test_a_moved_map_has_its_segments_numbered_again():
    segment_map = np.zeros([6, 6], np.uint16)
    segment_map[0], segment_map[2:4, 2:4], segment_map[5, 5] = 1, 2, 3
    moved, left = shifted(segment_map, 1)
    assert left.tolist() == [1, 2]
    assert moved[1:3, 1:3].tolist() == [[1, 1], [1, 1]]
    assert moved[4, 4] == 2
    assert moved[5].tolist() == [0] * 6
    same, left = shifted(segment_map, 0)
    assert (same == segment_map).all()
    assert left.tolist() == [0, 1, 2]
