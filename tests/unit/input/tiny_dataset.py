"""A dataset of seven tiny pictures, and batches of it."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records import codec
from maskconver_tf.input import transforms
from maskconver_tf.input.pipeline import TrainingInput

NUM_EXAMPLES = 7
SIZE = (32, 64)
CATEGORIES = Categories.from_coco(
    [{"id": 2 * i + 1, "name": f"class {i}", "isthing": i % 2} for i in range(NUM_EXAMPLES + 1)],
    "here",
)
RANDOM = {
    "scale_range": (0.5, 2.0),
    "flip": True,
    "color_jitter": 0.1,
    "autoaugment": True,
    "copy_paste": 0.5,
    "paste_scale_range": (0.3, 1.0),
    "seed": 3,
}
"""Settings of a `TrainingInput` with every kind of augmentation."""


def record(number):
    """A record: class `number`, red, is left; class 7, blue, is right; the last row is void."""
    segment_map = np.full([16, 32], 2, np.uint16)
    segment_map[:, :12] = 1
    segment_map[15] = 0
    png = io.BytesIO()
    Image.fromarray(colors(segment_map)).save(png, "PNG")
    return codec.PanopticRecord(
        png.getvalue(), number, f"{number}.png", 16, 32, segment_map, [70, 80], [number, 7], [0, 0]
    )


def colors(segment_map):
    """Paints void green, segment 1 red and segment 2 blue."""
    palette = np.array([[0, 255, 0], [200, 0, 0], [0, 0, 200]], np.uint8)
    return palette[segment_map]


def map_and_class(segment_map, class_ids, is_crowd, input_size):
    """Replaces a `TargetBuilder`; returns the map and the number of the example."""
    return {
        types.SEGMENT_MAP: transforms.pad_to_canvas(segment_map, input_size),
        "number": class_ids[0],
    }


def map_and_classes(segment_map, class_ids, is_crowd, input_size):
    """Replaces a `TargetBuilder`; returns the map and the classes, padded with -1 to ten."""
    return {
        types.SEGMENT_MAP: transforms.pad_to_canvas(segment_map, input_size),
        types.SEGMENT_CLASS_IDS: tf.pad(
            class_ids, [[0, 10 - tf.size(class_ids)]], constant_values=-1
        ),
    }


def take(data_dir, count, build_targets=map_and_class, first_step=0, context=None, **settings):
    """Returns the first batches of a `TrainingInput`."""
    settings = {"batch_size": 3, "shuffle_buffer": 8} | settings
    batches = TrainingInput(data_dir, SIZE, **settings).batches(build_targets, first_step, context)
    return list(batches.take(count).as_numpy_iterator())


def numbers_of(batches):
    """Returns the number of each example."""
    return np.concatenate([batch["number"] for batch in batches]).tolist()


def assert_equal(batches, others):
    """Compares all fields of all batches."""
    assert len(batches) == len(others)
    for batch, other in zip(batches, others):
        assert batch.keys() == other.keys()
        for name in batch:
            np.testing.assert_array_equal(batch[name], other[name])
