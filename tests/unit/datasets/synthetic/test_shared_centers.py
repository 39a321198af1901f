"""Things of two classes that share one center are found, and others are not."""

from __future__ import annotations

import numpy as np

from maskconver_tf.datasets.synthetic.catalogue import STUFF, THINGS
from maskconver_tf.datasets.synthetic.shared_centers import shared_center_segment_ids


def _segment(segment_id: int, name: str, iscrowd: int = 0) -> dict:
    return {"id": segment_id, "category_id": {**THINGS, **STUFF}[name], "iscrowd": iscrowd}


def test_shared_centers_are_things_of_two_classes_around_one_point():
    ids = np.full((9, 20), 900)
    ids[1:8, 1:8] = 70000
    ids[3:6, 3:6] = 5
    ids[2:7, 12:17] = 6
    sky, ring, ball = _segment(900, "sky"), _segment(70000, "ring"), _segment(5, "ball")
    far = _segment(6, "star")
    assert shared_center_segment_ids(ids, [sky, ring, ball, far]) == {70000, 5}
    assert shared_center_segment_ids(ids, [ring, _segment(5, "ring"), far]) == set()
    assert shared_center_segment_ids(ids, [ring, _segment(5, "ball", iscrowd=1)]) == set()


def test_shared_centers_may_be_two_pixels_apart_but_no_more():
    ids = np.zeros((1, 12), int)
    ids[0, [0, 2, 3, 10]] = [1, 2, 3, 4]
    close, far = (
        [_segment(1, "box"), _segment(2, "star")],
        [_segment(1, "box"), _segment(3, "star")],
    )
    assert shared_center_segment_ids(ids, close) == {1, 2}
    assert shared_center_segment_ids(ids, far) == set()
