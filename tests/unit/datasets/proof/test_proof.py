"""A proof finds every change of the records, and nothing else."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf.datasets.build.build_summary import balance_lines
from maskconver_tf.datasets.proof.differences import Difference
from tests.unit.datasets.proof.built_folder import BuiltFolder, only, prove_folder
from tests.unit.datasets.records.small_records import encode_pixels


@pytest.mark.parametrize("workers", [1, 2])
def test_a_build_equals_its_source(built, check, coco, workers):
    assert check(built, workers) == []
    assert balance_lines(prove_folder(coco, built).counts) == [
        "Pictures: 4 came in = 4 in records + 0 left out",
        "Segments: 16 came in = 16 in records",
    ]


def test_a_folder_in_a_bucket(built, coco):
    for remote, kinds in (("ram://proof/a", []), ("ram://proof/b", [Difference.NO_RECORD])):
        if kinds:
            built.write(built.records(1)[:1], number=1)
        tf.io.gfile.makedirs(remote)
        for path in built.path.iterdir():
            tf.io.gfile.copy(str(path), f"{remote}/{path.name}")
        assert [f.problem for f in prove_folder(coco, BuiltFolder(remote)).findings] == kinds


# ---- Records -------------------------------------------------------------------------------------
def test_a_missing_record(built, check, coco):
    built.write(built.records()[:1])
    only(check(built), Difference.NO_RECORD, f"{coco.images / '1.jpg'}: 4 segments")
    pictures, segments = balance_lines(prove_folder(coco, built).counts)
    assert pictures == (
        "Pictures: 4 came in = 3 in records + 0 left out + 1 missing in the records"
    )
    assert segments == "Segments: 16 came in = 12 in records + 4 missing in the records"


def test_a_doubled_record(built, check, coco):
    first, second = built.records()
    built.write([first, second, first])
    place = f"{built.shard()}: 0.jpg (id 10) is record 2, counted from 0"
    only(check(built), Difference.REPEATED, place)
    pictures, segments = balance_lines(prove_folder(coco, built).counts)
    assert pictures.startswith("Pictures: 4 came in + 1 too many in records = 5 in")
    assert segments == "Segments: 16 came in + 4 too many in records = 20 in records"


def test_a_record_in_place_of_another(built, check):
    first, _ = built.records()
    built.write([first, first])
    kinds = [kind for kind, _ in check(built)]
    assert kinds == [Difference.NO_RECORD, Difference.REPEATED]


def test_a_record_of_another_picture(built, check):
    built.change(1, file_name="other.jpg", image_id=99)
    findings = check(built)
    assert [kind for kind, _ in findings] == [Difference.NO_RECORD, Difference.NO_SOURCE]
    assert "other.jpg (id 99) is record 1" in findings[1][1]


@pytest.mark.parametrize("segment", range(4))
def test_a_class_shifted_by_one(built, check, coco, segment):
    record = built.records()[1]
    class_ids = record.segment_class_ids.copy()
    class_ids[segment] += 1
    built.change(1, segment_class_ids=class_ids)
    names = ["ciel", "pré", "ballon", "not in the class list"]
    before = int(class_ids[segment]) - 1
    only(
        check(built),
        Difference.SEGMENT,
        f"{coco.images / '1.jpg'}: segment id {record.segment_ids[segment]}: ",
        f"the record has class {before + 1} ({names[before + 1]}), ",
        f"the source has class {before} ({names[before]}) ",
        "(record 1, counted from 0, of data-00000-of-00002.tfrecord)",
    )


def test_another_crowd_mark(built, check):
    built.change(0, segment_is_crowd=np.zeros(4, bool))
    text = "segment id 70001: the record has no crowd, the source has a crowd"
    only(check(built), Difference.SEGMENT, text)


def test_a_segment_that_became_background(built, check, coco):
    record = built.records()[0]
    segment_map = np.where(record.segment_map == 3, 2, record.segment_map)
    segment_map = np.where(segment_map == 4, 3, segment_map).astype(np.uint16)
    kept = [0, 1, 3]
    built.change(
        0,
        segment_map=segment_map,
        segment_ids=record.segment_ids[kept],
        segment_class_ids=record.segment_class_ids[kept],
        segment_is_crowd=record.segment_is_crowd[kept],
    )
    area = np.count_nonzero(record.segment_map == 3)
    (_, grown), (_, lost) = check(built)
    assert f"segment id 1000: {area} pixels differ" in grown
    assert "the record has segment id 1000, class 1 (pré), the source has segment id 70000" in grown
    assert "segment id 70000: the record has no such segment and shows segment id 1000" in lost
    assert f"the source has class 2 (ballon), {area} pixels" in lost
    counts = prove_folder(coco, built).counts
    assert (counts["num_segments"], counts["num_missing_segments"]) == (15, 1)


def test_an_invented_segment(built, check):
    record = built.records()[0]
    segment_map = np.where(record.segment_map == 0, 5, record.segment_map).astype(np.uint16)
    built.change(
        0,
        segment_map=segment_map,
        segment_ids=np.append(record.segment_ids, 5),
        segment_class_ids=np.append(record.segment_class_ids, 0),
        segment_is_crowd=np.append(record.segment_is_crowd, False),
    )
    text = "the record has class 0 (ciel), 24 pixels, the source has no such segment and shows void"
    only(check(built), Difference.SEGMENT, "segment id 5: ", text)


def test_one_pixel_of_a_segment(built, check):
    segment_map = built.records()[0].segment_map.copy()
    assert segment_map[0, 1] == 1
    segment_map[0, 1] = 0
    built.change(0, segment_map=segment_map)
    text = "segment id 16777215: 1 pixels differ"
    there = "the first at x 1, y 0: the record has void, the source has segment id 16777215"
    only(check(built), Difference.SEGMENT, text, there)


def test_other_ids_and_a_number_that_no_segment_has(built, check):
    record = built.records()[0]
    built.change(0, segment_ids=record.segment_ids + 1)
    texts = [text for _, text in check(built)]
    assert sum("has no such segment" in text for text in texts) == 8 - 2  # 70001 is in both.
    segment_map = record.segment_map.copy()
    segment_map[0, 0] = 9
    built.change(0, segment_ids=record.segment_ids, segment_map=segment_map)
    only(check(built), Difference.SEGMENT, "segment numbers 5, 6, 7, 8, 9")


def test_a_repeated_segment_id(built, check):
    ids = built.records()[0].segment_ids.copy()
    ids[2] = ids[3]
    built.change(0, segment_ids=ids)
    assert any("segment id 70001: the record lists it 2 times" in text for _, text in check(built))


def test_a_changed_pixel(built, check, coco):
    pixels = np.asarray(Image.open(coco.images / "0.jpg")).copy()
    built.change(0, image_bytes=encode_pixels(pixels, "PNG"))
    assert check(built) == []  # Other bytes, the same pixels.
    color = pixels[5, 7].copy()
    pixels[5, 7, 1] ^= 1
    built.change(0, image_bytes=encode_pixels(pixels, "PNG"))
    text = f"1 of {24 * 32} pixels differ; the first at x 7, y 5: the record has RGB "
    sides = [" ".join(map(str, value.tolist())) for value in (pixels[5, 7], color)]
    text += f"{sides[0]}, the source has {sides[1]}"
    only(check(built), Difference.PICTURE, f"{coco.images / '0.jpg'}: {text}")


def test_swapped_pictures(built, check):
    first, second = built.records()
    swapped = [
        dataclasses.replace(first, image_bytes=second.image_bytes),
        dataclasses.replace(second, image_bytes=first.image_bytes),
    ]
    built.write(swapped)
    findings = check(built)
    assert [kind for kind, _ in findings] == [Difference.PICTURE] * 2


@pytest.mark.parametrize(
    ("image_bytes", "text"),
    [
        (encode_pixels(np.zeros([24, 31, 3], np.uint8), "PNG"), "31 x 24 pixels, the source has"),
        (encode_pixels(np.zeros([24, 32, 3], np.uint8), "PNG")[:-5], "cannot be read"),
        (b"", "cannot be read (an empty file)"),
    ],
)
def test_another_size_and_a_damaged_picture(built, check, image_bytes, text):
    built.change(0, image_bytes=image_bytes)
    only(check(built), Difference.PICTURE, text)


def test_a_record_that_is_none(built, check):
    built.write([built.records()[0], b"\x0anonsense"])
    kinds = [kind for kind, _ in check(built)]
    assert kinds == [Difference.UNREADABLE_RECORD, Difference.NO_RECORD]


def test_the_order_of_records_does_not_matter(built, check):
    built.write(built.records()[::-1])
    assert check(built) == []


def test_many_differences_of_one_picture_are_counted(built, check, coco, tmp_path):
    with coco.edit() as content:
        for i, image in enumerate(content["images"]):
            coco.paint(i, np.arange(1, image["height"] * 32 + 1).reshape(-1, 32))
            infos = [{"id": n, "category_id": 18, "iscrowd": 0} for n in range(1, 24 * 32 + 1)]
            content["annotations"][i]["segments_info"] = infos
    findings = check(built)
    assert len(findings) == 4 * 20
    assert f"{24 * 32 + 4 - 19} more differences between the segments" in findings[19][1]
