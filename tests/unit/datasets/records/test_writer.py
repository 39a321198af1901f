"""Shards keep the source's order, and the manifest describes them."""

import hashlib

import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.writer import shard_bounds
from tests.unit.datasets.records.small_records import CATEGORIES, write_folder


def test_shards_hold_the_sources_order(tmp_path):
    folder = DatasetFolder(write_folder(tmp_path / "set", 2, [0, 1, 2, 4], 5))
    assert folder.num_examples == 4
    assert folder.categories == CATEGORIES
    assert folder.manifest["source"] == "test"
    assert [path.name for path in folder.shard_paths] == [
        "data-00000-of-00002.tfrecord",
        "data-00001-of-00002.tfrecord",
    ]
    read = [
        [
            int(codec.parse(record)[types.IMAGE_ID].numpy())
            for record in tf.data.TFRecordDataset(str(path))
        ]
        for path in folder.shard_paths
    ]
    assert read == [[0, 1, 2], [4]]


def test_a_shard_whose_pictures_were_all_dropped_is_an_empty_file(tmp_path):
    folder = DatasetFolder(write_folder(tmp_path / "set", 3, [0], 3))
    assert [shard["num_examples"] for shard in folder.manifest["shards"]] == [1, 0, 0]
    assert list(tf.data.TFRecordDataset(str(folder.shard_paths[2]))) == []


def test_the_manifest_lists_versions_and_hashes(tmp_path):
    folder = DatasetFolder(write_folder(tmp_path / "set", 2, [0, 1], 2))
    assert folder.manifest["versions"]["tensorflow"] == tf.__version__
    for path, shard in zip(folder.shard_paths, folder.manifest["shards"]):
        assert shard["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert shard["num_bytes"] == path.stat().st_size
    assert folder.damaged_shards() == []


@pytest.mark.parametrize(("num_shards", "num_items"), [(1, 1), (2, 5), (3, 7), (7, 7), (4, 9)])
def test_bounds_of_shards_agree_with_the_shard_of_an_item(num_shards, num_items):
    for shard in range(num_shards):
        items = [i for i in range(num_items) if i * num_shards // num_items == shard]
        start, stop = shard_bounds(shard, num_shards, num_items)
        assert list(range(start, stop)) == items
