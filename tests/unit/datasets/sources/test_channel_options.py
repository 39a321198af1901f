"""Builds datasets from pictures of 16 bits, floats and many channels."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from maskconver_tf.datasets.build.encode_picture import encode_picture
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.class_difference import class_difference
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.records.codec import from_features
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.pictures import plain_pixels
from maskconver_tf.inference.predictor import read_image


@pytest.fixture
def source(make_coco_folder):
    """`source(**options)`: opens three pictures of four float channels, `source.arrays`."""
    folder = make_coco_folder()
    rng = np.random.default_rng(0)
    arrays = [rng.random((24, 32, 4)).astype(np.float32) * 10 ** (i + 1) for i in range(3)]
    with folder.edit() as content:
        for i, entry in enumerate(content["images"]):
            entry["file_name"] = f"{i}.tif"
            path = folder.images / f"{i}.tif"
            tifffile.imwrite(
                path, arrays[i], photometric="minisblack", planarconfig="contig", metadata=None
            )

    def open_source(**options):
        places = {"images": folder.images, "panoptic": folder.panoptic}
        places["annotations"] = folder.annotations
        return open_named_source("coco_panoptic", places | options)

    open_source.arrays, open_source.images = arrays, folder.images
    return open_source


def records(source):
    return [from_features(encode_picture(picture).features) for picture in source.pictures]


def test_floats_without_a_mapping_are_refused_with_the_way_out(source):
    [finding] = encode_picture(next(iter(source().pictures)))
    assert "`maskconver data build --channels` reads more kinds" in finding.found
    assert "--percentiles 0.1,99.9" in finding.problem.way_out
    tifffile.imwrite(source.images / "0.tif", source.arrays[0][..., 0])
    [finding] = encode_picture(next(iter(source().pictures)))
    assert "--percentiles 0.1,99.9" in finding.problem.way_out


def test_a_missing_channel_and_a_film_have_their_own_way_out(source, tmp_path):
    opened = source(channels="9")
    [finding] = encode_picture(next(iter(opened.pictures)))
    assert finding.problem is Problem.IMAGE_CHANNELS
    assert "channel 9 (counted from 0) is wanted" in finding.found
    film = tmp_path / "film.tif"
    tifffile.imwrite(film, np.zeros((3, 8, 9), np.uint16), ome=True, metadata={"axes": "TYX"})
    with pytest.raises(UserError, match=r"stack or film \(T of 3\).*as a file of its own"):
        read_image(film, mapping=opened.categories.pictures)


def test_build_and_predict_see_the_same_pixels(source, tmp_path):
    opened = source(channels="3,0,1", percentiles="1,99")
    opened.categories.save(tmp_path / "categories.json")
    mapping = Categories.load(tmp_path / "categories.json").pictures
    assert mapping == ChannelMapping((3, 0, 1), (1.0, 99.0))
    for i, record in enumerate(records(opened)):
        built = plain_pixels(record.image_bytes)
        np.testing.assert_array_equal(built, mapping.apply(source.arrays[i]))
        np.testing.assert_array_equal(
            read_image(source.images / f"{i}.tif", mapping=mapping), built
        )
        assert built.std() > 40, "a dark picture would pass, too"


def test_one_range_for_the_whole_dataset(source, tmp_path):
    opened = source(channels="0", stretch="dataset", percentiles="0,100")
    [(low, high)] = opened.categories.pictures.limits
    assert low == min(a[..., 0].min() for a in source.arrays)
    assert high == max(a[..., 0].max() for a in source.arrays)
    means = [plain_pixels(record.image_bytes).mean() for record in records(opened)]
    assert means[0] < 3 and means[2] > 100

    opened.categories.save(tmp_path / "categories.json")
    again = source(mapping_of=str(tmp_path))
    assert again.categories.pictures == opened.categories.pictures


def test_the_file_of_the_class_list_has_the_mapping(source, tmp_path):
    opened = source(channels="2,1,0", percentiles="none")
    opened.categories.save(tmp_path / "c.json")
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["pictures"] == {"channels": [2, 1, 0], "percentiles": None, "limits": None}
    assert content["categories"] == opened.categories.to_coco()
    plain = source().categories
    plain.save(tmp_path / "p.json")
    assert isinstance(json.loads((tmp_path / "p.json").read_text()), list)
    assert opened.categories == plain, "the classes are the same"
    assert "mapping of channels" in class_difference(opened.categories, plain)
    assert class_difference(plain, source().categories) == ""


def test_a_damaged_mapping_in_the_file_is_named(source, tmp_path):
    opened = source(channels="2,1,0")
    opened.categories.save(tmp_path / "c.json")
    content = json.loads((tmp_path / "c.json").read_text())
    content["pictures"]["channels"] = "2"
    (tmp_path / "c.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"c\.json: found pictures"):
        Categories.load(tmp_path / "c.json")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": "x"}, "--channels x"),
        ({"percentiles": "5"}, "--percentiles 5"),
        ({"stretch": "datset"}, "--stretch datset: expected picture or dataset.*did you mean"),
        ({"stretch": "dataset", "percentiles": "none"}, "has no effect with --percentiles none"),
        ({"stretch": "dataset", "channels": "9"}, r"4 channels, and channel 9"),
        ({"mapping_of": "gone"}, "gone"),
        ({"mapping_of": "x", "channels": "1"}, "found --channels, too"),
    ],
)
def test_mistakes_are_told(source, options, message):
    with pytest.raises(UserError, match=message):
        source(**options)


def test_a_picture_without_the_channel_is_a_finding(source):
    for picture in source(channels="7").pictures:
        [finding] = encode_picture(picture)
        assert "4 channels, and channel 7" in finding.found


def test_a_dataset_without_mapping_has_none_to_take(source, tmp_path):
    source().categories.save(tmp_path / "categories.json")
    with pytest.raises(UserError, match="found a dataset without a mapping"):
        source(mapping_of=str(tmp_path))
