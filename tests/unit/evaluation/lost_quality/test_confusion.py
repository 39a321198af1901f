"""Confusion of classes on maps that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from maskconver_tf.evaluation.lost_quality.confusion import confused_pixels, confused_segments
from maskconver_tf.evaluation.lost_quality.lost_results import fixes_results, lost_results
from maskconver_tf.evaluation.lost_quality.segment_table import ListedSegments, segment_table
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from tests.unit.evaluation.lost_quality import worked_maps as maps
from tests.unit.evaluation.lost_quality.test_mending import kinds_in, matching_input
from tests.unit.evaluation.lost_quality.worked_maps import CAT, CATEGORIES, DOG, SKY

COUNT = len(CATEGORIES)
VOID = COUNT


def table_of(picture: maps.Worked):
    truth, predicted = picture.sides()[1::2]
    given = matching_input(*picture.sides())
    listed = [
        ListedSegments(
            np.array([s.id for s in side]),
            np.array([s.class_id for s in side]),
            np.array([np.nan if s.score is None else s.score for s in side]),
        )
        for side in (truth, predicted)
    ]
    return segment_table(given.overlaps, given.match(), kinds_in(given), *listed)


def pixels_of(picture: maps.Worked) -> dict[tuple[int, int], int]:
    given = matching_input(*picture.sides())
    pictures, keys, counts = confused_pixels(given, COUNT, given.overlaps[:1, 0])
    assert not pictures.any()
    return {divmod(key, COUNT + 1): n for key, n in zip(keys.tolist(), counts[:, 0].tolist())}


def segments_of(picture: maps.Worked) -> dict[tuple[int, int], int]:
    found = confused_segments(table_of(picture), COUNT)
    return {(i, j): int(found[i, j]) for i, j in np.argwhere(found).tolist()}


def test_a_wrong_class_is_one_segment_of_the_other_class():
    assert segments_of(maps.WRONG_CLASS) == {(CAT, DOG): 1, (SKY, SKY): 1}
    assert pixels_of(maps.WRONG_CLASS) == {
        (CAT, DOG): 4, (CAT, SKY): 2, (SKY, DOG): 1, (SKY, SKY): 41
    }  # fmt: skip


def test_missed_and_invented_are_confused_with_void():
    assert segments_of(maps.MISSED) == {(CAT, VOID): 1, (SKY, SKY): 1}
    assert segments_of(maps.INVENTED) == {(VOID, CAT): 1, (SKY, SKY): 1}
    assert segments_of(maps.POOR_MASK) == {(CAT, VOID): 1, (VOID, CAT): 1, (SKY, SKY): 1}


def test_void_and_crowd():
    assert segments_of(maps.VOID) == {(CAT, CAT): 1, (SKY, SKY): 1}
    pixels = pixels_of(maps.VOID)
    assert (pixels[VOID, CAT], pixels[CAT, CAT], sum(pixels.values())) == (7, 6, 48)
    assert pixels_of(maps.CROWD) == {(CAT, CAT): 12, (CAT, DOG): 12, (SKY, SKY): 24}
    assert segments_of(maps.CROWD) == {(VOID, DOG): 1, (SKY, SKY): 1}


def test_shares_and_fixes_by_hand():
    """Cats: W = 1/2 for the missed one. Dogs: W = 1/2. The sky loses 1 - 41/44."""
    quality = PanopticQuality(COUNT, CATEGORIES.is_thing)
    quality.update(*maps.WRONG_CLASS.sides())
    lost = lost_results(quality.result(), table_of(maps.WRONG_CLASS), CATEGORIES)
    assert lost["per_class"]["cat"]["wrong_class"] == lost["per_class"]["dog"]["total"] == 100
    assert lost["per_class"]["sky"]["inexact_mask"] == pytest.approx(100 * 3 / 44)
    assert lost["per_class"]["grass"] is None
    assert lost["things"]["wrong_class"] == 100
    assert lost["all"]["wrong_class"] == pytest.approx(200 / 3)
    assert (
        lost["segments"]["all"] | {"wrong_class": 2, "inexact_mask": 1} == lost["segments"]["all"]
    )
    fixes = fixes_results(quality.result(), {"none": quality.result()}, CATEGORIES)["none"]
    assert fixes["things"] == {"pq": 0, "gain": 0} and fixes["per_class"]["grass"] is None
