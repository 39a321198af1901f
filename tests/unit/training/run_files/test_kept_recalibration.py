"""The file with the curves of a run: read back, copied, damaged, of other classes."""

import json

import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.recalibration import Curve, Recalibration
from maskconver_tf.training.run_files.kept_recalibration import (
    FILE_NAME,
    KeptRecalibration,
    read_kept_recalibration,
    write_kept_recalibration,
)

CATEGORIES = Categories.from_names(["car", "Fußgänger", "sky"])
CURVES = Recalibration({"Fußgänger": Curve((0.1, 0.9), (0.2, 0.4))}, Curve((0.5,), (0.75,)))


def test_curves_are_read_as_they_were_written(tmp_path):
    assert read_kept_recalibration(tmp_path, CATEGORIES) is None
    kept = KeptRecalibration(CURVES, "weights-30", {"min_area": 8}, {"ece_after": 1.5})
    assert write_kept_recalibration(tmp_path, kept) == tmp_path / FILE_NAME
    assert read_kept_recalibration(tmp_path, CATEGORIES) == kept


def test_the_file_of_a_scoring_can_be_copied_into_a_run(tmp_path):
    CURVES.save(tmp_path / FILE_NAME)
    assert read_kept_recalibration(tmp_path, CATEGORIES) == KeptRecalibration(CURVES)


def test_a_curve_of_an_unknown_class_is_an_error(tmp_path):
    write_kept_recalibration(tmp_path, KeptRecalibration(CURVES))
    with pytest.raises(UserError, match="class 'Fußgänger', which is not in the class list"):
        read_kept_recalibration(tmp_path, Categories.from_names(["car"]))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"format": "other"}, "found no recalibration"),
        ({"version": 2}, "found version 2"),
        ({"classes": []}, "classes is"),
        ({"others": {"scores": [0.5], "shares": [2]}}, "shares is"),
        ({"others": {"scores": [0.5, 0.1], "shares": [0, 1]}}, "scores falls"),
        ({"weights": 3}, "weights is 3"),
        ({"settings": [1]}, "settings is"),
        ({"origin": "me"}, "origin is"),
    ],
)
def test_a_damaged_file_is_named_with_a_way_out(tmp_path, change, found):
    (tmp_path / FILE_NAME).write_text(json.dumps(CURVES.to_json() | change))
    with pytest.raises(UserError, match=f"{FILE_NAME}.*{found}.*Delete the file"):
        read_kept_recalibration(tmp_path, CATEGORIES)


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_half_a_file_is_named(tmp_path, text):
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(UserError, match=f"{FILE_NAME}.*Delete the file"):
        read_kept_recalibration(tmp_path, CATEGORIES)
