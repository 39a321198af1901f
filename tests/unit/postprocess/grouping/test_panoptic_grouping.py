"""Grouping: worked examples at stride 4, truth as prediction, and invariants."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.postprocess.grouping.panoptic_grouping import PanopticGrouping

STUFF, OTHER, THING, KIND = range(4)
IS_THING = tf.constant([False, False, True, True])
EXACT = {"stuff_area": 1}


def perfect(segment_map: np.ndarray, class_ids: dict[int, int]) -> dict[str, tf.Tensor]:
    """Outputs at stride 4 that describe a map of segments made of whole cells; 0 for void."""
    cells = segment_map[2::4, 2::4]
    middles = np.stack(np.mgrid[: cells.shape[0], : cells.shape[1]] * 4 + 2.0, -1)
    logits = np.zeros([*cells.shape, 4])
    heatmap, offsets = np.zeros(cells.shape), np.zeros([*cells.shape, 2])
    for segment, class_id in class_ids.items():
        where = cells == segment
        logits[where, class_id] = 10
        if class_id >= THING:
            center = np.argwhere(segment_map == segment).mean(0) + 0.5
            distances = np.square(middles - center).sum(-1)
            heatmap = np.maximum(heatmap, np.exp(-distances / 128))
            offsets[where] = (center - middles)[where]
    fields = (logits, heatmap[..., np.newaxis], offsets)
    return dict(zip(PanopticGrouping.fields, (tf.constant(x, tf.float32) for x in fields)))


def group(outputs, size, image_size=None, **settings) -> dict[str, np.ndarray]:
    fusion = PanopticGrouping(**EXACT | settings)
    sizes = tf.constant(size), tf.constant(image_size or size)
    found = tf.function(lambda: fusion(outputs, *sizes, IS_THING, 4), autograph=False)()
    found = {name: value.numpy() for name, value in found.items()}
    check_whole(found, image_size or size, fusion.max_segments(outputs))
    return found


def check_whole(found, size, most: int) -> None:
    """Ids are 1..n by falling score; areas and boxes are those of the map."""
    panoptic_map, ids = found[types.PANOPTIC_MAP], found[types.SEGMENT_IDS]
    assert panoptic_map.shape == tuple(size)
    assert ids.tolist() == list(range(1, len(ids) + 1))
    assert len(ids) <= most
    assert set(np.unique(panoptic_map)) - {0} == set(ids)
    scores = found[types.SEGMENT_SCORES]
    assert np.all(np.diff(scores) <= 0)
    assert np.all((scores >= 0) & (scores <= 1))
    for i, area, box in zip(ids, found[types.SEGMENT_AREAS], found[types.SEGMENT_BOXES]):
        where = np.argwhere(panoptic_map == i)
        assert len(where) == area
        np.testing.assert_array_equal(box, [*where.min(0), *where.max(0) + 1])


def rows(found) -> set[tuple[int, int]]:
    """Class and area of each segment."""
    return set(zip(found[types.SEGMENT_CLASS_IDS].tolist(), found[types.SEGMENT_AREAS].tolist()))


# Stuff at the left, and two things of one class that touch.
TOUCHING = np.zeros([32, 48], int)
TOUCHING[:, :16], TOUCHING[:, 16:32], TOUCHING[:, 32:] = 1, 2, 3
TWO = perfect(TOUCHING, {1: STUFF, 2: THING, 3: THING})


def test_offsets_part_two_things_of_one_class_that_touch():
    found = group(TWO, (32, 48))
    panoptic_map = found[types.PANOPTIC_MAP]
    assert sorted(found[types.SEGMENT_CLASS_IDS]) == [STUFF, THING, THING]
    assert len({*panoptic_map[16, [4, 20, 40]]}) == 3
    # Interpolated logits and offsets move a border by less than a cell.
    for left, right, inside in ((0, 14, 4), (18, 30, 20), (34, 48, 40)):
        assert np.all(panoptic_map[:, left:right] == panoptic_map[16, inside])


def test_the_score_of_a_thing_is_center_times_class():
    outputs = TWO | {types.CENTER_SCORES: TWO[types.CENTER_SCORES] * 0.5}
    found = group(outputs, (32, 48))
    full = group(TWO, (32, 48))
    for name in (types.SEGMENT_CLASS_IDS, types.SEGMENT_AREAS):
        np.testing.assert_array_equal(found[name], full[name])
    ratios = found[types.SEGMENT_SCORES] / full[types.SEGMENT_SCORES]
    np.testing.assert_allclose(ratios, [1, 0.5, 0.5], rtol=1e-5)  # Stuff has no center.


def test_pixels_of_a_center_get_the_class_of_most_of_them():
    logits = TWO[types.SEMANTIC_LOGITS].numpy()
    logits[:3, 4:8] = 0
    logits[:3, 4:8, KIND] = 10  # Three of eight rows of the first thing look like another class.
    found = group(TWO | {types.SEMANTIC_LOGITS: tf.constant(logits)}, (32, 48))
    assert sorted(found[types.SEGMENT_CLASS_IDS]) == [STUFF, THING, THING]
    logits[:5, 4:8] = logits[0, 4]  # Five of eight.
    found = group(TWO | {types.SEMANTIC_LOGITS: tf.constant(logits)}, (32, 48))
    assert sorted(found[types.SEGMENT_CLASS_IDS]) == [STUFF, THING, KIND]


def test_things_without_any_center_are_void():
    found = group(TWO, (32, 48), score_threshold=1.0)
    assert found[types.SEGMENT_CLASS_IDS].tolist() == [STUFF]
    assert np.all(found[types.PANOPTIC_MAP][:, 18:] == 0)


def test_at_most_so_many_centers_and_the_rest_joins_the_nearest():
    found = group(TWO, (32, 48), max_centers=1)
    assert sorted(found[types.SEGMENT_CLASS_IDS]) == [STUFF, THING]
    assert np.all(found[types.PANOPTIC_MAP] > 0)


def test_areas_limit_stuff_and_things_in_original_pixels():
    doubled = (64, 96)
    areas = dict(sorted(rows(group(TWO, (32, 48), doubled))))
    stuff = areas[STUFF]
    for name, limit, classes in (
        ("stuff_area", stuff, [STUFF, THING, THING]),
        ("stuff_area", stuff + 1, [THING, THING]),
        ("thing_area", 900, [STUFF, THING, THING]),
        ("thing_area", 3000, [STUFF]),
    ):
        found = group(TWO, (32, 48), doubled, **{name: limit})
        assert sorted(found[types.SEGMENT_CLASS_IDS]) == classes, (name, limit)


def test_padding_gives_no_segment_and_no_center():
    wider = {n: tf.pad(v, [[0, 3], [0, 5], [0, 0]], constant_values=9.0) for n, v in TWO.items()}
    found, expected = group(wider, (32, 48)), group(TWO, (32, 48))
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("class_id", [STUFF, THING])
def test_a_picture_of_one_segment(class_id):
    whole = np.ones([32, 32], int)
    found = group(perfect(whole, {1: class_id}), (32, 32), (20, 50))
    assert rows(found) == {(class_id, 1000)}


# ---- Truth as prediction -------------------------------------------------------------------------
def random_scene(seed: int) -> tuple[np.ndarray, dict[int, int]]:
    """Two regions of stuff, and rectangles of whole cells some cells apart."""
    rng = np.random.default_rng(seed)
    cells = np.ones([24, 32], int)
    cells[12:] = 2
    class_ids = {1: STUFF, 2: OTHER}
    for top in (1, 9, 17):
        for left in (1, 9, 17, 25):
            height, width = rng.integers(4, 7, 2)
            class_ids[len(class_ids) + 1] = int(rng.integers(THING, KIND + 1))
            cells[top : top + height, left : left + width] = len(class_ids)
    return np.kron(cells, np.ones([4, 4], int)), class_ids


def quality_of(segment_map, class_ids, found):
    quality = PanopticQuality(4, IS_THING.numpy())
    truth = [types.Segment(id=i, class_id=c) for i, c in class_ids.items()]
    predicted = types.segments_from_arrays(found)
    quality.update(segment_map, truth, found[types.PANOPTIC_MAP], predicted)
    return quality.result().all


@pytest.mark.parametrize("seed", range(3))
def test_truth_as_prediction_finds_every_segment(seed):
    """PQ lacks 100 only by the borders, which interpolation from stride 4 rounds."""
    segment_map, class_ids = random_scene(seed)
    outputs, size = perfect(segment_map, class_ids), segment_map.shape
    at_one = quality_of(segment_map, class_ids, group(outputs, size))
    assert at_one.rq == 1
    assert at_one.sq > 0.8
    doubled = np.kron(segment_map, np.ones([2, 2], int))
    at_two = quality_of(doubled, class_ids, group(outputs, size, doubled.shape))
    assert at_two.rq == 1


def test_mirrored_outputs_give_the_mirrored_map():
    segment_map, class_ids = random_scene(5)
    outputs, size = perfect(segment_map, class_ids), segment_map.shape
    mirrored = {name: value[:, ::-1] for name, value in outputs.items()}
    offsets = mirrored[types.CENTER_OFFSETS] * tf.constant([1.0, -1.0])
    found = group(mirrored | {types.CENTER_OFFSETS: offsets}, size)[types.PANOPTIC_MAP][:, ::-1]
    expected = group(outputs, size)[types.PANOPTIC_MAP]
    pairs = {*zip(found.ravel().tolist(), expected.ravel().tolist())}
    assert np.mean([found[expected == i].std() == 0 for i in np.unique(expected)]) > 0.5
    assert len(pairs) < 2.5 * len(np.unique(expected))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 6}, "window = 6 .*odd number.*write 7"),
        ({"score_threshold": 2}, "score_threshold = 2"),
        ({"max_centers": 0}, "max_centers = 0"),
        ({"stuff_area": 1.5}, "stuff_area = 1.5"),
    ],
)
def test_a_wrong_setting_is_refused(settings, message):
    with pytest.raises(UserError, match=f"PanopticGrouping.{message}"):
        PanopticGrouping(**settings)
