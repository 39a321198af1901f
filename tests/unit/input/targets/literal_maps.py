"""Small segment maps and their labels."""

import numpy as np
import tensorflow as tf

from maskconver_tf.input.targets import TargetBuilder


def build_labels(segment_map, class_ids, crowds=(), **settings):
    """Returns the labels of one map as arrays.

    By default there are 4 slots, levels of stride 4 and 8, and a slot map of full size.
    """
    small = {"num_slots": 4, "center_levels": (2, 3), "level_bounds": (3,), "label_stride": 1}
    is_crowd = [number in crowds for number in range(1, len(class_ids) + 1)]
    labels = TargetBuilder(**small | settings)(
        tf.constant(segment_map, tf.int32),
        tf.constant(class_ids, tf.int32),
        tf.constant(is_crowd, tf.bool),
    )
    return {name: value.numpy() for name, value in labels.items()}


def paint_boxes(*boxes, size=(8, 8)):
    """Paints 1, 2, ... into boxes (y0, x0, y1, x1), later ones over earlier ones."""
    segment_map = np.zeros(size, np.int32)
    for number, (y0, x0, y1, x1) in enumerate(boxes, 1):
        segment_map[y0:y1, x0:x1] = number
    return segment_map
