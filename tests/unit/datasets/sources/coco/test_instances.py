"""COCO instances with and without stuff: overlap, crowds, parts and empty pictures."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from maskconver_tf.datasets.build.encode_picture import EncodedPicture, encode_picture
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError

SIZE = (6, 8)
THINGS = [{"id": 900, "name": "犬"}, {"id": 5, "name": "кот"}]
STUFF = [{"id": 1_000_000, "name": "sky", "isthing": 0}, {"id": 92, "name": "sea", "isthing": 0}]


def _box(left, top, width, height):
    """A polygon that covers whole pixels."""
    right, bottom = left + width, top + height
    return [left, top, right, top, right, bottom, left, bottom]


def _runs(mask, compressed):
    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    if compressed:
        return {"size": encoded["size"], "counts": encoded["counts"].decode()}
    flat = np.append(mask.T.ravel().astype(int), -1)
    counts, value, run = [], 0, 0
    for pixel in flat.tolist():
        if pixel != value:
            counts.append(run)
            value, run = pixel, 0
            if pixel == -1:
                break
        run += 1
    return {"size": list(mask.shape), "counts": counts}


def _annotation(number, category, segmentation, **more):
    base = {"id": number, "image_id": 1, "category_id": category, "iscrowd": 0}
    return base | {"segmentation": segmentation} | more


@pytest.fixture
def write(tmp_path):
    """`write(annotations)`: one picture of 6 x 8; returns the source's options."""

    def write(annotations, images=None):
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.new("RGB", SIZE[::-1]).save(tmp_path / "images/0.jpg")
        image = {"id": 1, "file_name": "0.jpg", "height": SIZE[0], "width": SIZE[1]}
        content = {"images": images or [image], "annotations": annotations, "categories": THINGS}
        (tmp_path / "instances.json").write_text(json.dumps(content), "utf-8")
        return {
            "images": str(tmp_path / "images"),
            "annotations": str(tmp_path / "instances.json"),
        }

    return write


def _read(options):
    source = open_named_source("coco_instances", options)
    item = next(iter(source.pictures))
    assert isinstance(encode_picture(item), EncodedPicture), encode_picture(item)
    return source, item.read_truth()


def test_small_instances_are_on_top_and_crowds_at_the_bottom(write):
    crowd = np.zeros(SIZE, bool)
    crowd[:, :3] = True
    small = np.zeros(SIZE, bool)
    small[2:4, 2:4] = True
    _, truth = _read(
        write(
            [
                _annotation(11, 5, _runs(small, compressed=True)),
                _annotation(12, 900, [_box(2, 1, 4, 4)]),
                _annotation(900100000013, 900, _runs(crowd, compressed=False), iscrowd=1),
            ]
        )
    )
    c = 900100000013
    assert truth.ids.tolist() == [
        [c, c, c, 0, 0, 0, 0, 0],
        [c, c, 12, 12, 12, 12, 0, 0],
        [c, c, 11, 11, 12, 12, 0, 0],
        [c, c, 11, 11, 12, 12, 0, 0],
        [c, c, 12, 12, 12, 12, 0, 0],
        [c, c, c, 0, 0, 0, 0, 0],
    ]
    assert [(s.id, s.class_id, s.is_crowd) for s in truth.segments] == [
        (11, 1, False),
        (12, 0, False),
        (c, 0, True),
    ]
    assert truth.num_hidden == 0


def test_disconnected_parts_are_one_segment_and_hidden_instances_are_counted(write):
    annotations = [
        _annotation(1, 900, [_box(0, 0, 2, 2), _box(6, 4, 2, 2)]),
        _annotation(2, 5, [_box(0, 0, 2, 1)]),
        _annotation(3, 5, [_box(0, 0, 2, 1)]),  # Of equal size, the later one is on top.
    ]
    options = write(annotations)
    source, truth = _read(options)
    assert truth.ids[0].tolist() == [3, 3, 0, 0, 0, 0, 0, 0]
    assert truth.ids[1].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert truth.ids[5].tolist() == [0, 0, 0, 0, 0, 0, 1, 1]
    assert [s.id for s in truth.segments] == [1, 3]
    assert truth.num_hidden == 1
    [item] = source.pictures
    assert encode_picture(item).num_hidden == 1


def test_stuff_fills_pixels_without_instance_and_background_the_rest(write, tmp_path):
    labels = np.full(SIZE, 92)
    labels[0] = 1_000_000
    labels[1, :4] = 255  # Void.
    labels[2] = 5  # A cat without an instance: void.
    (tmp_path / "stuff").mkdir()
    pixels = np.stack([labels & 255, labels >> 8 & 255, labels >> 16], -1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "stuff/0.png")
    (tmp_path / "stuff.json").write_text(json.dumps(STUFF))
    options = write([_annotation(40, 900, [_box(0, 0, 1, 6)])])
    options |= {"stuff": str(tmp_path / "stuff"), "stuff_classes": str(tmp_path / "stuff.json")}
    source, truth = _read(options)
    assert source.categories.source_ids.tolist() == [900, 5, 1_000_000, 92]
    assert truth.ids[:4, :6].tolist() == [
        [40, 41, 41, 41, 41, 41],
        [40, 0, 0, 0, 42, 42],
        [40, 0, 0, 0, 0, 0],
        [40, 42, 42, 42, 42, 42],
    ]
    source, truth = _read(options | {"background": "καθετί"})
    assert source.categories[4].id == 1_000_001
    assert truth.ids[1, :6].tolist() == [40, 43, 43, 43, 42, 42]
    assert truth.ids[2, :6].tolist() == [40, 0, 0, 0, 0, 0]  # The cat is not background either.
    assert [source.categories[s.class_id].name for s in truth.segments] == [
        "犬",
        "sky",
        "sea",
        "καθετί",
    ]


