"""Faults of training pictures that no training cures."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from maskconver_tf import types
from maskconver_tf.planning.learn_by_heart.input_faults import examine
from tests.unit.planning.learn_by_heart.test_label_edges import squares

SIZE = (96, 128)


def example(image: np.ndarray, segment_map: np.ndarray, num_dropped: int = 0) -> dict:
    """A training example with label stride 2; the picture fills only a part of the input."""
    height, width = segment_map.shape
    canvas, labels = np.zeros([*SIZE, 3], np.uint8), np.zeros(SIZE, np.uint8)
    canvas[:height, :width], labels[:height, :width] = image, segment_map
    class_ids = np.full(12, types.PAD_ID)
    class_ids[: len(np.unique(segment_map[segment_map > 0]))] = 0
    return {
        types.IMAGE: canvas,
        types.CONTENT_SIZE: np.array([height, width]),
        types.SLOT_MAP: labels[1::2, 1::2],
        types.SLOT_CLASS_IDS: class_ids,
        types.NUM_DROPPED: num_dropped,
    }


def examples(change: Callable[[int, np.ndarray], np.ndarray]) -> list[dict]:
    """Eight examples whose maps went through `change(index, map)`."""
    pictures = [squares(seed) for seed in range(8)]
    return [example(image, change(i, labels)) for i, (image, labels) in enumerate(pictures)]


def test_good_pictures_have_no_fault():
    report = examine(examples(lambda i, labels: labels), num_proposals=12)
    assert report.faults == ()
    assert report.borders_agree is True


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda i, m: np.roll(m, (6, 0), (0, 1)), r"[567] pixels too low"),
        (
            lambda i, m: np.roll(m, (-8, 4), (0, 1)),
            r"[789] pixels too high and [345] pixels too far right",
        ),
        (lambda i, m: m[:, ::-1], "mirrored left to right"),
        (lambda i, m: m[::-1], "mirrored top to bottom"),
        (lambda i, m: m[::-1, ::-1], "turned upside down"),
        (lambda i, m: squares((i + 1) % 8)[1], r"[678] of 8 pictures have labels that fit another"),
        (lambda i, m: np.roll(m, (3 * i - 10, 8 - 2 * i), (0, 1)), "shifted, each in its own way"),
    ],
    ids=["low", "high and right", "mirrored", "upside down", "turned", "swapped", "own shifts"],
)
def test_labels_in_a_wrong_place_are_told(change, fault):
    report = examine(examples(change), num_proposals=12)
    assert len(report.faults) == 1
    assert report.borders_agree is False
    assert re.search(fault, report.faults[0]), report.faults[0]


def test_labels_of_pictures_that_are_not_here_leave_the_question_open():
    report = examine(examples(lambda i, m: squares(100 + i)[1]), num_proposals=12)
    assert report.faults == ()
    assert report.borders_agree is None


def test_a_half_cell_of_the_label_grid_is_no_shift():
    report = examine(examples(lambda i, m: np.roll(m, (1, -1), (0, 1))), num_proposals=12)
    assert report == examine(examples(lambda i, m: m), num_proposals=12)


def test_dropped_segments_and_too_few_proposals_are_told():
    good = examples(lambda i, labels: labels)
    assert "MaskConver.num_proposals = 5" in examine(good, num_proposals=5).faults[0]
    assert examine(good, num_proposals=None).faults == ()
    few = [each | {types.NUM_DROPPED: 1} for each in good]
    assert examine(few, num_proposals=12).faults == ()
    dropping = [each | {types.NUM_DROPPED: 7} for each in good]
    assert "TargetBuilder.num_slots" in examine(dropping, num_proposals=12).faults[0]


def test_pictures_without_a_segment_are_told():
    report = examine(examples(lambda i, labels: np.zeros_like(labels)), num_proposals=12)
    assert report.faults == ("no picture has a segment: all labels are void",)
