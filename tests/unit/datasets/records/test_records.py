"""Records: what goes in comes out, inside `tf.data`; folders that are not whole are refused."""

import hashlib
import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.writer import DatasetWriter, shard_bounds
from maskconver_tf.errors import UserError

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


def _encoded(pixels, image_format, **options):
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, image_format, **options)
    return encoded.getvalue()


def _record(**changes):
    pixels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    fields = {
        "image_bytes": _encoded(pixels, "PNG"),
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


def _read_back(*written):
    serialized = tf.data.Dataset.from_tensor_slices([codec.encode(r) for r in written])
    return list(serialized.map(codec.parse).map(codec.decode).as_numpy_iterator())


def test_every_field_comes_back_in_a_data_pipeline():
    [example] = _read_back(_record())
    np.testing.assert_array_equal(example[types.IMAGE].ravel(), np.arange(36))
    np.testing.assert_array_equal(example[types.SEGMENT_MAP], MAP)
    assert example[types.SEGMENT_IDS].tolist() == [2**24 - 1, 7, 1_000_000]
    assert example[types.SEGMENT_CLASS_IDS].tolist() == [1, 0, 1]
    assert example[types.SEGMENT_IS_CROWD].tolist() == [False, False, True]
    assert example[types.IMAGE_ID] == b"42"
    assert example[types.FILE_NAME].decode() == "night/été.png"
    assert example[types.IMAGE_SIZE].tolist() == [3, 4]
    dtypes = {
        field: value.dtype for field, value in example.items() if isinstance(value, np.ndarray)
    }
    assert dtypes == {
        types.IMAGE: np.uint8,
        types.IMAGE_SIZE: np.int32,
        types.SEGMENT_MAP: np.int32,
        types.SEGMENT_IDS: np.int64,
        types.SEGMENT_CLASS_IDS: np.int32,
        types.SEGMENT_IS_CROWD: np.bool_,
    }


def test_more_segments_than_a_byte_counts_and_none_at_all():
    crowded = np.arange(1, 1001, dtype=np.uint16).reshape(20, 50) * 65
    lists = {"segment_ids": np.arange(65_000), "segment_class_ids": np.zeros(65_000, int)}
    many, void = _read_back(
        _record(segment_map=crowded, segment_is_crowd=[False] * 65_000, **lists),
        _record(segment_map=MAP * 0, segment_ids=[], segment_class_ids=[], segment_is_crowd=[]),
    )
    np.testing.assert_array_equal(many[types.SEGMENT_MAP], crowded)
    assert many[types.SEGMENT_IDS][-1] == 64_999
    assert void[types.SEGMENT_IDS].shape == (0,) and not void[types.SEGMENT_MAP].any()
    assert codec.truth_segments(void) == []


def test_a_map_that_would_wrap_is_refused():
    with pytest.raises(TypeError, match="uint8; expected uint16"):
        codec.encode(_record(segment_map=MAP.astype(np.uint8)))


def test_image_ids_are_json_text():
    number, text = _read_back(_record(image_id=1), _record(image_id="été_1"))
    assert json.loads(number[types.IMAGE_ID]) == 1
    assert json.loads(text[types.IMAGE_ID]) == "été_1"


@pytest.mark.parametrize("subsampling", [0, 2], ids=["4:4:4", "4:2:0"])
def test_jpeg_decodes_to_what_other_programs_see(subsampling):
    pixels = np.random.default_rng(0).integers(0, 256, [24, 40, 3], np.uint8)
    jpeg = _encoded(pixels, "JPEG", quality=80, subsampling=subsampling)
    [example] = _read_back(_record(image_bytes=jpeg))
    seen = np.asarray(Image.open(io.BytesIO(jpeg)))
    np.testing.assert_array_equal(example[types.IMAGE], seen)


def test_grayscale_jpeg_decodes_to_rgb():
    gray = np.arange(96, dtype=np.uint8).reshape(8, 12)
    [example] = _read_back(_record(image_bytes=_encoded(gray, "JPEG", quality=100)))
    assert example[types.IMAGE].shape == (8, 12, 3)
    assert np.ptp(example[types.IMAGE].astype(int), axis=-1).max() == 0


def test_the_same_record_gives_the_same_bytes():
    assert codec.encode(_record()) == codec.encode(_record())


def test_truth_segments_have_ids_areas_and_boxes_of_the_map():
    [example] = _read_back(_record())
    assert codec.truth_segments(example) == [
        types.Segment(id=1, class_id=1, area=4, box=(0, 0, 2, 3)),
        types.Segment(id=2, class_id=0, area=4, box=(0, 2, 3, 4)),
        types.Segment(id=3, class_id=1, is_crowd=True, area=1, box=(2, 0, 3, 1)),
    ]


# ---- The folder ----------------------------------------------------------------------------------


def _write_folder(folder, num_shards, indices, num_items):
    folder.mkdir()
    writer = DatasetWriter(folder, num_shards, num_items)
    for index in indices:
        writer.write(index, codec.to_features(_record(image_id=index)))
    writer.finish(CATEGORIES, {"source": "test"}, converted={}, dropped=[])
    return folder


def test_shards_hold_the_sources_order(tmp_path):
    folder = DatasetFolder(_write_folder(tmp_path / "set", 2, [0, 1, 2, 4], 5))
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
    folder = DatasetFolder(_write_folder(tmp_path / "set", 3, [0], 3))
    assert [shard["num_examples"] for shard in folder.manifest["shards"]] == [1, 0, 0]
    assert list(tf.data.TFRecordDataset(str(folder.shard_paths[2]))) == []


def _drop_shard(folder):
    (folder / "data-00000-of-00001.tfrecord").unlink()


def _cut_shard(folder):
    path = folder / "data-00000-of-00001.tfrecord"
    path.write_bytes(path.read_bytes()[:-1])


def _from_the_future(folder):
    summary = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(summary | {"format_version": 99}))


