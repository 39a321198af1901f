"""The rows of the page count what `maskconver score` counts."""

from __future__ import annotations

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.report.segment_rows import (
    ROW_COLUMNS,
    compare_picture,
    positions_map,
)
from maskconver_tf.evaluation.scoring.reading.sides import Side
from maskconver_tf.types import Segment

IS_THING = np.array([True, True, False])


def side(pixels, classes: dict[int, int], crowds=(), scores=None) -> Side:
    ids = np.array(sorted(classes), np.int64)
    found = np.full(len(ids), np.nan) if scores is None else np.array(scores, float)
    return Side(
        np.array(pixels),
        ids,
        np.array([classes[i] for i in ids], np.int64),
        np.isin(ids, crowds),
        found,
        np.full(len(ids), np.nan),
        "map.png",
    )


def rows_of(truth: Side, predicted: Side | None) -> list[dict]:
    table = compare_picture(truth, predicted, IS_THING).rows
    return [dict(zip(ROW_COLUMNS, row, strict=True)) for row in table.tolist()]


TRUTH = side([[5, 5, 5, 5, 0, 9, 9, 9]], {5: 0, 9: 2})


def test_a_match_a_missed_and_an_invented_segment_have_a_row_each():
    predicted = side([[4, 4, 4, 0, 0, 0, 7, 0]], {4: 0, 7: 1}, scores=[0.7, 0.25])
    match, missed, invented = rows_of(TRUTH, predicted)
    assert match == {
        "outcome": 0,
        "kind": KINDS.index("inexact_mask"),
        "class": 0,
        "other": -1,
        "size": 0,
        "iou": 7500,
        "score": 7000,
        "truth": 1,
        "predicted": 1,
    }
    assert (missed["outcome"], missed["class"], missed["truth"]) == (1, 2, 2)
    assert (invented["outcome"], invented["class"], invented["predicted"]) == (2, 1, 2)
    assert invented["score"] == 2500
    assert KINDS[invented["kind"]] == "invented"


def test_a_wrong_class_names_its_partner():
    predicted = side([[4, 4, 4, 4, 0, 7, 7, 7]], {4: 1, 7: 2})
    _, missed, invented = rows_of(TRUTH, predicted)
    wrong = KINDS.index("wrong_class")
    assert (missed["kind"], missed["other"], missed["predicted"]) == (wrong, 1, 1)
    assert (invented["kind"], invented["other"], invented["truth"]) == (wrong, 0, 1)
    assert missed["iou"] == invented["iou"] == 10_000
    assert missed["score"] == -1


def test_a_missing_prediction_misses_everything():
    rows = rows_of(TRUTH, None)
    assert [(row["outcome"], row["truth"], row["predicted"]) for row in rows] == [
        (1, 1, 0),
        (1, 2, 0),
    ]


def test_crowds_and_forgiven_predictions_have_no_row():
    truth = side([[3, 3, 3, 0]], {3: 0}, crowds=[3])
    assert rows_of(truth, side([[1, 1, 0, 0]], {1: 0})) == []


def test_a_picture_without_segments_has_no_rows():
    empty = side([[0, 0]], {})
    compared = compare_picture(empty, empty, IS_THING)
    assert compared.rows.shape == (0, len(ROW_COLUMNS))
    np.testing.assert_array_equal(compared.pairs, [[3, 3, 2]])


@pytest.mark.parametrize("seed", range(30))
def test_the_rows_of_an_outcome_are_as_many_as_the_counts_of_pq(seed):
    random = np.random.default_rng(seed)
    maps, classes = [], []
    for count in random.integers(0, 7, 2):
        blocks = random.integers(0, count + 1, (3, 4))
        pixels = np.kron(blocks, np.ones((2, 2), np.int64))
        maps.append(pixels)
        classes.append({int(i): int(random.integers(0, 3)) for i in np.unique(pixels) if i})
    crowds = [i for i in classes[0] if random.uniform() < 0.2]
    quality = PanopticQuality(3, IS_THING)
    quality.update(
        maps[0],
        [Segment(i, c, i in crowds) for i, c in classes[0].items()],
        maps[1],
        [Segment(i, c) for i, c in classes[1].items()],
    )
    rows = rows_of(side(maps[0], classes[0], crowds), side(maps[1], classes[1]))
    for outcome, counts in enumerate((quality.tp, quality.fn, quality.fp)):
        of_outcome = [row["class"] for row in rows if row["outcome"] == outcome]
        np.testing.assert_array_equal(np.bincount(of_outcome, minlength=3), counts)
    total = sum(row["iou"] for row in rows if row["outcome"] == 0) / 10_000
    assert total == pytest.approx((quality.iou_sum + quality.iou_rest).sum(), abs=1e-3)


def test_pairs_count_every_pixel_by_both_classes():
    predicted = side([[4, 4, 4, 0, 0, 0, 7, 0]], {4: 0, 7: 1})
    pairs = compare_picture(TRUTH, predicted, IS_THING).pairs
    assert {tuple(row) for row in pairs.tolist()} == {
        (0, 0, 3),
        (0, 3, 1),
        (3, 3, 1),
        (2, 3, 2),
        (2, 1, 1),
    }


@pytest.mark.parametrize("score", [0.0, 0.09999999, 0.1, 0.3, 0.69999999, 0.7, 0.99999999, 1.0])
def test_a_rounded_score_stays_in_its_tenth(score):
    predicted = side([[4, 4, 4, 4, 0, 0, 0, 0]], {4: 0}, scores=[score])
    rounded = rows_of(TRUTH, predicted)[0]["score"]
    assert min(9, rounded // 1000) == min(9, int(score * 10))
    assert abs(rounded - 10_000 * score) <= 1


def test_the_map_of_positions_knows_rgb_and_ids():
    ids = np.array([[70_000, 0], [9, 70_000]])
    rgb = (ids[..., np.newaxis] >> np.array([0, 8, 16]) & 255).astype(np.uint8)
    for pixels in (ids, rgb):
        found = positions_map(side(pixels, {9: 0, 70_000: 1}))
        np.testing.assert_array_equal(found, [[2, 0], [1, 2]])


def test_an_unlisted_id_is_named():
    with pytest.raises(UserError, match=r"map\.png has pixels of segment 8, which is not listed"):
        positions_map(side([[8]], {9: 0}))
