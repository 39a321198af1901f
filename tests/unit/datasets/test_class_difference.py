"""Two class lists whose first names are the same are shown with their difference."""

import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.class_difference import class_difference

LIST = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 7, "name": "sky", "isthing": 0},
]


def _with(number, **fields):
    entries = [dict(entry) for entry in LIST]
    entries[number] |= fields
    return entries


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (LIST, ""),
        (LIST[:1], "class 1 (counted from 0): sky here, missing there"),
        (_with(1, id=8), "class 1 (counted from 0): sky, id 7 (a whole number) here, 8 (a whole"),
        (_with(0, isthing=0), "class 0 (counted from 0): cat, isthing 1 (a whole number) here, 0"),
        (_with(0, name="dog"), "class 0 (counted from 0): name 'cat' (text) here, 'dog' (text)"),
        (_with(0, name="cat "), "(the given name ends before character 4, U+0020 (space))"),
        (_with(1, supercategory="x"), "sky, supercategory null here, 'x' (text) there"),
    ],
)
def test_the_first_difference_is_named(other, expected):
    found = class_difference(*(Categories.from_coco(each, "list") for each in (LIST, other)))
    assert expected in found
    assert bool(found) == bool(expected)
