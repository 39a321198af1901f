"""The records of a dataset folder are read as they were built, without TensorFlow."""

import subprocess
import sys

import numpy as np
import pytest

from maskconver_tf.datasets.check_picture import check_picture
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.sources.dataset_folder import DatasetFolderSource
from maskconver_tf.errors import UserError
from maskconver_tf.planning.first_configuration.parts.stored_pictures import StoredPictures


def test_pictures_equal_those_of_the_other_reader(make_dataset, names):
    folder = make_dataset(names)
    stored, other = StoredPictures(DatasetFolder(folder)), DatasetFolderSource(folder)
    assert len(stored.pictures) == 6 and stored.most_segments == 4
    for mine, theirs in zip(stored.pictures, other.pictures, strict=True):
        assert mine.name == theirs.name and mine.image_id == theirs.image_id
        assert mine.read_image() == theirs.read_image()
        first, second = check_picture(mine), check_picture(theirs)
        np.testing.assert_array_equal(first.segment_map, second.segment_map)
        assert [s.class_id for s in first.segments] == [s.class_id for s in second.segments]


def test_segments_keep_the_ids_of_the_source(make_dataset, names):
    stored = StoredPictures(DatasetFolder(make_dataset(names)))
    for picture in stored.pictures:
        ids = {segment.id for segment in picture.read_truth().segments}
        assert ids <= {900, 1000, 1001, 1002} and 900 in ids and 1000 in ids
        assert set(np.unique(picture.read_truth().ids)) == ids


def test_pictures_are_found_in_any_order(make_dataset, names):
    stored = StoredPictures(DatasetFolder(make_dataset(names)))
    all_names = [picture.name for picture in stored.pictures]
    assert [p.name for p in stored.pictures.at([4, 0])] == [all_names[4], all_names[0]]


def test_a_damaged_shard_is_refused_by_name(make_dataset, names):
    folder = DatasetFolder(make_dataset(names))
    content = bytearray(folder.shard_paths[0].read_bytes())
    content[0] ^= 255
    folder.shard_paths[0].write_bytes(content)
    with pytest.raises(
        UserError, match=r"data-00000-of-00001.tfrecord: record 0 .* Copy the shard"
    ):
        StoredPictures(folder)


def test_looking_needs_no_tensorflow():
    code = (
        "import sys, maskconver_tf.planning.first_configuration.new_experiment;"
        "assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
