"""Areas and boxes of segments on a map small enough to count by hand."""

import numpy as np
import pytest

from maskconver_tf.ops.segment_extents import segment_extents

MAP = np.array(
    [
        [0, 1, 1, 2],
        [1, 1, 2, 2],
        [4, 0, 0, 2],
    ]
)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.int64])
def test_areas_and_half_open_boxes(dtype):
    areas, boxes = segment_extents(MAP.astype(dtype), 4)
    assert areas.tolist() == [4, 4, 0, 1]
    assert boxes.tolist() == [[0, 0, 2, 3], [0, 2, 3, 4], [0, 0, 0, 0], [2, 0, 3, 1]]
    assert areas.dtype == boxes.dtype == np.int64


def test_a_map_without_segments():
    areas, boxes = segment_extents(MAP * 0, 0)
    assert areas.shape == (0,) and boxes.shape == (0, 4)
