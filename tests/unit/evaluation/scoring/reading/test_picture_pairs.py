"""Which prediction belongs to which truth, and what is refused."""

from __future__ import annotations

import json

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs


def error_of(files, **options) -> str:
    with pytest.raises(UserError) as caught:
        files.results(**options)
    return str(caught.value)


def test_a_missing_prediction_is_named_or_counts_as_empty(files):
    with files.edit(files.pred) as entries:
        del entries[1]
    assert f"{files.pred}: image 8 has no prediction" in error_of(files)
    results = files.results(allow_missing=True)
    assert results["missing_predictions"] == 1
    cat = results["per_class"]["cat"]
    assert (cat["tp"], cat["fp"], cat["fn"]) == (1, 0, 1)
    assert results["semantic"]["mean_iou"] == 50


def test_no_prediction_at_all_is_an_empty_prediction(files):
    with files.edit(files.pred) as entries:
        entries.clear()
    assert "and 1 more pictures have none" in error_of(files)
    assert files.results(allow_missing=True)["all"]["pq"] == 0


def test_a_prediction_without_truth_is_counted_and_not_used(files):
    with files.edit(files.truth) as entries:
        del entries[0]
    results = files.results()
    assert (results["pictures"], results["unused_predictions"]) == (1, 1)
    assert results["all"]["pq"] == 100


@pytest.mark.parametrize("image_id", ["8", "008", 8.0])
@pytest.mark.parametrize("allow_missing", [False, True])
def test_an_id_of_another_type_is_no_missing_prediction(files, image_id, allow_missing):
    with files.edit(files.pred) as entries:
        entries[1]["image_id"] = image_id
    message = error_of(files, allow_missing=allow_missing)
    assert str(files.pred) in message and repr(image_id) in message


def test_ids_may_be_text(files):
    for path in (files.truth, files.pred):
        with files.edit(path) as entries:
            entries[1]["image_id"] = "frankfurt_000000_000294"
    assert files.results()["all"]["pq"] == 100


@pytest.mark.parametrize("side", ["truth", "pred"])
def test_two_annotations_of_one_picture(files, side):
    path = getattr(files, side)
    with files.edit(path) as entries:
        entries.append(entries[1] | {"file_name": "7.png"})
    assert f"{path}: the annotation of image 8 occurs twice" in error_of(files)


@pytest.mark.parametrize("side", ["truth", "pred"])
@pytest.mark.parametrize("name", ["7.png", "./7.png", "x/../7.png"])
def test_two_pictures_of_one_name(files, side, name):
    path = getattr(files, side)
    with files.edit(path) as entries:
        entries[1]["file_name"] = name
    assert f"{path}: the annotation of image 8 has the file_name 7.png" in error_of(files)


def test_strict_takes_the_last_of_two_predictions(files):
    with files.edit(files.pred) as entries:
        entries.append(entries[1] | {"segments_info": entries[1]["segments_info"][::-1]})
        entries[1]["segments_info"] = "never read"
    assert files.results(strict=True)["all"]["pq"] == 100


@pytest.mark.parametrize("side", ["truth", "pred"])
def test_a_missing_folder_of_png_files(files, side):
    folder = getattr(files, side).with_suffix("")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    message = error_of(files)
    assert message.startswith(f"{folder}: found nothing") and f"--{side}_png" in message


def test_a_truth_without_pictures(files):
    with files.edit(files.truth) as entries:
        entries.clear()
    assert f"{files.truth}: the list annotations is empty" in error_of(files)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"annotations": 3}', "null"])
def test_a_file_that_is_no_coco_file(files, text):
    files.pred.write_text(text)
    assert str(files.pred) in error_of(files)


@pytest.mark.parametrize(
    "categories, said",
    [
        ([{"id": 2, "name": "grass"}], "calls category 2 'grass', and"),
        ([{"id": 2, "name": "sky"}, {"id": 5, "name": "new"}], None),
        ([{"id": "2", "name": "grass"}, 3, {"name": "cat"}, {"id": 1}], None),
        ({"2": "grass"}, None),
        (None, None),
    ],
)
def test_another_name_of_a_category_is_told(files, categories, said):
    """The ids count; names show that ids may be those of another numbering."""
    content = json.loads(files.pred.read_text())
    files.pred.write_text(json.dumps(content | {"categories": categories}))
    sides = [(path, path.with_suffix("")) for path in (files.truth, files.pred)]
    notes = coco_pairs(sides[0], sides[1:]).notes
    assert [said in note for note in notes] == ([True] if said else [])
