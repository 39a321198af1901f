"""The file with the thresholds that somebody chose: read back, damaged, of another class list."""

import json

import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.training.run_files.kept_thresholds import (
    FILE_NAME,
    KeptThresholds,
    read_kept,
    write_kept,
)

CATEGORIES = Categories.from_names(["car", "Fußgänger", "sky"])
SETTINGS = {
    "score_threshold": 0.3,
    "stuff_score_threshold": None,
    "min_area": 8,
    "runner_up": True,
    "class_score_thresholds": (None, 0.45, None),
}
KEPT = KeptThresholds("PanopticFusion", SETTINGS, "weights-30", {"pq": 70.5})


def test_a_choice_is_read_as_it_was_written(tmp_path):
    assert read_kept(tmp_path, CATEGORIES) is None
    file = write_kept(tmp_path, KEPT, CATEGORIES)
    assert read_kept(tmp_path, CATEGORIES) == KEPT
    assert json.loads(file.read_text())["settings"]["class_score_thresholds"] == {"Fußgänger": 0.45}
    write_kept(tmp_path, KeptThresholds("PanopticFusion", {"min_area": 4}, "w"), CATEGORIES)
    assert read_kept(tmp_path, CATEGORIES).settings == {"min_area": 4}
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_class_thresholds_follow_their_names(tmp_path):
    write_kept(tmp_path, KEPT, CATEGORIES)
    others = Categories.from_names(["Fußgänger", "car"])
    assert read_kept(tmp_path, others).settings["class_score_thresholds"] == (0.45, None)
    with pytest.raises(
        UserError, match="has the class 'Fußgänger', which is not in the class list"
    ):
        read_kept(tmp_path, Categories.from_names(["car"]))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "is not valid JSON"),
        ('{"fusion": "PanopticFusion"', "is not valid JSON"),
        ("[]", "expected an object"),
        ('{"fusion": 3, "settings": {}, "weights": "w"}', "fusion is 3"),
        ('{"fusion": "F", "settings": [], "weights": "w"}', "settings is"),
        ('{"fusion": "F", "settings": {}}', "weights is"),
        ('{"fusion": "F", "settings": {"min_area": "a"}, "weights": "w"}', "min_area is"),
        ('{"fusion": "F", "settings": {"a=b": 1}, "weights": "w"}', "the setting a=b"),
        (
            '{"fusion": "F", "settings": {"class_score_thresholds": [1]}, "weights": "w"}',
            "expected an object of class name and number",
        ),
    ],
)
def test_a_damaged_file_is_one_message_with_the_way_out(tmp_path, text, found):
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(UserError) as caught:
        read_kept(tmp_path, CATEGORIES)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / FILE_NAME}: ")
    assert found in message
    assert "Delete the file" in message
