"""Records of a 3 x 4 picture, and dataset folders of a few of them."""

import io

import numpy as np
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.writer import DatasetWriter

CATEGORIES = Categories.from_coco(
    [{"id": 9, "name": "sky", "isthing": 0}, {"id": 3, "name": "cat", "isthing": 1}], "here"
)
MAP = np.array(
    [
        [0, 1, 1, 2],
        [1, 1, 2, 2],
        [3, 0, 0, 2],
    ],
    np.uint16,
)


def encode_pixels(pixels, image_format, **options):
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, image_format, **options)
    return encoded.getvalue()


def make_record(**changes):
    pixels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    fields = {
        "image_bytes": encode_pixels(pixels, "PNG"),
        "image_id": 42,
        "file_name": "night/été.png",
        "height": 3,
        "width": 4,
        "segment_map": MAP,
        "segment_ids": [2**24 - 1, 7, 1_000_000],
        "segment_class_ids": [1, 0, 1],
        "segment_is_crowd": [False, False, True],
    }
    return codec.PanopticRecord(**fields | changes)


def write_folder(folder, num_shards, indices, num_items):
    folder.mkdir()
    writer = DatasetWriter(folder, num_shards, num_items)
    for index in indices:
        writer.write(index, codec.to_features(make_record(image_id=index)))
    writer.finish(CATEGORIES, {"source": "test"}, converted={}, dropped=[])
    return folder
