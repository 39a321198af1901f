"""The class list maps ids both ways, refuses bad lists, and has colors that differ."""

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories, Category
from maskconver_tf.errors import UserError

ROAD = {"id": 149, "name": "road", "isthing": 0, "supercategory": "ground"}
BALL = {"id": 7, "name": "мяч", "isthing": 1}


@pytest.fixture
def categories():
    return Categories.from_coco([ROAD, BALL], "file.json")


def test_class_ids_follow_the_order_of_the_list_and_not_the_ids(categories):
    assert [category.name for category in categories] == ["road", "мяч"]
    assert categories.names == ("road", "мяч")
    assert categories[1] == Category(7, "мяч", True, None)
    assert categories.source_ids.tolist() == [149, 7]
    assert categories.is_thing.tolist() == [False, True]
    assert [categories.class_id_of(149), categories.class_id_of(7)] == [0, 1]


def test_unknown_source_id_is_a_key_error(categories):
    with pytest.raises(KeyError):
        categories.class_id_of(1)


def test_saved_list_is_read_back_equal_and_is_cocos(categories, tmp_path):
    categories.save(tmp_path / "categories.json")
    assert "мяч" in (tmp_path / "categories.json").read_text(encoding="utf-8")
    assert Categories.load(tmp_path / "categories.json") == categories
    assert categories.to_coco() == [ROAD, BALL]


@pytest.mark.parametrize(
    ("entries", "finding"),
    [
        ([], "category list is []"),
        ({"id": 1}, "category list is {'id': 1}"),
        (["road"], "category 0 .counted from 0. is 'road' .text.; expected an object"),
        ([ROAD, {"id": 2, "name": "x"}], "category 1.*lacks isthing"),
        (
            [{**ROAD, "id": -1}],
            "has id -1 .a whole number.; expected a whole number from 0 to 2147483647",
        ),
        ([{**ROAD, "id": 2**31}], "id 2147483648 .*; expected a whole number from 0 to 2147483647"),
        ([{**ROAD, "id": 3.0}], "has id 3.0 .a number with a decimal point.; expected a whole"),
        ([{"id": 1, "Name": "x"}], "lacks name; found 'Name' instead .character 1 is 'N' here"),
        ([{**ROAD, "id": "3"}], "has id '3'"),
        ([{**ROAD, "id": True}], "has id True"),
        ([{**ROAD, "name": " "}], "has name ' '"),
        ([{**ROAD, "name": "\ud83d"}], "expected text that is not blank and has no half"),
        ([{**ROAD, "isthing": "yes"}], "has isthing 'yes'"),
        (
            [ROAD, {**BALL, "id": 149}],
            "categories 0 and 1 .counted from 0. both have the id 149 .a whole number.",
        ),
        (
            [ROAD, {**BALL, "name": "road"}],
            "both have the name 'road' .text.; give one of them another",
        ),
    ],
)
def test_malformed_list_is_refused_by_file_and_finding(entries, finding):
    with pytest.raises(UserError, match=f"^some/file.json.*{finding.replace('[', '.')}"):
        Categories.from_coco(entries, "some/file.json")


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (None, "does not exist"),
        ("{", "not valid JSON"),
        ("[]", "category list is"),
        ("[" * 9999, "JSON"),
    ],
)
def test_bad_file_is_refused_by_name(tmp_path, content, finding):
    path = tmp_path / "categories.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=f"categories.json.*{finding}"):
        Categories.load(path)


def test_arrays_cannot_be_changed_by_mistake(categories):
    for array in (categories.is_thing, categories.source_ids, categories.colors):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def _listed(num_classes):
    entries = [{"id": i + 1, "name": f"c{i}", "isthing": 1} for i in range(num_classes)]
    return Categories.from_coco(entries, "file.json")


def test_colors_are_far_apart_and_do_not_change_with_the_length_of_the_list():
    colors = _listed(133).colors
    assert colors.shape == (133, 3) and colors.dtype == np.uint8
    steps = np.abs(colors[:, None].astype(int) - colors).sum(-1) + 999 * np.eye(133, dtype=int)
    assert steps.min() >= 25
    assert colors.astype(int).sum(-1).min() > 100  # Black is kept for void.
    np.testing.assert_array_equal(_listed(5).colors, colors[:5])
    assert len(np.unique(_listed(1000).colors, axis=0)) == 1000
