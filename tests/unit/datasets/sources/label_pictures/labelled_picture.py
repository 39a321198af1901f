"""A labelled picture of 4 x 6 pixels with its expected segments, and what the tests do with it."""

import numpy as np
from PIL import Image

from maskconver_tf.datasets.build.encode_picture import EncodedPicture, encode_picture

CLASSES = [
    {"id": 1_000_000, "name": "道路", "isthing": 0},
    {"id": 0, "name": "سماء", "isthing": 0},
    {"id": 300, "name": "σκύλος", "isthing": 1},
    {"id": 7, "name": "кот", "isthing": 1},
]
# Category ids; 255 is void.
LABELS = np.array(
    [
        [0, 0, 0, 0, 255, 255],
        [0, 300, 300, 7, 7, 0],
        [1_000_000, 300, 300, 7, 300, 300],
        [1_000_000, 1_000_000, 1_000_000, 7, 7, 300],
    ]
)
INSTANCES = np.array(
    [
        [9, 0, 0, 0, 4, 0],
        [0, 1, 2, 1, 1, 0],
        [0, 1, 2, 1, 0, 0],
        [0, 0, 0, 500, 500, 0],
    ]
)
# By class, then instance: road 1, sky 2, dog crowd 3, dogs 4 and 5, cats 6 and 7.
IDS = [
    [2, 2, 2, 2, 0, 0],
    [2, 4, 5, 6, 6, 2],
    [1, 4, 5, 6, 3, 3],
    [1, 1, 1, 7, 7, 3],
]
SEGMENTS = [(0, False), (1, False), (2, True), (2, False), (2, False), (3, False), (3, False)]


def as_rgb(values):
    """Pixels R + 256 G + 65536 B."""
    return np.stack([values & 255, values >> 8 & 255, values >> 16], -1).astype(np.uint8)


def save(path, pixels):
    """Writes a picture and makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def save_picture(path, size=(4, 6)):
    """Writes a color picture of some pixels."""
    save(path, np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(*size, 3))


def read_truth(source):
    """Id map and (class, crowd) of the segments of the first picture, which must be usable."""
    item = next(iter(source.pictures))
    accepted = encode_picture(item)
    assert isinstance(accepted, EncodedPicture), accepted
    truth = item.read_truth()
    return truth.ids.tolist(), [(s.class_id, s.is_crowd) for s in truth.segments]


def only_finding(source):
    """The one thing that is wrong with the first picture."""
    [finding] = encode_picture(next(iter(source.pictures)))
    return finding
