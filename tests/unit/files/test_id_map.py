"""Segment ids in three bytes, and back."""

import numpy as np

from maskconver_tf.files.id_map import ids_to_rgb, rgb_to_ids


def test_ids_survive_the_picture_up_to_24_bits():
    ids = np.array([[0, 255, 256, 65535], [65536, 2**24 - 1, 300, 70000]], np.int32)
    np.testing.assert_array_equal(rgb_to_ids(ids_to_rgb(ids)), ids)
    assert ids_to_rgb(ids)[1, 3].tolist() == [112, 17, 1]
