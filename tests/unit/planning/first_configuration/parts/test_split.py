"""Both parts hold the records of the source; copies stay together, and messages name the cause."""

import numpy as np
import pytest

from maskconver_tf.datasets.build.build import BuildSettings
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.errors import UserError
from maskconver_tf.planning.first_configuration.parts.split import SplitRequest, split_source
from maskconver_tf.planning.first_configuration.parts.stored_pictures import StoredPictures

SETTINGS = BuildSettings(workers=1, progress=False)


def split(folder, out, share=0.3, group_by=None):
    parts = (out / "train", out / "val")
    source = StoredPictures(DatasetFolder(folder))
    result = split_source(source, SplitRequest(share, group_by), parts, SETTINGS)
    return result, *(StoredPictures(DatasetFolder(part)) for part in parts)


def test_records_are_those_of_the_source(make_dataset, names, tmp_path):
    folder = make_dataset(names)
    result, train, val = split(folder, tmp_path / "parts")
    assert (result.num_train, result.num_val, result.num_alike) == (4, 2, 0)
    whole = {picture.name: picture for picture in StoredPictures(DatasetFolder(folder)).pictures}
    parts = [*train.pictures, *val.pictures]
    assert sorted(picture.name for picture in parts) == sorted(whole)
    for picture in parts:
        assert picture.image_id == whole[picture.name].image_id
        assert picture.read_image() == whole[picture.name].read_image()
        truth, before = picture.read_truth(), whole[picture.name].read_truth()
        np.testing.assert_array_equal(truth.ids, before.ids)
        assert truth.segments == before.segments
    assert train.categories == val.categories == DatasetFolder(folder).categories


def test_a_split_is_the_same_each_time(make_dataset, names, tmp_path):
    folder = make_dataset(names)
    first, second = (
        {picture.name for picture in split(folder, tmp_path / out)[2].pictures} for out in "ab"
    )
    assert first == second


def test_one_picture_cannot_be_divided(make_dataset, tmp_path):
    folder = make_dataset(["0.png"])
    with pytest.raises(UserError, match=r"has 1 picture; expected two or more"):
        split(folder, tmp_path / "parts")


def test_one_folder_cannot_be_divided_by_folders(make_dataset, tmp_path):
    folder = make_dataset(["a/0.png", "a/1.png"])
    with pytest.raises(UserError, match="--group_by folder: found only the folder 'a'"):
        split(folder, tmp_path / "parts", group_by="folder")
    assert not (tmp_path / "parts" / "train").exists()
