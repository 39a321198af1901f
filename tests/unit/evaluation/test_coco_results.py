"""COCO results files: each file, id and number is as COCO's evaluation expects it."""

import itertools
import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.coco_results import read_coco_panoptic
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.results import results_dict
from maskconver_tf.evaluation.writing.coco_writer import CocoPanopticWriter
from maskconver_tf.types import Segment

CATEGORIES = [
    {"id": 90, "name": "toothbrush", "isthing": 1},
    {"id": 3, "name": "небо", "isthing": 0},
]
BIG_ID = 1 + 2 * 256 + 3 * 65536
MAP = np.array([[0, 5, 5, 0], [BIG_ID, 5, 5, 0], [BIG_ID, 0, 5, 0]], np.int32)
SEGMENTS = [Segment(BIG_ID, 1, score=0.25), Segment(5, 0, score=0.5)]


@pytest.fixture
def categories():
    return Categories.from_coco(CATEGORIES, "test")


@pytest.fixture
def writer(categories, tmp_path):
    return CocoPanopticWriter(tmp_path / "new" / "folder", categories)


def test_files_have_cocos_format_in_every_number(writer, tmp_path):
    writer.add(139, "val/000139.jpg", MAP, SEGMENTS)
    path = writer.close()
    assert path == tmp_path / "new" / "folder" / "predictions.json"
    assert json.loads(path.read_text("utf-8")) == {
        "images": [{"id": 139, "file_name": "val/000139.jpg", "height": 3, "width": 4}],
        "annotations": [
            {
                "image_id": 139,
                "file_name": "000139.png",
                "segments_info": [
                    {
                        "id": BIG_ID,
                        "category_id": 3,
                        "area": 2,
                        "bbox": [0, 1, 1, 2],
                        "iscrowd": 0,
                        "score": 0.25,
                    },
                    {
                        "id": 5,
                        "category_id": 90,
                        "area": 5,
                        "bbox": [1, 0, 2, 3],
                        "iscrowd": 0,
                        "score": 0.5,
                    },
                ],
            }
        ],
        "categories": CATEGORIES,
    }
    with Image.open(path.with_name("predictions") / "000139.png") as picture:
        assert (picture.mode, picture.size) == ("RGB", (4, 3))
        assert picture.getpixel((0, 1)) == (1, 2, 3)
        assert picture.getpixel((1, 0)) == (5, 0, 0)
        assert picture.getpixel((3, 2)) == (0, 0, 0)


def test_what_was_written_is_read_back(writer):
    writer.add("a/1", "a.jpg", MAP, SEGMENTS)
    writer.add(2, "b.jpg", np.zeros((1, 1), np.int64), [])
    path = writer.close()
    first, second = read_coco_panoptic(path, path.with_name("predictions"))
    assert (first.image_id, second.image_id) == ("a/1", 2)
    np.testing.assert_array_equal(first.panoptic_map, MAP)
    assert first.panoptic_map.dtype == np.int32
    assert first.segments == tuple(SEGMENTS)
    assert (second.panoptic_map.shape, second.segments) == ((1, 1), ())


def test_reader_uses_the_given_class_list(writer, categories):
    writer.add(1, "a.jpg", MAP, SEGMENTS)
    path = writer.close()
    turned = Categories.from_coco(CATEGORIES[::-1], "turned")
    (picture,) = read_coco_panoptic(path, path.with_name("predictions"), turned)
    assert [segment.class_id for segment in picture.segments] == [0, 1]


def test_pictures_with_one_stem_get_different_files(writer):
    """The third name equals the one that the second PNG got; some disks ignore case."""
    names = ["left/1.jpg", "right/1.png", "1_2.jpg", "deep/1.JPG", "x\\1.jpg"]
    names += ["B.jpg", "b.jpg", "c.jpg", "C.jpg"]
    for image_id, name in enumerate(names):
        segment = Segment(image_id + 1, 0)
        writer.add(image_id, name, np.full((1, 2), segment.id), [segment])
    path = writer.close()
    pictures = list(read_coco_panoptic(path, path.with_name("predictions")))
    assert [picture.panoptic_map[0, 0] for picture in pictures] == list(range(1, 10))
    annotations = json.loads(path.read_text("utf-8"))["annotations"]
    png_names = [annotation["file_name"] for annotation in annotations]
    assert png_names[:2] == ["1.png", "1_2.png"]
    assert len({name.lower() for name in png_names}) == len(names)
    assert all("/" not in name and "\\" not in name for name in png_names)


