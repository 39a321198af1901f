"""Unusual pictures survive the way from the folder to the records and back."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.build.build import build_dataset, build_named_source
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.errors import UserError


def _build(folder, out):
    build_dataset(
        folder.images, folder.panoptic, folder.annotations, out, workers=1, progress=False
    )
    built = DatasetFolder(out)
    shards = tf.data.TFRecordDataset([str(path) for path in built.shard_paths])
    return built, list(shards.map(codec.parse).map(codec.decode).as_numpy_iterator())


def _replace(folder, ids, class_of, image=None):
    """Gives the one picture of a folder another map; `class_of` maps ids to category ids."""
    folder.paint(0, ids)
    image = Image.new("RGB", ids.shape[::-1], (9, 90, 200)) if image is None else image
    image.save(folder.images / "0.jpg", "PNG")
    with folder.edit() as content:
        content["images"][0] |= {"width": ids.shape[1], "height": ids.shape[0]}
        content["annotations"][0]["segments_info"] = [
            {"id": number, "category_id": category} for number, category in class_of.items()
        ]


@pytest.mark.parametrize(
    ("ids", "class_of"),
    [
        ([[5, 5, 5, 5]] * 4, {5: 7}),  # No thing.
        ([[5, 6, 6, 6]] * 4, {5: 18, 6: 18}),  # No stuff.
        ([[0, 0, 0, 0]] * 4, {}),  # All void.
        (np.arange(1, 501).reshape(20, 25), dict.fromkeys(range(1, 501), 18)),
        (np.ones([50, 10_000], int), {1: 7}),
    ],
    ids=["no thing", "no stuff", "all void", "500 segments", "10000 x 50"],
)
def test_a_picture_comes_back_as_it_was(make_coco_folder, tmp_path, ids, class_of):
    folder = make_coco_folder(num_pictures=1)
    ids = np.array(ids)
    _replace(folder, ids, class_of)
    _, [example] = _build(folder, tmp_path / "out")
    listed = np.append(0, example[types.SEGMENT_IDS])
    np.testing.assert_array_equal(listed[example[types.SEGMENT_MAP]], ids)
    assert example[types.SEGMENT_IDS].tolist() == list(class_of)
    assert example[types.IMAGE].shape == (*ids.shape, 3)


def test_a_picture_of_one_pixel_is_refused_with_the_reason(make_coco_folder, tmp_path):
    folder = make_coco_folder(num_pictures=1)
    _replace(folder, np.ones([1, 1], int), {1: 7})
    with pytest.raises(UserError, match=r"picture too small(.|\n)*1 x 1(.|\n)*at least 4 pixels"):
        _build(folder, tmp_path / "out")


@pytest.mark.parametrize("mode", ["I;16", "P", "L"])
def test_16_bits_and_palettes_become_plain_rgb(make_coco_folder, tmp_path, mode):
    folder = make_coco_folder(num_pictures=1)
    values = np.arange(16, dtype=np.uint16).reshape(4, 4) * 16
    if mode == "I;16":
        image = Image.fromarray(values * 256 + 255)
    else:
        image = Image.fromarray(values.astype(np.uint8))
    if mode == "P":
        image = image.convert("P")
    _replace(folder, np.ones([4, 4], int), {1: 7}, image)
    _, [example] = _build(folder, tmp_path / "out")
    np.testing.assert_array_equal(example[types.IMAGE], np.repeat(values[..., None], 3, -1))


def test_class_ids_to_a_million_and_names_in_any_script(tmp_path):
    names = ["道路", "سماء", "σκύλος", "कुत्ता", "пёс 🐕"]
    ids = [1_000_000, 999_999, 65_536, 255, 3]
    classes = [{"id": i, "name": n, "isthing": i % 2} for i, n in zip(ids, names)]
    for name in ("images", "semantic", "instances"):
        (tmp_path / name).mkdir()
    labels = np.array(ids)[np.arange(20).reshape(4, 5) % 5]
    rgb = np.stack([labels & 255, labels >> 8 & 255, labels >> 16], -1).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / "images/写真.png")
    Image.fromarray(rgb).save(tmp_path / "semantic/写真.png")
    Image.fromarray(np.ones([4, 5], np.uint8)).save(tmp_path / "instances/写真.png")
    (tmp_path / "classes.json").write_text(json.dumps(classes), "utf-8")
    options = {name: str(tmp_path / name) for name in ("images", "semantic", "instances")}
    options["classes"] = str(tmp_path / "classes.json")
    build_named_source("png_folders", options, tmp_path / "out", workers=1, progress=False)
    built = DatasetFolder(tmp_path / "out")
    assert list(built.categories.names) == names
    shards = tf.data.TFRecordDataset([str(path) for path in built.shard_paths])
    [example] = shards.map(codec.parse).map(codec.decode).as_numpy_iterator()
    class_ids = np.append(-1, example[types.SEGMENT_CLASS_IDS])[example[types.SEGMENT_MAP]]
    np.testing.assert_array_equal(built.categories.source_ids[class_ids], labels)
    assert json.loads(example[types.IMAGE_ID]) == "写真"
    assert example[types.FILE_NAME].decode() == "写真.png"
