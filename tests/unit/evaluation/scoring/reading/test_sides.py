"""Malformed entries and files of one picture: the message names picture and file."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.errors import UserError
from tests.unit.evaluation.scoring.small_files import MAP, write_map


def error_of(files, workers: int = 1, **options) -> str:
    with pytest.raises(UserError) as caught:
        files.results(workers, **options)
    return str(caught.value)


@pytest.mark.parametrize("side", ["truth", "pred"])
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("id", "1", "'1' (text)"),
        ("id", 1.0, "1.0"),
        ("id", True, "True"),
        ("id", 0, "segment 0"),
        ("id", 2**24, "16777216"),
        ("id", -3, "-3"),
        ("id", None, "null"),
        ("category_id", 99, "category_id 99"),
        ("category_id", "1", "'1' (text)"),
        ("category_id", 1.0, "1.0"),
        ("category_id", True, "True"),
        ("iscrowd", 2, "iscrowd 2"),
        ("iscrowd", "0", "'0' (text)"),
        ("area", "big", "'big' (text)"),
        ("area", float("nan"), "area nan"),
        ("area", 10**400, "area 1000"),
        ("score", float("nan"), "score nan"),
        ("score", -float("inf"), "score -inf"),
        ("score", 10**400, "score 1000"),
        ("score", "high", "'high' (text)"),
    ],
)
def test_a_wrong_value_in_an_entry(files, side, key, value, said):
    path = getattr(files, side)
    with files.edit(path) as entries:
        entries[1]["segments_info"][0][key] = value
    for strict in (False, True):
        message = error_of(files, strict=strict)
        assert f"{path}: the annotation of image 8" in message and said in message


@pytest.mark.parametrize("key", ["id", "category_id"])
def test_a_missing_value_in_an_entry(files, key):
    with files.edit(files.pred) as entries:
        del entries[0]["segments_info"][0][key]
    assert f"image 7: a segment has no `{key}`" in error_of(files).replace(
        ": segment 1", ": a segment"
    )


@pytest.mark.parametrize("key", ["iscrowd", "area", "score"])
def test_values_that_may_be_missing(files, key):
    for path in (files.truth, files.pred):
        with files.edit(path) as entries:
            del entries[0]["segments_info"][0][key]
    for strict in (False, True):
        assert files.results(strict=strict)["all"]["pq"] == 100


@pytest.mark.parametrize("value", [None, 3, "x", {"id": 1}])
def test_segments_that_are_no_list_of_objects(files, value):
    for infos in (value, [value]):
        with files.edit(files.pred) as entries:
            entries[0]["segments_info"] = infos
        assert "image 7" in error_of(files)


@pytest.mark.parametrize("side", ["truth", "pred"])
def test_repeated_ids(files, side):
    path = getattr(files, side)
    with files.edit(path) as entries:
        entries[0]["segments_info"].append(dict(entries[0]["segments_info"][0]))
    assert f"{path}: the annotation of image 7 lists segment id 1 2 times" in error_of(files)
    assert files.results(strict=True)["all"]["pq"] == 100


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("side", ["truth", "pred"])
def test_a_truncated_png(files, side, workers):
    path = getattr(files, side).with_suffix("") / "8.png"
    path.write_bytes(path.read_bytes()[:-20])
    assert f"image 8: {path}: cannot be read" in error_of(files, workers)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_png(files, content):
    path = files.pred.with_suffix("") / "7.png"
    path.write_bytes(content)
    assert f"image 7: {path}: cannot be read" in error_of(files)


def test_a_missing_png(files):
    path = files.pred.with_suffix("") / "7.png"
    path.unlink()
    assert f"image 7: {path}: cannot be read (No such file" in error_of(files)


def test_gray_files_hold_no_ids(files):
    path = files.pred.with_suffix("") / "7.png"
    Image.fromarray(MAP.astype(np.uint8)).save(path)
    assert f"image 7: {path}: cannot be read (PNG, gray" in error_of(files)


def test_another_size(files):
    path = files.pred.with_suffix("") / "8.png"
    write_map(path, np.repeat(MAP, 2, axis=0))
    for strict in (False, True):
        message = error_of(files, strict=strict)
        assert f"image 8: {path} has height and width (4, 4)" in message
        assert str(files.truth.with_suffix("") / "8.png") in message


def test_transposed_maps_do_not_pass(files):
    write_map(files.pred.with_suffix("") / "8.png", MAP.T)
    assert "expected the same size" in error_of(files)


@pytest.mark.parametrize("side", ["truth", "pred"])
def test_pixels_of_no_listed_segment(files, side):
    path = getattr(files, side).with_suffix("") / "7.png"
    write_map(path, np.where(MAP == 1, 9, MAP))
    with files.edit(getattr(files, side)) as entries:
        del entries[0]["segments_info"][0]
    assert f"image 7: {path} has pixels of segment 9, which is not listed" in error_of(files)


def test_a_listed_prediction_without_a_pixel(files):
    with files.edit(files.pred) as entries:
        entries[0]["segments_info"].append({"id": 5, "category_id": 1})
    assert "7.png has no pixel of segment 5" in error_of(files)


def test_a_listed_truth_without_a_pixel_is_missed(files):
    with files.edit(files.truth) as entries:
        entries[0]["segments_info"].append({"id": 5, "category_id": 1, "iscrowd": 0, "area": 0})
    assert files.results()["per_class"]["cat"]["fn"] == 1
