"""Every rule of panoptic quality on a map small enough to count by hand.

Letters are segments, a dot is void; classes 0 and 1 are things, 2 is stuff.
"""

import math
import time

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.types import Segment

IS_THING = np.array([True, True, False])
NO_SEGMENTS = ()


def panoptic_map(*rows):
    return np.array([[0 if c == "." else ord(c) for c in row] for row in rows], np.int32)


def segment(letter, class_id=0, is_crowd=False):
    return Segment(ord(letter), class_id, is_crowd)


def count(truth, truth_segments, predicted, predicted_segments):
    quality = PanopticQuality(3, IS_THING)
    quality.update(
        panoptic_map(*truth), truth_segments, panoptic_map(*predicted), predicted_segments
    )
    return quality


def tally(quality):
    return quality.tp.tolist(), quality.fp.tolist(), quality.fn.tolist()


def test_hand_worked_picture():
    quality = count(
        ["aaab", "aaab", "cccc"],
        [segment("a"), segment("b"), segment("c", 2)],
        ["ppqq", "ppqq", "rrrr"],
        [segment("p"), segment("q"), segment("r", 2)],
    )
    # a-p: 4 of 6. b-q: 2 of 4 is one half, no match. c-r: 4 of 4.
    assert tally(quality) == ([1, 0, 1], [1, 0, 0], [1, 0, 0])
    result = quality.result()
    assert result.sq.tolist() == pytest.approx([4 / 6, math.nan, 1.0], nan_ok=True)
    assert result.rq.tolist() == pytest.approx([1 / 2, math.nan, 1.0], nan_ok=True)
    assert result.pq.tolist() == pytest.approx([1 / 3, math.nan, 1.0], nan_ok=True)
    assert (result.all.pq, result.all.num_classes) == (pytest.approx(2 / 3), 2)
    assert (result.things.pq, result.things.num_classes) == (pytest.approx(1 / 3), 1)
    assert (result.stuff.pq, result.stuff.num_classes) == (1.0, 1)
    assert result.all.sq == pytest.approx((4 / 6 + 1) / 2)
    assert result.all.rq == pytest.approx((1 / 2 + 1) / 2)


@pytest.mark.parametrize(
    ("predicted", "matches"), [("pp....", 0), ("ppp...", 1), ("pppppp", 1), ("pppppppp", 0)]
)
def test_match_needs_more_than_half(predicted, matches):
    """The truth has 4 pixels: 2/4 and 4/8 are one half, 3/4 and 4/6 are more."""
    truth, predicted = "aaaabbbb", predicted.ljust(8, ".")
    quality = count([truth], [segment("a"), segment("b", 1)], [predicted], [segment("p")])
    assert quality.tp[0] == matches


def test_other_class_never_matches():
    quality = count(["aaaa"], [segment("a", 0)], ["pppp"], [segment("p", 1)])
    assert tally(quality) == ([0, 0, 0], [0, 1, 0], [1, 0, 0])


def test_the_union_ignores_void_pixels_of_a_prediction():
    quality = count(["aaa....."], [segment("a")], [".ppppppp"], [segment("p")])
    # Intersection 2, union 3 + 7 - 2 - 5 = 3; with void in it the union would be 8.
    assert tally(quality) == ([1, 0, 0], [0, 0, 0], [0, 0, 0])
    assert quality.result().sq[0] == pytest.approx(2 / 3)


def test_predicted_void_is_a_truth_pixel_missed():
    quality = count(["aaaa"], [segment("a")], ["ppp."], [segment("p")])
    assert quality.result().pq[0] == pytest.approx(3 / 4)


@pytest.mark.parametrize(("truth", "fp"), [("aa..", 1), ("a...", 0)])
def test_prediction_is_forgiven_when_more_than_half_lies_on_void(truth, fp):
    quality = count([truth], [segment("a", 1)], ["pppp"], [segment("p", 0)])
    assert quality.fp.tolist() == [fp, 0, 0]


@pytest.mark.parametrize(("crowd_class", "fp"), [(0, 0), (1, 1)])
def test_crowd_forgives_its_own_class_only(crowd_class, fp):
    truth = [segment("c", crowd_class, is_crowd=True), segment("a", 2)]
    quality = count(["ccca"], truth, ["pppp"], [segment("p", 0)])
    assert quality.fp.tolist() == [fp, 0, 0]
    assert quality.fn.tolist() == [0, 0, 1]


