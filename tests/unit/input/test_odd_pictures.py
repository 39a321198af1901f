"""Odd pictures: very many segments, all void, very long, a single pixel."""

import io

import numpy as np
import pytest
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.writer import DatasetWriter
from maskconver_tf.input.pipeline import TrainingInput
from maskconver_tf.input.targets import TargetBuilder
from tests.unit.input.tiny_dataset import CATEGORIES, RANDOM


def _odd_record(segment_map, num_segments, image_format="PNG"):
    image = np.random.default_rng(0).integers(0, 255, [*segment_map.shape, 3]).astype(np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, image_format)
    return codec.PanopticRecord(
        encoded.getvalue(),
        "odd",
        f"odd.{image_format}",
        *segment_map.shape,
        segment_map.astype(np.uint16),
        np.arange(num_segments),
        np.arange(num_segments) % 8,
        np.zeros(num_segments),
    )


_GRID = np.kron(np.arange(1, 501).reshape(20, 25), np.ones([4, 4], int))
ODD = {
    "500 segments": _odd_record(_GRID, 500),
    "all void": _odd_record(np.zeros([30, 40]), 0),
    "listed but void": _odd_record(np.zeros([30, 40]), 3),
    "tall": _odd_record(np.ones([10000, 50]), 1, "JPEG"),
    "wide": _odd_record(np.ones([50, 10000]), 1, "JPEG"),
    "one pixel": _odd_record(np.ones([1, 1]), 1),
    "one pixel, JPEG": _odd_record(np.ones([1, 1]), 1, "JPEG"),
}


@pytest.fixture(scope="module")
def odd_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    writer = DatasetWriter(folder, num_shards=1, num_items=len(ODD))
    for number, record in enumerate(ODD.values()):
        writer.write(number, codec.to_features(record))
    writer.finish(CATEGORIES, {}, {}, [])
    return str(folder)


def test_odd_pictures_go_through_every_augmentation(odd_dir):
    settings = RANDOM | {"scale_range": (0.1, 3.0), "copy_paste": 1.0}
    builder = TargetBuilder(256, (3, 4), (20,), label_stride=2)
    data = TrainingInput(odd_dir, (64, 96), len(ODD), **settings)
    for batch in data.batches(builder).take(4).as_numpy_iterator():
        for i in range(len(ODD)):
            slots = batch[types.SLOT_CLASS_IDS][i]
            in_map = set(np.unique(batch[types.SLOT_MAP][i])) - {types.VOID}
            assert in_map == set(range(1, (slots != types.PAD_ID).sum() + 1))
            assert (batch[types.CONTENT_SIZE][i] >= 1).all()


def test_odd_pictures_without_augmentation(odd_dir):
    builder = TargetBuilder(512, (3, 4), (20,), label_stride=1)
    settings = {"flip": False, "shuffle_buffer": 0, "shuffle_shards": False}
    data = TrainingInput(odd_dir, (160, 224), len(ODD), **settings)
    [batch] = data.batches(builder).take(1).as_numpy_iterator()
    counts = (batch[types.SLOT_CLASS_IDS] != types.PAD_ID).sum(axis=1)
    assert dict(zip(ODD, counts.tolist())) == {
        "500 segments": 500,
        "all void": 0,
        "listed but void": 0,
        "tall": 1,
        "wide": 1,
        "one pixel": 1,
        "one pixel, JPEG": 1,
    }
    assert dict(zip(ODD, batch[types.CONTENT_SIZE].tolist())) == {
        "500 segments": [160, 200],
        "all void": [160, 213],
        "listed but void": [160, 213],
        "tall": [160, 1],
        "wide": [1, 224],
        "one pixel": [160, 160],
        "one pixel, JPEG": [160, 160],
    }
