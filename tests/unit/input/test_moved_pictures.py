"""Flips, turns, warps and camera effects of a training input: picture and map stay together."""

from __future__ import annotations

import numpy as np
import pytest

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.input.pipeline import TrainingInput
from tests.unit.input.tiny_dataset import RANDOM, SIZE, assert_equal, colors, take

PLAIN = {"batch_size": 7, "flip": False}


def contents(batches):
    """Yields picture and map of each example, without the padding."""
    for batch in batches:
        for image, labels, size in zip(
            batch[types.IMAGE], batch[types.SEGMENT_MAP], batch[types.CONTENT_SIZE]
        ):
            height, width = np.array(size)
            yield np.array(image)[:height, :width], np.array(labels)[:height, :width]


def agreement(image: np.ndarray, labels: np.ndarray) -> float:
    """The share of the labelled pixels that show the color of their segment."""
    shows = np.abs(image.astype(int) - colors(labels)).max(-1) < 40
    return float(shows[labels > 0].mean())


def test_vertical_flips_move_the_void_row_to_the_top(data_dir):
    tops = []
    for image, labels in contents(take(data_dir, 4, vertical_flip=True, **PLAIN)):
        assert agreement(image, labels) > 0.85
        tops.append(not labels[0].any())
        assert tops[-1] != (not labels[-1].any())
    assert 6 <= sum(tops) <= 22


@pytest.mark.parametrize("scale_range", [(1.0, 1.0), (0.5, 2.0)])
def test_quarter_turns_fit_into_the_input(data_dir, scale_range):
    batches = take(data_dir, 4, quarter_turns=True, scale_range=scale_range, **PLAIN)
    assert {batch[types.IMAGE].shape for batch in batches} == {(7, *SIZE, 3)}
    sizes = set()
    for image, labels in contents(batches):
        assert agreement(image, labels) > 0.85
        sizes.add(labels.shape)
    # The pictures are twice as wide as high. At scale 1 a turned one fills the height.
    if scale_range == (1.0, 1.0):
        assert sizes == {(32, 64), (32, 16)}


def test_all_four_turns_occur(data_dir):
    """Segment 1 is left of segment 2 in the original."""
    seen = set()
    for _, labels in contents(take(data_dir, 6, quarter_turns=True, **PLAIN)):
        ys, xs = (
            np.array([axis[labels == s].mean() for s in (1, 2)])
            for axis in np.indices(labels.shape)
        )
        across = abs(xs[0] - xs[1]) > abs(ys[0] - ys[1])
        seen.add((bool(across), bool((xs if across else ys)[0] < (xs if across else ys)[1])))
    assert len(seen) == 4


@pytest.mark.parametrize("settings", [{"rotation": 30.0}, {"elastic": 3.0}])
def test_warped_pictures_and_maps_agree(data_dir, settings):
    plain = [labels for _, labels in contents(take(data_dir, 2, **PLAIN))]
    warped = [*contents(take(data_dir, 2, **settings, **PLAIN))]
    assert np.mean([agreement(*each) for each in warped]) > 0.75
    assert any((a != b).any() for (_, a), b in zip(warped, plain))
    if "rotation" in settings:  # What comes from outside is black and void.
        outside = [(image[0, 0], labels[0, 0]) for image, labels in warped]
        assert any(not label and not color.any() for color, label in outside)


@pytest.mark.parametrize("setting", ["blur", "noise", "gamma"])
def test_camera_effects_leave_the_map_alone(data_dir, setting):
    plain = [*contents(take(data_dir, 2, **PLAIN))]
    changed = [*contents(take(data_dir, 2, **{setting: 0.9}, **PLAIN))]
    assert all((a[1] == b[1]).all() for a, b in zip(plain, changed))
    assert any((a[0] != b[0]).any() for a, b in zip(plain, changed))


def test_padding_stays_black(data_dir):
    settings = {"noise": 0.3, "gamma": 0.5, "blur": 1.0, "scale_range": (0.5, 0.6)}
    for batch in take(data_dir, 1, **settings, **PLAIN):
        for image, size in zip(batch[types.IMAGE], batch[types.CONTENT_SIZE]):
            inside = np.zeros(SIZE, bool)
            inside[: size[0], : size[1]] = True
            assert not np.array(image)[~inside].any()


def test_everything_together_repeats_and_resumes(data_dir):
    settings = RANDOM | {"quarter_turns": True, "vertical_flip": True, "rotation": 20.0}
    settings |= {"elastic": 2.0, "blur": 1.0, "noise": 0.1, "gamma": 0.4}
    batches = take(data_dir, 4, **settings)
    assert_equal(take(data_dir, 2, first_step=2, **settings), batches[2:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rotation": 181}, "TrainingInput.rotation = 181 .*: expected a number from 0 to 180"),
        ({"elastic": -1}, "TrainingInput.elastic = -1 .*: expected a number from 0"),
        ({"noise": 2.0}, "TrainingInput.noise = 2.0 .*: expected a number from 0 to 1"),
        ({"blur": "1"}, "TrainingInput.blur = '1' .*: expected a number .*; write .* = 1"),
        ({"quarter_turns": 2}, "TrainingInput.quarter_turns = 2 .*: expected True or False"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        TrainingInput("data", (32, 64), **settings)
