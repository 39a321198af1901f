"""Layouts whose segments are in the pixels: each in its own files, with worked answers."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.build.build import build_from
from maskconver_tf.datasets.build.examine import Accepted, examine
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.built import Built
from maskconver_tf.datasets.sources.label_pictures.ade20k import ade20k_categories
from maskconver_tf.datasets.sources.label_pictures.label_segments import segments_of
from maskconver_tf.datasets.sources.open_source import open_source
from maskconver_tf.errors import UserError

CLASSES = [
    {"id": 1_000_000, "name": "道路", "isthing": 0},
    {"id": 0, "name": "سماء", "isthing": 0},
    {"id": 300, "name": "σκύλος", "isthing": 1},
    {"id": 7, "name": "кот", "isthing": 1},
]
# Source ids of the classes and instances of a 4 x 6 picture: 255 is void.
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


def _rgb(values):
    return np.stack([values & 255, values >> 8 & 255, values >> 16], -1).astype(np.uint8)


def _save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _picture(path, size=(4, 6)):
    _save(path, np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(*size, 3))


def _truth(source):
    """Source ids and (class, crowd) of the segments of the first item, as examined."""
    item = next(iter(source.items))
    accepted = examine(item)
    assert isinstance(accepted, Accepted), accepted
    truth = item.read_truth()
    return truth.ids.tolist(), [(s.class_id, s.is_crowd) for s in truth.segments]


def _finding(source):
    [finding] = examine(next(iter(source.items)))
    return finding


# ---- PNG folders ---------------------------------------------------------------------------------


@pytest.fixture
def png_folders(tmp_path):
    """One picture, in a folder below, with RGB semantic and 16-bit instance mask."""
    _picture(tmp_path / "images/a/пёс 1.png")
    _save(tmp_path / "semantic/a/пёс 1.png", _rgb(LABELS))
    _save(tmp_path / "instances/a/пёс 1.png", INSTANCES.astype(np.uint16))
    (tmp_path / "classes.json").write_text(json.dumps(CLASSES, ensure_ascii=False), "utf-8")
    paths = {name: str(tmp_path / name) for name in ("images", "semantic", "instances")}
    return paths | {"classes": str(tmp_path / "classes.json")}


def test_png_folders(png_folders):
    source = open_source("png_folders", png_folders)
    assert _truth(source) == (IDS, SEGMENTS)
    assert source.categories.source_ids.tolist() == [1_000_000, 0, 300, 7]
    [item] = source.items
    assert (item.name, item.image_id) == ("a/пёс 1.png", "a/пёс 1")
    assert source.findings == []


def test_instance_numbers_need_not_differ_between_classes_nor_mean_a_thing_under_stuff():
    categories = Categories.from_coco(CLASSES, "here")
    class_ids = np.array([[0, 0, 2, 3, -1]])
    truth = segments_of(class_ids, np.array([[5, 6, 7, 7, 7]]), categories)
    assert truth.ids.tolist() == [[1, 1, 2, 3, 0]]
    void = segments_of(class_ids, np.zeros([1, 5], int), categories, lone_things_are_crowds=False)
    assert void.ids.tolist() == [[1, 1, 0, 0, 0]]


def test_neither_class_nor_instance_aliases_when_both_are_large():
    entries = [{"id": i + 1, "name": str(i), "isthing": 1} for i in range(70_000)]
    categories = Categories.from_coco(entries, "here")
    class_ids = np.array([[69_999, 69_999, 69_998, 0]])
    instances = np.array([[1, 2**24 - 1, 2**24 - 1, 1]])
    truth = segments_of(class_ids, instances, categories)
    assert truth.ids.tolist() == [[3, 4, 2, 1]]
    assert [s.class_id for s in truth.segments] == [0, 69_998, 69_999, 69_999]


@pytest.mark.parametrize("mode", ["gray", "palette"])
def test_labels_are_gray_values_and_palette_indices(png_folders, tmp_path, mode):
    labels = np.where(LABELS == 1_000_000, 255, LABELS)  # Fits a byte but for 300.
    labels = np.where(labels == 300, 7, labels).astype(np.uint8)
    picture = Image.fromarray(labels)
    if mode == "palette":
        picture.putpalette([99] * 768)
        assert picture.mode == "P"
    picture.save(tmp_path / "semantic/a/пёс 1.png")
    ids, segments = _truth(open_source("png_folders", png_folders))
    assert ids[0] == [1, 1, 1, 1, 0, 0]
    assert {class_id for class_id, _ in segments} == {1, 3}


def test_what_is_no_label_is_named(png_folders, tmp_path):
    path = tmp_path / "semantic/a/пёс 1.png"
    _save(path, _rgb(np.where(LABELS == 0, 12, LABELS)))
    finding = _finding(open_source("png_folders", png_folders))
    assert (finding.problem, finding.file) == (Problem.UNKNOWN_LABEL, str(path))
    assert finding.found == "label 12"
    _truth(open_source("png_folders", png_folders | {"void_ids": "255, 12"}))
    Image.new("LA", (6, 4)).save(path)
    assert _finding(open_source("png_folders", png_folders)).problem is Problem.LABEL_MODE


def test_file_names_may_be_in_another_encoding_than_utf_8(png_folders, tmp_path):
    name = os.fsdecode(b"caf\xe9")
    _picture(tmp_path / f"images/{name}.png")
    for folder in ("semantic", "instances"):
        shutil.copy(tmp_path / folder / "a/пёс 1.png", tmp_path / folder / f"{name}.png")
    build_from("png_folders", png_folders, tmp_path / "out", workers=1, progress=False)
    _, item = Built(tmp_path / "out")
    assert (item.name, item.image_id) == (r"caf\udce9.png", name)


def test_masks_of_different_sizes_are_refused(png_folders, tmp_path):
    _save(tmp_path / "instances/a/пёс 1.png", np.zeros([4, 5], np.uint8))
    finding = _finding(open_source("png_folders", png_folders))
    assert finding.problem is Problem.SIZE
    assert finding.found.startswith("5 x 4, and 6 x 4 in ")


def test_files_that_match_no_other_are_named(png_folders, tmp_path):
    path = tmp_path / "semantic/a/пёс 1.png"
    path.rename(path.with_suffix(".PNG"))
    _truth(open_source("png_folders", png_folders))
    _save(tmp_path / "semantic/stray.png", _rgb(LABELS))
    (tmp_path / "instances/a/пёс 1.png").unlink()
    _save(tmp_path / "images/._stray.png", _rgb(LABELS))  # As macOS leaves behind: no picture.
    source = open_source("png_folders", png_folders)
    [stray] = source.findings
    assert (stray.problem, stray.picture) == (Problem.NO_PICTURE, "stray.png")
    assert _finding(source).problem is Problem.MAP_MISSING
    _picture(tmp_path / "images/a/пёс 1.jpg")
    with pytest.raises(UserError, match=r"пёс 1.jpg and a/пёс 1.png; expected one file"):
        open_source("png_folders", png_folders)
    shutil.rmtree(tmp_path / "images/a")
    with pytest.raises(UserError, match="images: found no picture; expected files that end in"):
        open_source("png_folders", png_folders)


# ---- Two channels --------------------------------------------------------------------------------


@pytest.fixture
def two_channel(tmp_path):
    """Class in red, instance in green and blue."""
    classes = [dict(entry, id=i) for i, entry in zip([1, 2, 3, 4], CLASSES)]
    labels = np.select([entry["id"] == LABELS for entry in CLASSES], [1, 2, 3, 4], 255)
    pixels = np.stack([labels, INSTANCES & 255, INSTANCES >> 8], -1).astype(np.uint8)
    _picture(tmp_path / "images/0.jpg")
    _save(tmp_path / "panoptic/0.png", pixels)
    (tmp_path / "classes.json").write_text(json.dumps(classes), "utf-8")
    paths = {"images": "images", "panoptic": "panoptic", "classes": "classes.json"}
    return {name: str(tmp_path / path) for name, path in paths.items()}


def test_two_channel(two_channel):
    source = open_source("two_channel", two_channel | {"instance_channel": "GB"})
    assert _truth(source) == (IDS, SEGMENTS)
    # Of 500 = 244 + 256 x 1 the lower byte alone is another instance of the same pixels.
    assert _truth(open_source("two_channel", two_channel)) == (IDS, SEGMENTS)
    swapped = two_channel | {"class_channel": "B", "instance_channel": "R"}
    ids, segments = _truth(open_source("two_channel", swapped))
    assert (ids[0], segments) == ([0] * 6, [(0, False)])


def test_channels_are_checked(two_channel, tmp_path):
    for channels in ({"class_channel": "X"}, {"instance_channel": "R"}, {"class_channel": "RGB"}):
        with pytest.raises(UserError, match="expected one or two letters of R, G, B, A"):
            open_source("two_channel", two_channel | channels)
    with_alpha = open_source("two_channel", two_channel | {"instance_channel": "A"})
    assert _finding(with_alpha).problem is Problem.CHANNELS
    Image.new("I;16", (6, 4)).save(tmp_path / "panoptic/0.png")
    finding = _finding(open_source("two_channel", two_channel))
    assert (finding.problem, finding.found) == (Problem.CHANNELS, "mode I;16, 16 bits a channel")


# ---- Cityscapes ----------------------------------------------------------------------------------

# Road, ego vehicle (void), two cars, a group of cars, caravan (void), license plate is never drawn.
INSTANCE_IDS = np.array(
    [
        [7, 7, 26_000, 26_000],
        [7, 1, 26_001, 26],
        [7, 29_000, 26_001, 26],
        [7, 7, 24_999, 23],
    ]
)


def _cityscapes_panoptic(root, ids):
    """What createPanopticImgs.py makes of a picture: ignored labels stay unpainted."""
    painted = np.where(np.isin(ids, [1, 29_000]), 0, ids)
    name = "ulm_000000_000019"
    _save(root / f"gtFine/cityscapes_panoptic_train/{name}_gtFine_panoptic.png", _rgb(painted))
    things = {24, 26}
    segments = [
        {"id": value, "category_id": label, "area": 1, "bbox": [0, 0, 1, 1], "iscrowd": crowd}
        for value in np.unique(painted[painted > 0]).tolist()
        for label in [value // 1000 if value > 1000 else value]
        for crowd in [int(value < 1000 and label in things)]
    ]
    names = {7: "road", 23: "sky", 24: "person", 26: "car"}
    content = {
        "images": [
            {
                "id": name,
                "width": 4,
                "height": 4,
                "file_name": f"{name}_gtFine_leftImg8bit.png",
            }
        ],
        "annotations": [
            {
                "image_id": name,
                "file_name": f"{name}_gtFine_panoptic.png",
                "segments_info": segments,
            }
        ],
        "categories": [
            {"id": i, "name": n, "isthing": int(i in things), "color": [0, 0, 0]}
            for i, n in names.items()
        ],
    }
    (root / "gtFine/cityscapes_panoptic_train.json").write_text(json.dumps(content))


@pytest.fixture
def city(tmp_path):
    """Cityscapes of one picture, without panoptic files."""
    stem = "train/ulm/ulm_000000_000019"
    _picture(tmp_path / f"leftImg8bit/{stem}_leftImg8bit.png", (4, 4))
    _save(tmp_path / f"gtFine/{stem}_gtFine_instanceIds.png", INSTANCE_IDS.astype(np.uint16))
    _save(tmp_path / f"gtFine/{stem}_gtFine_labelIds.png", np.zeros([4, 4], np.uint8))
    return {"root": str(tmp_path), "split": "train"}


def test_cityscapes_instance_ids(city):
    source = open_source("cityscapes", city)
    [item] = source.items
    assert source.description["truth"] == "instance_ids"
    assert (item.image_id, item.name) == (
        "ulm_000000_000019",
        "ulm/ulm_000000_000019_leftImg8bit.png",
    )
    truth = item.read_truth()
    expected = np.where(np.isin(INSTANCE_IDS, [1, 29_000]), 0, INSTANCE_IDS)
    np.testing.assert_array_equal(truth.ids, expected)
    found = {(s.id, source.categories[s.class_id].name, s.is_crowd) for s in truth.segments}
    assert found == {
        (7, "road", False),
        (23, "sky", False),
        (26, "car", True),
        (24_999, "person", False),
        (26_000, "car", False),
        (26_001, "car", False),
    }
    assert isinstance(examine(item), Accepted)
    assert len(source.categories) == 19
    assert source.categories.is_thing.sum() == 8
    assert source.findings == []


def test_cityscapes_panoptic_says_the_same(city, tmp_path):
    [by_instance_ids] = open_source("cityscapes", city).items
    _cityscapes_panoptic(tmp_path, INSTANCE_IDS)
    source = open_source("cityscapes", city)
    assert source.description["truth"] == "panoptic"
    [item] = source.items
    assert (item.name, item.image_id) == (by_instance_ids.name, by_instance_ids.image_id)
    truth, expected = item.read_truth(), by_instance_ids.read_truth()
    np.testing.assert_array_equal(truth.ids, expected.ids)
    assert {(s.id, s.is_thing, s.is_crowd) for s in truth.segments} == {
        (s.id, s.is_thing, s.is_crowd) for s in expected.segments
    }
    assert isinstance(examine(item), Accepted)
    forced = open_source("cityscapes", city | {"truth": "instance_ids"})
    assert forced.description["truth"] == "instance_ids"


def test_cityscapes_mistakes(city, tmp_path):
    path = tmp_path / "gtFine/train/ulm/ulm_000000_000019_gtFine_instanceIds.png"
    _save(path, np.full([4, 4], 34_000, np.uint16))
    assert _finding(open_source("cityscapes", city)).problem is Problem.UNKNOWN_LABEL
    path.rename(path.with_name("ulm_000001_000019_gtFine_instanceIds.png"))
    source = open_source("cityscapes", city)
    assert [finding.problem for finding in source.findings] == [Problem.NO_PICTURE]
    assert _finding(source).problem is Problem.MAP_MISSING
    with pytest.raises(UserError, match="leftImg8bit/val: not a folder"):
        open_source("cityscapes", city | {"split": "val"})
    with pytest.raises(UserError, match="--truth: found coarse, expected auto, panoptic or"):
        open_source("cityscapes", city | {"truth": "coarse"})


# ---- ADE20K --------------------------------------------------------------------------------------


@pytest.fixture
def ade20k(tmp_path):
    """Wall 1, sky 3, bed 8, flag 150; instances: a bed over wall, a flag; one bed has none."""
    semantic = np.array([[1, 1, 1, 3], [1, 8, 8, 3], [0, 8, 150, 150], [0, 8, 8, 3]], np.uint8)
    instances = np.zeros([4, 4, 3], np.uint8)
    instances[0:2, 1] = [1, 3, 0]  # Bed is kind 1 of the 100, here partly on wall.
    instances[2, 2:] = [100, 9, 0]  # Flag is kind 100.
    _picture(tmp_path / "images/training/ADE_train_00000001.jpg", (4, 4))
    _save(tmp_path / "annotations/training/ADE_train_00000001.png", semantic)
    _save(tmp_path / "annotations_instance/training/ADE_train_00000001.png", instances)
    return {"root": str(tmp_path), "split": "training"}


def test_ade20k(ade20k):
    source = open_source("ade20k", ade20k)
    ids, segments = _truth(source)
    assert [(source.categories[c].name, crowd) for c, crowd in segments] == [
        ("wall", False),
        ("sky", False),
        ("bed", False),
        ("flag", False),
    ]
    assert ids == [[1, 3, 1, 2], [1, 3, 0, 2], [0, 0, 4, 4], [0, 0, 0, 2]]
    assert source.categories.source_ids.tolist() == list(range(1, 151))
    assert source.categories.is_thing.sum() == 100
    things = [c.name for c in source.categories if c.isthing]
    # Kinds 1, 2, 31, 35, 51, 85 and 100 of the challenge's instanceInfo100.
    picked = [things[i - 1] for i in (1, 2, 31, 35, 51, 85, 100)]
    assert picked == ["bed", "windowpane", "stairs", "screen door", "towel", "screen", "flag"]


def test_ade20k_mistakes(ade20k, tmp_path):
    path = tmp_path / "annotations_instance/training/ADE_train_00000001.png"
    _save(path, np.full([4, 4, 3], 101, np.uint8))
    finding = _finding(open_source("ade20k", ade20k))
    assert (finding.problem, finding.file) == (Problem.UNKNOWN_LABEL, str(path))
    assert finding.found == "red 101, expected 1 to 100"


def test_ade20k_class_lists_of_the_challenge_are_taken_and_others_refused(ade20k, tmp_path):
    path = tmp_path / "objectInfo150.txt"
    rows = [f"{c.id}\t0.5\t9\t9\t{c.name} " for c in ade20k_categories()]
    rows[89] = "90\t0.5\t9\t9\ttelevision, television receiver, tv"  # The second edition.
    path.write_bytes("\r\n".join(["Idx\tRatio\tTrain\tVal\tName", *rows]).encode())
    open_source("ade20k", ade20k)
    path.write_bytes("\n".join(["", *rows[:20], "21\t\tcaf\xe9", *rows[21:]]).encode("latin-1"))
    with pytest.raises(UserError, match="150 classes, of which number 21 is caf.*with car there"):
        open_source("ade20k", ade20k)
    path.write_text("\n".join(["", *rows, "151\tone more"]))
    with pytest.raises(UserError, match="151 classes, of which number 151 is one more"):
        open_source("ade20k", ade20k)
    path.write_text("\n".join(["", *rows[:-1]]))
    with pytest.raises(UserError, match="149 classes, of which number 150 is missing.*with flag"):
        open_source("ade20k", ade20k)


# ---- Options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("coco", {}, "--source coco: expected one of coco_panoptic, tfds"),
        ("ade20k", {"root": "r"}, "--split: missing; the source ade20k needs --root DIR --split"),
        (
            "ade20k",
            {"root": "r", "split": "s", "images": "i"},
            r"--images: the source ade20k takes no such option \(but coco_panoptic",
        ),
    ],
)
def test_options_that_do_not_fit_the_source(source, options, message):
    with pytest.raises(UserError, match=message):
        open_source(source, options)
