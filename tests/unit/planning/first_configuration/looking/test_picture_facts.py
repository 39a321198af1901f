"""What is measured of one picture, on a literal map."""

import numpy as np
import pytest

from maskconver_tf.planning.first_configuration.looking.picture_facts import (
    PictureFacts,
    look_at_picture,
)
from tests.unit.planning.first_configuration.made_facts import memory_picture

IDS = np.array(
    [
        [9, 9, 9, 9, 9, 9, 0, 0],
        [9, 1, 1, 2, 2, 9, 0, 0],
        [9, 1, 1, 2, 2, 9, 7, 7],
        [9, 9, 9, 9, 9, 9, 7, 7],
    ]
)
SEGMENTS = ((9, 1, False, False), (1, 0, True, False), (2, 0, True, False), (7, 0, True, True))


def look(pixels) -> PictureFacts:
    return look_at_picture(memory_picture(pixels, IDS, SEGMENTS))


def test_things_and_stuff_are_measured_and_crowds_left_out():
    facts = look(np.full((4, 8, 3), (200, 30, 30), np.uint8))
    assert facts.size == (4, 8)
    assert facts.class_ids.tolist() == [1, 0, 0] and facts.is_thing.tolist() == [False, True, True]
    assert facts.areas.tolist() == [16, 4, 4]
    np.testing.assert_allclose(facts.half_diagonals, [np.hypot(4, 6) / 2, np.sqrt(2), np.sqrt(2)])
    assert facts.short_sides.tolist() == [4, 2, 2]
    assert facts.gaps.tolist() == [np.inf, 2, 2]  # The crowd is no neighbor.
    assert facts.touches.tolist() == [False, True, True]
    assert facts.heights[1] == pytest.approx(2 / 4)
    assert not facts.is_gray


def test_gray_and_dark_pictures_are_noticed():
    facts = look(np.full((4, 8, 3), 30, np.uint8))
    assert facts.is_gray and not facts.is_photograph
    assert facts.darkness == pytest.approx(30 / 255)


def test_a_picture_without_segments_has_empty_facts():
    facts = look_at_picture(memory_picture(np.zeros((5, 6, 3), np.uint8), np.zeros((5, 6), int)))
    assert facts.size == (5, 6) and len(facts.areas) == len(facts.gaps) == 0


def test_a_picture_that_cannot_be_read_gives_its_findings():
    found = look_at_picture(memory_picture(None, IDS, SEGMENTS))
    assert isinstance(found, tuple) and "damaged" in found[0].found