def test_void_and_crowd_forgive_together():
    truth = [segment("c", 0, is_crowd=True), segment("a", 1)]
    assert count(["c.aa"], truth, ["pppp"], [segment("p", 0)]).fp[0] == 1
    assert count(["c..a"], truth, ["pppp"], [segment("p", 0)]).fp[0] == 0


def test_of_two_crowds_of_a_class_the_last_listed_forgives():
    small, large = segment("c", 0, is_crowd=True), segment("d", 0, is_crowd=True)
    others = [segment("a", 1)]
    prediction = ["ppppppp."], [segment("p", 0)]
    assert count(["cddddaaa"], [small, large, *others], *prediction).fp[0] == 0
    assert count(["cddddaaa"], [large, small, *others], *prediction).fp[0] == 1


def test_crowd_is_neither_matched_nor_missed():
    crowd = [segment("c", 0, is_crowd=True)]
    assert tally(count(["cccc"], crowd, ["pppp"], [segment("p", 0)])) == ([0] * 3,) * 3
    assert tally(count(["cccc"], crowd, ["...."], NO_SEGMENTS)) == ([0] * 3,) * 3


def test_crowd_pixels_stay_in_the_union():
    """Unlike void: crowd pixels can forgive a prediction but stay in its union."""
    truth = [segment("a"), segment("c", 0, is_crowd=True)]
    quality = count(["aaacc"], truth, ["ppppp"], [segment("p")])
    assert quality.result().sq[0] == pytest.approx(3 / 5)


def test_truth_listed_without_pixels_is_missed():
    truth = [segment("a"), segment("b")]
    assert tally(count(["aa"], truth, ["pp"], [segment("p")])) == ([1, 0, 0], [0, 0, 0], [1, 0, 0])


def test_class_that_is_never_matched_counts_as_zero():
    quality = count(["ab"], [segment("a"), segment("b", 1)], ["p."], [segment("p")])
    result = quality.result()
    assert (result.pq[1], result.sq[1], result.rq[1]) == (0.0, 0.0, 0.0)
    assert (result.all.pq, result.all.sq, result.all.num_classes) == (0.5, 0.5, 2)


def test_empty_pictures_count_nothing_and_have_no_quality():
    result = count(["...."], NO_SEGMENTS, ["...."], NO_SEGMENTS).result()
    assert np.isnan(result.pq).all()
    for group in (result.all, result.things, result.stuff):
        assert math.isnan(group.pq)
        assert group.num_classes == 0


def test_class_list_without_stuff():
    quality = PanopticQuality(1, np.array([True]))
    quality.update(panoptic_map("a"), [segment("a")], panoptic_map("p"), [segment("p")])
    assert (quality.result().things.pq, quality.result().stuff.num_classes) == (1.0, 0)


def test_pictures_add_up_before_the_division():
    """PQ is not the mean of the pictures' PQ: 1 of 1 and 0 of 3 make 1 / (1 + 3 / 2)."""
    quality = count(["a"], [segment("a")], ["p"], [segment("p")])
    quality.update(
        panoptic_map("abc"), [segment(c) for c in "abc"], panoptic_map("..."), NO_SEGMENTS
    )
    assert quality.result().pq[0] == pytest.approx(1 / 2.5)


def test_merging_parts_equals_counting_at_once():
    one = count(["aaab"], [segment("a"), segment("b")], ["pppp"], [segment("p")])
    two = count(["aa"], [segment("a", 2)], ["pq"], [segment("p", 2), segment("q", 2)])
    one.merge(two)
    assert tally(one) == ([1, 0, 0], [0, 0, 2], [1, 0, 1])
    assert one.result().pq[0] == pytest.approx(0.75 / 1.5)
    assert tally(two) == ([0, 0, 0], [0, 0, 2], [0, 0, 1])


def test_a_result_does_not_change_when_counting_continues():
    quality = count(["a"], [segment("a")], ["p"], [segment("p")])
    result = quality.result()
    quality.update(panoptic_map("a"), [segment("a")], panoptic_map("p"), [segment("p")])
    assert (result.tp[0], quality.tp[0]) == (1, 2)


