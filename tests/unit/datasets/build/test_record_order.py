"""Records are written in an order that mixes a sorted source, and is the same in every build."""

import numpy as np
import pytest

from maskconver_tf import types
from maskconver_tf.datasets.build.build import build_dataset
from maskconver_tf.datasets.build.record_order import in_record_order, record_order
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.datasets.sources.lazy_pictures import LazyPictures, PicturesWith
from maskconver_tf.input.pipeline import TrainingInput
from maskconver_tf.input.shard_reader import read_serialized_examples

NUM_PICTURES, NUM_CLASSES = 96, 3
"""The first third of the pictures has the first class, the next third the second, and so on."""


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_the_order_is_a_permutation_that_the_number_decides(count):
    order = record_order(count)
    assert sorted(order.tolist()) == list(range(count))
    np.testing.assert_array_equal(order, record_order(count))


def test_the_order_is_the_same_in_every_version():
    """Other numbers here would change the bytes of every dataset that is built again."""
    assert record_order(8).tolist() == [7, 6, 2, 4, 1, 0, 3, 5]


def test_neighbors_of_the_source_are_apart():
    order = record_order(1000)
    assert np.mean(np.abs(np.diff(order)) < 20) < 0.08
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1


def test_any_part_of_the_order_can_be_read_alone(make_coco_folder):
    folder = make_coco_folder(num_pictures=7)
    source = CocoPanoptic(folder.images, folder.panoptic, folder.annotations)
    for pictures in (source.pictures, PicturesWith(source.pictures, max_pixels=10**6)):
        mixed = in_record_order(pictures)
        whole = [picture.image_id for picture in mixed]
        assert whole == [10 + i for i in record_order(7)]
        parts = [mixed.between(start, stop) for start, stop in ((0, 3), (3, 3), (3, 7))]
        assert [picture.image_id for part in parts for picture in part] == whole
        assert len(mixed) == 7
    assert {picture.max_pixels for picture in mixed} == {10**6}


def test_a_source_that_is_read_from_start_to_end_keeps_its_order():
    class OneWay:
        def __len__(self):
            return 3

        def __iter__(self):
            return self.between(0, 3)

        def between(self, start, stop):
            return iter(range(start, stop))

    assert list(in_record_order(OneWay())) == [0, 1, 2]
    assert isinstance(in_record_order(PicturesWith(OneWay(), max_pixels=9)), PicturesWith)
    assert sorted(in_record_order(LazyPictures(3, lambda i: i))) == [0, 1, 2]


# ---- A source that is sorted by class ------------------------------------------------------------


def _classes(image_ids):
    return [(number - 10) * NUM_CLASSES // NUM_PICTURES for number in image_ids]


@pytest.fixture
def sorted_by_class(make_coco_folder, tmp_path):
    """A dataset of 6 shards from pictures that are sorted by class: 32 of each, ids from 10."""
    folder = make_coco_folder(num_pictures=NUM_PICTURES)
    paths = (folder.images, folder.panoptic, folder.annotations)
    build_dataset(*paths, tmp_path / "out", workers=1, progress=False, num_shards=6)
    return tmp_path / "out"


@pytest.mark.parametrize("shuffle_buffer", [0, 8, 1024])
def test_a_dataset_sorted_by_class_trains_like_a_shuffled_one(sorted_by_class, shuffle_buffer):
    """With any buffer a batch of 12 has all classes, nearly as evenly as a draw has."""
    data = TrainingInput(str(sorted_by_class), (32, 32), 12, shuffle_buffer=shuffle_buffer)
    epochs = []
    for epoch in range(2):
        batches = [data.pictures_of(8 * epoch + step) for step in range(8)]
        ids = [[picture["image_id"] for picture in batch] for batch in batches]
        counts = np.array([np.bincount(_classes(batch), minlength=NUM_CLASSES) for batch in ids])
        assert (counts > 0).all()
        # A draw without replacement has the variance 12 x 1/3 x 2/3 x (1 - 11/95) = 2.36.
        assert counts.var() < 2 * 2.36
        epochs.append([image_id for batch in ids for image_id in batch])
        assert sorted(epochs[-1]) == list(range(10, 10 + NUM_PICTURES))
    assert epochs[0] != epochs[1]


def test_every_shard_and_the_first_examples_have_all_classes(sorted_by_class):
    folder = DatasetFolder(sorted_by_class)
    serialized = read_serialized_examples(folder).as_numpy_iterator()
    ids = [int(codec.parse(record)[types.IMAGE_ID].numpy()) for record in serialized]
    assert [shard["num_examples"] for shard in folder.manifest["shards"]] == [16] * 6
    for start in range(0, NUM_PICTURES, 16):
        assert set(_classes(ids[start : start + 16])) == set(range(NUM_CLASSES))
