"""A stand-in for a model, and pictures to predict."""

import numpy as np
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories

CATEGORIES = Categories.from_coco(
    [{"id": 90, "name": "pré", "isthing": 0}, {"id": 3, "name": "chat", "isthing": 1}], "here"
)


def segment(image):
    """Finds a cat in the upper left quarter and a meadow in the lower half."""
    height, width, _ = image.shape
    panoptic_map = np.zeros([height, width], np.int32)
    panoptic_map[: height // 2, : width // 2] = 1
    panoptic_map[height // 2 :] = 70_000
    return {
        types.PANOPTIC_MAP: panoptic_map,
        types.SEGMENT_IDS: np.int32([1, 70_000]),
        types.SEGMENT_CLASS_IDS: np.int32([1, 0]),
        types.SEGMENT_SCORES: np.float32([0.87654321, 0.5]),
        types.SEGMENT_AREAS: np.int32([height * width // 4, height * width // 2]),
        types.SEGMENT_BOXES: np.int32(
            [[0, 0, height // 2, width // 2], [height // 2, 0, height, width]]
        ),
    }


def segment_nothing(image):
    empty = {name: np.zeros([0], np.int32) for name in (types.SEGMENT_IDS, types.SEGMENT_AREAS)}
    return empty | {
        types.PANOPTIC_MAP: np.zeros(image.shape[:2], np.int32),
        types.SEGMENT_CLASS_IDS: np.zeros([0], np.int32),
        types.SEGMENT_SCORES: np.zeros([0], np.float32),
        types.SEGMENT_BOXES: np.zeros([0, 4], np.int32),
    }


PIXELS = np.random.default_rng(0).integers(0, 256, [8, 12, 3], dtype=np.uint8)


def write_picture(path, pixels=PIXELS, mode=None, **options):
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path