def _as_the_first_builder_wrote_it(folder):
    summary = json.loads((folder / "dataset.json").read_text()) | {"format_version": 1}
    del summary["categories_sha256"]
    (folder / "dataset.json").write_text(json.dumps(summary))


def _without_shards(folder):
    summary = json.loads((folder / "dataset.json").read_text()) | {"shards": [{"name": "a"}]}
    (folder / "dataset.json").write_text(json.dumps(summary))


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (_drop_shard, "tfrecord: the shard does not exist"),
        (_cut_shard, "tfrecord: found .* bytes, expected"),
        (_from_the_future, "dataset.json: found format version 99, expected 2: a newer"),
        (
            _as_the_first_builder_wrote_it,
            "dataset.json: found format version 1 without categories_sha256, expected 2: an "
            "older .*`maskconver data build",
        ),
        (lambda folder: (folder / "dataset.json").write_text("[]"), "not a description"),
        (_without_shards, "dataset.json: the list shards is not one that the builder wrote"),
        (lambda folder: (folder / "dataset.json").unlink(), "no dataset.json.*data build"),
        (lambda folder: (folder / "categories.json").unlink(), "categories.json.*does not exist"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(tmp_path, damage, finding):
    folder = _write_folder(tmp_path / "set", 1, [0], 1)
    damage(folder)
    with pytest.raises(UserError, match=finding):
        DatasetFolder(folder)


def test_the_manifest_tells_who_wrote_what(tmp_path):
    folder = DatasetFolder(_write_folder(tmp_path / "set", 2, [0, 1], 2))
    assert folder.manifest["versions"]["tensorflow"] == tf.__version__
    for path, shard in zip(folder.shard_paths, folder.manifest["shards"]):
        assert shard["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert shard["num_bytes"] == path.stat().st_size
    assert folder.damaged_shards() == []


def test_a_changed_byte_is_found(tmp_path):
    folder = DatasetFolder(_write_folder(tmp_path / "set", 2, [0, 1], 2))
    path = folder.shard_paths[1]
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    assert DatasetFolder(folder.path).damaged_shards() == [path]


def test_another_class_list_is_refused(tmp_path):
    folder = _write_folder(tmp_path / "set", 1, [0], 1)
    path = folder / "categories.json"
    path.write_text(path.read_text().replace("cat", "dog"))
    with pytest.raises(UserError, match=r"categories.json: not the class list that the builder"):
        DatasetFolder(folder)


@pytest.mark.parametrize(("num_shards", "num_items"), [(1, 1), (2, 5), (3, 7), (7, 7), (4, 9)])
def test_bounds_of_shards_agree_with_the_shard_of_an_item(num_shards, num_items):
    for shard in range(num_shards):
        items = [i for i in range(num_items) if i * num_shards // num_items == shard]
        start, stop = shard_bounds(shard, num_shards, num_items)
        assert list(range(start, stop)) == items


def test_a_path_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: found a file"):
        DatasetFolder(tmp_path / "file")
    with pytest.raises(UserError, match="gone: found nothing"):
        DatasetFolder(tmp_path / "gone")


def test_a_folder_that_is_no_path_is_refused():
    with pytest.raises(UserError, match="5: expected the path of a folder, as text in quotes"):
        DatasetFolder(5)
