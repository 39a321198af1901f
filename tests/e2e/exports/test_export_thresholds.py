"""The predictor of an export takes thresholds, like that of its run."""

import numpy as np
import pytest
from PIL import Image

import maskconver_tf
from maskconver_tf.errors import UserError
from tests.e2e.exports.threshold import THRESHOLD


@pytest.fixture(scope="module")
def picture(scenes) -> np.ndarray:
    path = min((scenes / "images/train").iterdir())
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.mark.parametrize(
    "given",
    [
        {"score_threshold": 0.3},
        {"overlap_threshold": 0.95},
        {"min_area": 400},
        {"score_threshold": 0.01, "overlap_threshold": 0.0, "min_area": 0},
    ],
)
def test_thresholds_do_what_they_do_in_a_run(trained, exported, picture, given):
    expected = maskconver_tf.load(trained, **{"score_threshold": THRESHOLD} | given)(picture)
    found = maskconver_tf.load(exported[0], **given)(picture)
    np.testing.assert_array_equal(found.panoptic_map, expected.panoptic_map)
    assert [(s.id, s.class_id, s.area, s.box) for s in found.segments] == [
        (s.id, s.class_id, s.area, s.box) for s in expected.segments
    ]


def test_other_settings_are_refused(exported):
    setting = "PanopticFusion.runner_up=True"
    with pytest.raises(UserError, match=f"whose settings are fixed, and the setting {setting}"):
        maskconver_tf.load(exported[0], gin=[setting])