def test_largest_ids_and_any_integer_type():
    """Pairs of ids near 2**24 must not collide."""
    first, second = 2**24 - 1, 2**24 - 2
    truth = np.array([[first, second, 1, 0]], np.uint32)
    predicted = np.array([[first, 1, second, 0]], np.int64)
    quality = PanopticQuality(3, IS_THING)
    quality.update(
        truth,
        [Segment(first, 0), Segment(second, 1), Segment(1, 2)],
        predicted,
        [Segment(1, 1), Segment(second, 2), Segment(first, 0)],
    )
    assert tally(quality) == ([1, 1, 1], [0, 0, 0], [0, 0, 0])


def test_a_list_longer_than_a_byte():
    """More than 255 segments overflow a byte."""
    ids = np.arange(1, 401, dtype=np.int32).reshape(20, 20)
    segments = [Segment(int(i), int(i) % 3) for i in range(1, 401)]
    quality = PanopticQuality(3, IS_THING)
    quality.update(ids, segments, ids, segments)
    assert quality.tp.sum() == 400


@pytest.mark.parametrize(
    ("predicted", "predicted_segments", "message"),
    [
        (["pq"], [segment("p")], f"image 7: the predicted map has pixels of segment {ord('q')}"),
        (["pp"], [segment("p"), segment("q")], f"no pixel of segment {ord('q')}"),
        (["pp"], [segment("p", 3)], f"predicted segment {ord('p')} has class 3; expected 0..2"),
        (["pp"], [segment("p", -1)], "has class -1"),
        (["pp"], [segment("p"), segment("p", 1)], f"segment id {ord('p')} is listed twice"),
        (["p."], [segment("p"), Segment(0, 1)], "segment id 0 is reserved for void"),
        (["ppp"], [segment("p")], r"shape \(1, 3\), the truth \(1, 2\)"),
    ],
)
def test_disagreeing_prediction_is_refused_by_name(predicted, predicted_segments, message):
    quality = PanopticQuality(3, IS_THING)
    with pytest.raises(UserError, match=message):
        quality.update(
            panoptic_map("aa"),
            [segment("a")],
            panoptic_map(*predicted),
            predicted_segments,
            image="image 7",
        )
    assert tally(quality) == ([0] * 3,) * 3, "a refused picture must leave no trace"


def test_broken_truth_is_refused_by_name():
    quality = PanopticQuality(3, IS_THING)
    predicted = panoptic_map("pp"), [segment("p")]
    with pytest.raises(UserError, match="truth map has pixels of segment 98, which is not listed"):
        quality.update(panoptic_map("ab"), [segment("a")], *predicted)
    with pytest.raises(UserError, match="truth segment 97 has class 9"):
        quality.update(panoptic_map("aa"), [segment("a", 9)], *predicted)
    with pytest.raises(UserError, match="the truth map is float32"):
        quality.update(panoptic_map("aa").astype(np.float32), [segment("a")], *predicted)


def test_different_class_lists_are_refused():
    with pytest.raises(UserError, match="expected one value for each of the 3 classes"):
        PanopticQuality(3, np.array([True, False]))
    with pytest.raises(UserError, match="Cannot merge the panoptic quality"):
        PanopticQuality(3, IS_THING).merge(PanopticQuality(3, ~IS_THING))


def test_a_vga_picture_takes_milliseconds():
    """The aim is 10 ms. The bound allows for a busy machine, but not for a loop over pixels."""
    blocks = np.kron(np.arange(30).reshape(5, 6), np.ones((96, 107), int))[:480, :640]
    truth = (blocks * 500_000 + 1).astype(np.int32)
    segments = [Segment(i * 500_000 + 1, i % 3) for i in range(30)]
    quality = PanopticQuality(3, IS_THING)
    fastest = math.inf
    for _ in range(5):
        start = time.perf_counter()
        quality.update(truth, segments, np.roll(truth, 5, 1), segments)
        fastest = min(fastest, time.perf_counter() - start)
    assert quality.tp.sum() == 150
    assert fastest < 0.05