@pytest.mark.parametrize(
    ("panoptic_map", "segments", "message"),
    [
        (MAP, SEGMENTS[:1], "image 7: the predicted map has pixels of segment 5"),
        (MAP, [*SEGMENTS, Segment(9, 0)], "no pixel of segment 9"),
        (
            np.array([[2**24]]),
            [Segment(2**24, 0)],
            "segment 16777216; expected 1..16777215, which a PNG",
        ),
        (np.array([[0]]), [Segment(0, 0)], "segment 0; expected 1..16777215"),
        (np.array([[-1]]), [], "pixels of segment -1"),
    ],
)
def test_a_map_coco_would_refuse_is_refused(writer, panoptic_map, segments, message):
    with pytest.raises(UserError, match=message):
        writer.add(7, "7.jpg", panoptic_map, segments)


def test_one_image_id_twice_is_refused(writer):
    writer.add(7, "7.jpg", MAP, SEGMENTS)
    writer.add("7", "other.jpg", MAP, SEGMENTS)
    with pytest.raises(UserError, match='image id "7" occurs twice'):
        writer.add("7", "third.jpg", MAP, SEGMENTS)


def test_json_appears_only_when_all_is_written(categories, tmp_path):
    def write_and_fail():
        with CocoPanopticWriter(tmp_path, categories) as writer:
            writer.add(7, "7.jpg", MAP, SEGMENTS)
            raise ValueError

    with CocoPanopticWriter(tmp_path, categories) as writer:
        writer.add(7, "7.jpg", MAP, SEGMENTS)
    assert (tmp_path / "predictions.json").exists()
    with pytest.raises(ValueError):
        write_and_fail()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["predictions"]


def test_broken_files_are_refused_by_name(writer, tmp_path):
    writer.add(7, "7.jpg", MAP, SEGMENTS)
    path = writer.close()
    with pytest.raises(
        UserError, match=r"elsewhere/7\.png: cannot be read .*expected a PNG of segment ids"
    ):
        list(read_coco_panoptic(path, tmp_path / "elsewhere"))
    sky = Categories.from_coco(CATEGORIES[1:], "sky")
    with pytest.raises(UserError, match="image 7: segment .* has category_id 90, which is not"):
        list(read_coco_panoptic(path, path.with_name("predictions"), sky))
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(
        UserError, match=r"list\.json is \[\] \(a list\); expected an object with `categories`"
    ):
        list(read_coco_panoptic(tmp_path / "list.json", tmp_path))


def _remove(key):
    return lambda entry: entry.pop(key)