def test_a_picture_without_annotations_is_void_or_background(write):
    image = {"id": 1, "file_name": "0.jpg", "height": SIZE[0], "width": SIZE[1]}
    other = [_annotation(1, 5, [_box(0, 0, 2, 2)], image_id=2)]
    options = write(other, [image, image | {"id": 2, "file_name": "1.jpg"}])
    _, truth = _read(options)
    assert (truth.segments, truth.ids.max()) == ((), 0)
    _, truth = _read(options | {"background": "rest"})
    assert (len(truth.segments), truth.ids.min(), truth.ids.max()) == (1, 1, 1)


@pytest.mark.parametrize("compressed", [True, False])
def test_runs_of_any_length_and_number(write, compressed):
    # Runs above 31 and above 1023, longer and shorter than the run two places before.
    size = (90, 200)
    mask = np.zeros(size, bool)
    mask[:, 5:100] = True
    mask[3:40:2, 120:] = True
    annotation = _annotation(1, 5, _runs(mask, compressed))
    image = {"id": 1, "file_name": "0.jpg", "height": size[0], "width": size[1]}
    [item] = open_named_source("coco_instances", write([annotation], [image])).pictures
    np.testing.assert_array_equal(item.read_truth().ids, mask)


@pytest.mark.parametrize("name", ["a\0.jpg", "\ud83d.jpg"])
def test_an_impossible_file_name_is_a_finding(write, name):
    image = {"id": 1, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
    [item] = open_named_source("coco_instances", write([_annotation(1, 5, [])], [image])).pictures
    assert encode_picture(item)[0].problem is Problem.IMAGE_MISSING


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (_annotation(1, 5, [[0, 0, 1, 1]]), Problem.SHAPE),
        (_annotation(1, 5, [[0, 0, 1, 1, 2]]), Problem.SHAPE),
        (_annotation(1, 5, [["0"] * 6]), Problem.SHAPE),
        (_annotation(1, 5, {"size": [8, 6], "counts": [48]}), Problem.SHAPE),
        (_annotation(1, 5, {"size": [6, 8], "counts": [47]}), Problem.SHAPE),
        (_annotation(1, 5, {"counts": [48]}), Problem.SHAPE),
        # pycocotools accepts these and invents pixels, or crashes.
        (_annotation(1, 5, {"size": [6, 8], "counts": ""}), Problem.SHAPE),
        (_annotation(1, 5, {"size": [6, 8], "counts": "0"}), Problem.SHAPE),
        (_annotation(1, 5, {"size": [6, 8], "counts": "zzz"}), Problem.SHAPE),
        (_annotation(1, 5, {"size": [6, 8], "counts": [-2, 50]}), Problem.SHAPE),
        (_annotation(1, 5, {"size": [6, 8], "counts": [0.5, 47.5]}), Problem.SHAPE),
        (_annotation(1, 5, [[0, 0, 1e12, 0, 1e12, 1e12]]), Problem.SHAPE),
        (_annotation(1, 5, 7), Problem.SHAPE),
        (
            _annotation(1, 5, []),
            Problem.SHAPE,
        ),  # Tools export an instance with a box only like this.
        (_annotation(1, [5], [_box(0, 0, 1, 1)]), Problem.UNKNOWN_CATEGORY),
        (_annotation(1, 5, [_box(0, 0, 1, 1)], iscrowd="0"), Problem.MALFORMED_ENTRY),
        (_annotation(1, 6, [_box(0, 0, 1, 1)]), Problem.UNKNOWN_CATEGORY),
        (_annotation(0, 5, [_box(0, 0, 1, 1)]), Problem.MALFORMED_ENTRY),
    ],
)
def test_a_bad_annotation_is_one_finding(write, annotation, problem):
    [item] = open_named_source("coco_instances", write([annotation])).pictures
    [finding] = encode_picture(item)
    assert (finding.problem, finding.picture) == (problem, "0.jpg")


def test_annotations_without_image_or_with_a_repeated_id_are_noted(write):
    options = write(
        [
            _annotation(1, 5, [_box(0, 0, 1, 1)]),
            _annotation(1, 5, [_box(0, 0, 1, 1)]),
            _annotation(2, 5, [], image_id=77),
            {"id": 3},
        ]
    )
    source = open_named_source("coco_instances", options)
    assert [f.problem for f in source.findings] == [Problem.LOST_ANNOTATION] * 2
    [item] = source.pictures
    assert [f.problem for f in item.findings] == [Problem.REPEATED_SEGMENT]


def test_files_of_another_kind_are_refused_by_name(make_coco_folder, write):
    folder = make_coco_folder()
    options = {"images": str(folder.images), "annotations": str(folder.annotations)}
    with pytest.raises(UserError, match="as in COCO's panoptic files; .* --source coco_panoptic"):
        open_named_source("coco_instances", options)
    with pytest.raises(UserError, match="--stuff: needs --stuff_classes; give both"):
        open_named_source(
            "coco_instances", write([_annotation(1, 5, [])]) | {"stuff": options["images"]}
        )


def test_a_picture_without_size_is_refused(write):
    options = write([_annotation(1, 5, [])], [{"id": 1, "file_name": "0.jpg"}])
    [item] = open_named_source("coco_instances", options).pictures
    assert [f.problem for f in encode_picture(item)] == [Problem.MALFORMED_ENTRY]
