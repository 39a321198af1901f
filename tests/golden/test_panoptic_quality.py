"""Panoptic quality against an independent implementation on generated maps."""

import math

import numpy as np
import pytest

from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.types import Segment
from tests.golden.reference_panoptic_quality import ReferencePanopticQuality

NUM_CLASSES = 6
IS_THING = np.array([True, True, False, False, True, False])  # Class 5 never occurs.


def random_scene(rng):
    """Truth with void and crowd, and a prediction that is a changed copy of it.

    Returns the four arguments of `update`.
    """
    truth_map, truth_segments = _random_map(rng, rng.integers(5, 40, 2), crowd_rate=0.3)
    if rng.random() < 0.3:
        predicted_map, predicted_segments = _random_map(rng, truth_map.shape, crowd_rate=0)
    else:
        predicted_map, predicted_segments = _worn_copy(rng, truth_map, truth_segments)
    return truth_map, truth_segments, predicted_map, predicted_segments


def _random_map(rng, size, crowd_rate):
    """Draws boxes and ellipses over each other; the first few maps may be all void."""
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    panoptic_map = np.zeros((height, width), np.int32)
    ids = _ids(rng, rng.integers(0, 9))
    for segment_id in ids:
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        ry, rx = rng.uniform(1, height / 2), rng.uniform(1, width / 2)
        distance_y, distance_x = np.abs(rows - y) / ry, np.abs(columns - x) / rx
        is_box = rng.random() < 0.5
        shape = (
            np.maximum(distance_y, distance_x) < 1 if is_box else distance_y**2 + distance_x**2 < 1
        )
        panoptic_map[shape] = segment_id
    return panoptic_map, _segments(rng, panoptic_map, ids, crowd_rate)


def _segments(rng, panoptic_map, ids, crowd_rate):
    visible = [segment_id for segment_id in ids if (panoptic_map == segment_id).any()]
    return [
        Segment(int(i), int(rng.integers(NUM_CLASSES - 1)), bool(rng.random() < crowd_rate))
        for i in visible
    ]


def _ids(rng, count):
    return rng.choice(np.r_[1:20, 2**24 - 20 : 2**24], count, replace=False)


def _worn_copy(rng, truth_map, truth_segments):
    """Shifts the truth, removes pixels, fills void, and changes some classes and all ids."""
    predicted_map = np.roll(truth_map, rng.integers(-1, 2, 2), (0, 1))
    predicted_map[rng.random(truth_map.shape) < rng.choice([0, 0.1, 0.4])] = 0
    new_ids = _ids(rng, len(truth_segments) + 1)
    renumbered = np.zeros_like(predicted_map)
    for segment, new_id in zip(truth_segments, new_ids[1:], strict=True):
        renumbered[predicted_map == segment.id] = new_id
    if rng.random() < 0.5:
        renumbered[renumbered == 0] = new_ids[0]
    predicted = _segments(rng, renumbered, new_ids, crowd_rate=0)
    true_class = {i: s.class_id for i, s in zip(new_ids[1:], truth_segments, strict=True)}
    return renumbered, [
        segment
        if rng.random() < 0.2
        else Segment(segment.id, true_class.get(segment.id, segment.class_id))
        for segment in predicted
    ]