def _set(key, value):
    return lambda entry: entry.update({key: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_remove("image_id"), "annotation 0 (counted from 0) has no `image_id`"),
        (_set("image_id", 7.0), "has image_id 7.0 (a number with a decimal point); expected"),
        (_set("image_id", True), "has image_id True (true or false); expected a whole number"),
        (_set("file_name", 7), "image 7 has file_name 7 (a whole number); expected text"),
        (_set("file_name", "a\0.png"), "cannot be read (embedded null"),
        (_set("segments_info", None), "has segments_info null; expected a list"),
        (_set("segments_info", {}), "has segments_info {} (an object); expected a list"),
        (_set("segments_info", [7]), "a segment is 7 (a whole number); expected an object"),
    ],
)
def test_a_broken_annotation_is_named_with_the_type_of_its_value(writer, change, message):
    _assert_refused(writer, lambda content: change(content["annotations"][0]), message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_remove("id"), "a segment has no `id`"),
        (_set("id", "1"), "a segment has id '1' (text); expected a whole number"),
        (_set("id", 0), "segment 0; expected an id from 1 to 16777215"),
        (_set("id", 2**24), "segment 16777216; expected an id from 1 to 16777215"),
        (_set("category_id", "90"), "has category_id '90' (text); expected a whole number"),
        (_set("category_id", 90.0), "has category_id 90.0 (a number with a decimal point)"),
        (_set("category_id", [90]), "has category_id [90] (a list); expected a whole number"),
        (_set("iscrowd", "0"), "has iscrowd '0' (text); expected 0 or 1"),
        (_set("iscrowd", 2), "has iscrowd 2 (a whole number); expected 0 or 1"),
        (_set("iscrowd", [0]), "has iscrowd [0] (a list); expected 0 or 1"),
        (_set("score", "0.5"), "has score '0.5' (text); expected a whole number or a number with"),
    ],
)
def test_a_broken_segment_is_named_with_the_type_of_its_value(writer, change, message):
    def first_segment(content):
        return change(content["annotations"][0]["segments_info"][0])

    _assert_refused(writer, first_segment, message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_remove("annotations"), "has no `annotations`"),
        (_set("annotations", {}), "has annotations {} (an object); expected a list"),
        (_set("annotations", [None]), "annotation 0 (counted from 0) is null; expected an"),
        (_set("categories", "cat"), "has categories 'cat' (text); expected a list"),
        (
            lambda content: content.update({"Annotations": content.pop("annotations")}),
            "has no `annotations`; found 'Annotations' instead",
        ),
        (
            lambda content: content["annotations"].append(content["annotations"][0]),
            "the annotation of image 7 occurs twice",
        ),
    ],
)
def test_a_broken_file_is_named_with_the_type_of_its_value(writer, change, message):
    _assert_refused(writer, change, message)


def _assert_refused(writer, change, message):
    """Writes a right file, changes it, and reads it."""
    writer.add(7, "7.jpg", MAP, SEGMENTS)
    path = writer.close()
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(UserError) as error:
        list(read_coco_panoptic(path, path.with_name("predictions")))
    assert message in str(error.value)


def test_coco_truth_as_prediction_is_perfect(coco200, tmp_path):
    """Real annotations, written and read back, score exactly 100 for every class that occurs."""
    truth = list(
        itertools.islice(
            read_coco_panoptic(coco200 / "panoptic_val.json", coco200 / "panoptic" / "val"), 20
        )
    )
    coco = json.loads((coco200 / "panoptic_val.json").read_text("utf-8"))
    categories = Categories.from_coco(coco["categories"], "coco200")
    with CocoPanopticWriter(tmp_path, categories) as writer:
        for picture in truth:
            writer.add(picture.image_id, "image.jpg", picture.panoptic_map, picture.segments)
    quality = PanopticQuality(len(categories), categories.is_thing)
    written = read_coco_panoptic(tmp_path / "predictions.json", tmp_path / "predictions")
    for one, other in zip(truth, written, strict=True):
        quality.update(one.panoptic_map, one.segments, other.panoptic_map, other.segments)
    results = results_dict(quality.result(), categories)
    for group in ("all", "things", "stuff"):
        assert [results[group][name] for name in ("pq", "sq", "rq")] == [100.0, 100.0, 100.0]
    num_crowds = sum(segment.is_crowd for picture in truth for segment in picture.segments)
    num_segments = sum(len(picture.segments) for picture in truth)
    assert sum(entry["tp"] for entry in results["per_class"].values()) == num_segments - num_crowds


def test_areas_and_boxes_equal_those_of_coco(coco200, tmp_path):
    """COCO's annotations have areas and boxes from another program."""
    coco = json.loads((coco200 / "panoptic_val.json").read_text("utf-8"))
    categories = Categories.from_coco(coco["categories"], "coco200")
    pictures = read_coco_panoptic(coco200 / "panoptic_val.json", coco200 / "panoptic" / "val")
    with CocoPanopticWriter(tmp_path, categories) as writer:
        for picture in itertools.islice(pictures, 5):
            writer.add(picture.image_id, "image.jpg", picture.panoptic_map, picture.segments)
    written = json.loads((tmp_path / "predictions.json").read_text("utf-8"))["annotations"]
    for ours, theirs in zip(written, coco["annotations"], strict=False):
        for one, other in zip(ours["segments_info"], theirs["segments_info"], strict=True):
            keys = ("id", "category_id", "area", "bbox")
            assert [one[key] for key in keys] == [other[key] for key in keys]