def _assert_equal(result, reference):
    for class_id in range(NUM_CLASSES):
        expected = reference.quality_of_class(class_id) or (math.nan,) * 3
        found = result.pq[class_id], result.sq[class_id], result.rq[class_id]
        np.testing.assert_allclose(found, np.array(expected, float), rtol=0, atol=1e-9)
    assert result.tp.tolist() == [len(ious) for ious in reference.ious]
    assert result.fp.tolist() == reference.num_fp
    assert result.fn.tolist() == reference.num_fn
    for group, members in [
        (result.all, [True] * NUM_CLASSES),
        (result.things, IS_THING),
        (result.stuff, ~IS_THING),
    ]:
        expected = np.array(reference.average(members), float)
        found = group.pq, group.sq, group.rq, group.num_classes
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_reference_on_each_picture_and_on_all(seed):
    rng = np.random.default_rng(seed)
    total, parts = PanopticQuality(NUM_CLASSES, IS_THING), PanopticQuality(NUM_CLASSES, IS_THING)
    reference_total = ReferencePanopticQuality(NUM_CLASSES, IS_THING)
    for _ in range(100):
        scene = random_scene(rng)
        one = PanopticQuality(NUM_CLASSES, IS_THING)
        reference = ReferencePanopticQuality(NUM_CLASSES, IS_THING)
        for quality in (one, reference, total, reference_total):
            quality.update(*scene)
        parts.merge(one)
        _assert_equal(one.result(), reference)
    _assert_equal(total.result(), reference_total)
    _assert_equal(parts.result(), reference_total)


def test_the_generated_maps_reach_every_rule():
    """The comparison would also pass on maps without special cases; this checks that they occur."""
    rng = np.random.default_rng(0)
    scenes = [random_scene(rng) for _ in range(100)]
    quality = PanopticQuality(NUM_CLASSES, IS_THING)
    for scene in scenes:
        quality.update(*scene)
    matched, invented, missed = quality.tp.sum(), quality.fp.sum(), quality.fn.sum()
    num_predicted = sum(len(predicted) for _, _, _, predicted in scenes)
    assert min(matched, invented, missed) > 50
    assert num_predicted - matched - invented > 20  # Forgiven, for void or crowd.
    assert any(not truth for _, truth, _, _ in scenes)
    assert any(not predicted for _, _, _, predicted in scenes)


def test_pixels_predicted_on_void_change_nothing():
    """Only the void part of matched predictions is repainted, so matching stays as it is."""
    rng = np.random.default_rng(7)
    num_repainted = 0
    for _ in range(100):
        truth_map, truth_segments, predicted_map, predicted_segments = random_scene(rng)
        before = _result(truth_map, truth_segments, predicted_map, predicted_segments)
        for segment in predicted_segments:
            only_it = np.where(predicted_map == segment.id, predicted_map, 0)
            if _result(truth_map, truth_segments, only_it, [segment]).tp.sum() == 1:
                on_void = (truth_map == 0) & (predicted_map == segment.id)
                num_repainted += on_void.sum()
                predicted_map = np.where(on_void, 0, predicted_map)
        _assert_same(before, _result(truth_map, truth_segments, predicted_map, predicted_segments))
    assert num_repainted > 300


def test_renumbering_and_reordering_change_nothing():
    rng = np.random.default_rng(8)
    for _ in range(100):
        scene = random_scene(rng)
        renumbered = (*_renumbered(rng, *scene[:2]), *_renumbered(rng, *scene[2:]))
        _assert_same(_result(*scene), _result(*renumbered))


def _renumbered(rng, panoptic_map, segments):
    new_ids = _ids(rng, len(segments))
    result = np.zeros_like(panoptic_map)
    for segment, new_id in zip(segments, new_ids, strict=True):
        result[panoptic_map == segment.id] = new_id
    renumbered = [
        Segment(int(i), segment.class_id, segment.is_crowd)
        for segment, i in zip(segments, new_ids, strict=True)
    ]
    shuffled = [renumbered[i] for i in rng.permutation(len(segments))]
    # Of several crowds the last one listed forgives: their order among themselves has a meaning.
    crowds = [segment for segment in renumbered if segment.is_crowd]
    return result, [segment for segment in shuffled if not segment.is_crowd] + crowds


def _result(*scene):
    quality = PanopticQuality(NUM_CLASSES, IS_THING)
    quality.update(*scene)
    return quality.result()


def _assert_same(one, other):
    for name in ("pq", "sq", "rq", "tp", "fp", "fn"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=1e-12)
