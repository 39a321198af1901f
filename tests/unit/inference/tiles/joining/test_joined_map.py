"""Windows of a segmenter without errors join to the segments of the whole picture."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from maskconver_tf import types
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.inference.tiles.joining.joined_map import join_windows
from maskconver_tf.inference.tiles.row_reading import ArrayRows
from maskconver_tf.inference.tiles.windows import TileSize
from maskconver_tf.types import Segment
from tests.unit.inference.tiles.exact_segmenter import (
    CATEGORIES,
    CELL,
    DOT,
    GROUND,
    VOID,
    assert_same_segments,
    mosaic,
    picture_of,
    segment,
)


def join(values, tile, segment=segment):
    rows = ArrayRows(picture_of(values))
    return join_windows(rows, segment, CATEGORIES.is_thing, TileSize(*tile))


def check(values, tile):
    joined = join(values, tile)
    found = joined.whole()
    assert_same_segments(found, segment(picture_of(values))[types.PANOPTIC_MAP])
    assert [s.id for s in joined.segments] == list(range(1, len(joined.segments) + 1))
    for each in joined.segments:
        y, x = np.nonzero(found == each.id)
        assert (each.area, each.box) == (len(y), (y.min(), x.min(), y.max() + 1, x.max() + 1))
        assert (values[y, x] == each.class_id + 1).all()
        assert each.score == pytest.approx(0.75)


@pytest.mark.parametrize("kind", ["noise", "squares", "blobs", "net"])
def test_any_picture_with_any_windows(kind):
    rng = np.random.default_rng(len(kind))
    for _ in range(12):
        height, width = rng.integers(5, 110, 2)
        tile = rng.integers(4, 60, 2)
        overlap = rng.integers(1, tile.min() // 2 + 1)
        check(mosaic(rng, height, width, kind), (*tile.tolist(), int(overlap)))


def test_a_thing_on_the_corner_of_four_windows():
    values = np.full((40, 40), GROUND)
    values[17:23, 17:23] = CELL
    check(values, (24, 24, 8))


def test_a_thing_larger_than_a_window():
    values = np.full((70, 90), VOID)
    values[3:66, 5:88] = CELL
    values[30:34, 40:44] = DOT
    check(values, (20, 20, 4))


@pytest.mark.parametrize("turns", range(4))
def test_a_thing_that_touches_itself_across_a_seam(turns):
    """A window sees both legs of a U as two things; another window sees where they meet."""
    values = np.full((60, 40), VOID)
    values[2:50, 4:10] = values[2:50, 30:36] = values[46:56, 4:36] = CELL
    check(np.rot90(values, turns), (32, 24, 6))


def test_a_spiral_is_one_thing():
    values = np.full((64, 64), VOID)
    for i in range(0, 28, 4):
        values[i : 64 - i, 63 - i] = values[63 - i, i : 64 - i] = CELL
        values[i, i : 64 - i] = CELL
        values[i + 4 : 64 - i, i] = CELL
        values[i + 4, i : i + 5] = CELL
    assert len(join(values, (16, 16, 4)).segments) == 1
    check(values, (16, 16, 4))


def test_two_whole_things_stay_two_though_a_neighbor_sees_them_as_one():
    """The window on the right cuts both and takes them for one; the left one sees them whole."""
    values = np.full((24, 50), VOID)
    values[4:10, 16:22] = CELL
    values[12:18, 16:22] = CELL

    def unsure(image):
        found = segment(image)
        if image.shape[1] == 30 and not image[0, 0].any() and image[4, 0, 0] == VOID:
            return found
        merged = found[types.PANOPTIC_MAP].copy()
        merged[merged > 0] = 1
        is_any = merged.any()
        return found | {
            types.PANOPTIC_MAP: merged,
            types.SEGMENT_IDS: np.arange(1, 1 + is_any),
            types.SEGMENT_CLASS_IDS: np.full(int(is_any), CELL - 1),
            types.SEGMENT_SCORES: np.full(int(is_any), 0.5),
        }

    joined = join(values, (24, 30, 10), unsure)
    assert len([s for s in joined.segments if s.score > 0.6]) == 2


def test_things_of_two_classes_stay_two():
    values = np.full((20, 50), VOID)
    values[5:15, 10:40] = CELL
    calls = []

    def changes_its_mind(image):
        calls.append(1)
        found = segment(image)
        return found | {types.SEGMENT_CLASS_IDS: found[types.SEGMENT_CLASS_IDS] + (len(calls) > 1)}

    joined = join(values, (20, 30, 10), changes_its_mind)
    assert sorted(s.class_id for s in joined.segments) == [CELL - 1, DOT - 1]
    assert (
        joined.whole()[10, 10:40].tolist()
        == [joined.segments[0].id] * 15 + [joined.segments[1].id] * 15
    )


def test_masks_that_differ_a_little_are_one_thing():
    """Each window shifts its masks by one pixel, as the masks of a network may."""
    values = np.full((60, 60), VOID)
    values[20:40, 20:40] = CELL
    values[45:55, 5:30] = DOT

    def shifted(image):
        found = segment(image)
        panoptic_map = np.roll(found[types.PANOPTIC_MAP], image.shape[0] % 3 - 1, axis=0)
        return found | {types.PANOPTIC_MAP: panoptic_map}

    assert len(join(values, (32, 32, 12), shifted).segments) == 2


def forgets(is_forgotten):
    """A segmenter without errors that does not find the things of some windows, counted from 0."""
    count = iter(range(100))

    def segment_or_not(image):
        if not is_forgotten(next(count)):
            return segment(image)
        return segment(np.where(image >= CELL, GROUND, image))

    return segment_or_not


@pytest.mark.parametrize("turns", range(4))
def test_no_seam_cuts_a_thing_that_its_neighbor_does_not_find(turns):
    """The seam is at 25. The window that owns the thing's center, at 23, shows all of it."""
    values = np.full((20, 50), GROUND)
    values[5:15, 18:28] = CELL
    turned = np.rot90(values, turns)
    of_center = {0: 0, 1: 1, 2: 1, 3: 0}[turns]
    tile = (20, 30, 10) if turns % 2 == 0 else (30, 20, 10)
    found = join(turned, tile, forgets(lambda number: number != of_center)).whole()
    assert_same_segments(found, segment(picture_of(turned))[types.PANOPTIC_MAP])
    missed = join(turned, tile, forgets(lambda number: number == of_center)).whole()
    assert_same_segments(missed, np.ones_like(turned))  # No piece, and ground in its place.


def test_the_window_that_sees_most_around_a_thing_shows_it():
    """The left window sees the thing 2 pixels from its edge, the middle one 8; masks differ."""
    values = np.full((20, 50), GROUND)
    values[5:15, 18:28] = CELL

    def eroded(image):
        found = segment(image)
        if (image[0, 0] == GROUND).all() and image[5, 18, 0] == CELL:
            changed = image.copy()
            changed[5:15, 26:28] = GROUND
            found = segment(changed)
        return found

    rows = ArrayRows(picture_of(values))
    joined = join_windows(rows, eroded, CATEGORIES.is_thing, TileSize(20, 30, 12))
    assert [s.area for s in joined.segments if s.class_id == CELL - 1] == [100]


def test_a_large_thing_stays_though_one_window_sees_a_piece_of_it_as_whole():
    """The third window sees a bar that ends within it; the others see a long one."""
    values = np.full((20, 130), GROUND)
    values[5:15, 5:125] = CELL
    count = iter(range(100))

    def shortened(image):
        if next(count) != 2:
            return segment(image)
        changed = image.copy()
        changed[:, :1], changed[:, -1:] = GROUND, GROUND
        return segment(changed)

    joined = join(values, (20, 40, 18), shortened)
    cells = [s for s in joined.segments if s.class_id == CELL - 1]
    assert [s.box for s in cells] == [(5, 5, 15, 125)]


def test_the_score_is_the_mean_over_pixels_and_the_best_comes_first():
    values = np.full((10, 40), VOID)
    values[:, :30] = CELL
    values[:, 34:36] = DOT
    scores = iter([0.2, 0.8])

    def scored(image):
        found = segment(image)
        score = np.where(found[types.SEGMENT_CLASS_IDS] == DOT - 1, 0.9, next(scores))
        return found | {types.SEGMENT_SCORES: score}

    dot, cell = join(values, (10, 24, 8), scored).segments
    assert dot.class_id == DOT - 1
    assert cell.score == pytest.approx((20 * 0.2 + 10 * 0.8) / 30)


def test_nothing_found():
    joined = join(np.zeros((30, 30)), (16, 16, 4))
    assert joined.segments == []
    assert not joined.whole().any()


@pytest.mark.parametrize("overlap", [6, 20])
def test_an_unsure_segmenter_scores_in_windows_as_on_the_whole_picture(overlap):
    """Borders of masks shift by a pixel, and less than 40 % of a thing is not found."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16] - 7.5
    disc = np.hypot(y, x) < 7.5
    numbers = rng.permutation(255).reshape(15, 17) + 1
    truth = np.kron(numbers, np.ones((16, 16), int)) * np.tile(disc, (15, 17))

    def unsure(image):
        numbered = image.astype(int) @ [1, 256, 0]
        shift = ndimage.gaussian_filter(rng.normal(size=(2, *numbered.shape)), (0, 2, 2)) * 5
        at = np.indices(numbered.shape) + np.rint(shift).clip(-1, 1).astype(int)
        moved = numbered[tuple(np.clip(a, 0, n - 1) for a, n in zip(at, numbered.shape))]
        found, areas = np.unique(moved[moved > 0], return_counts=True)
        ids = found[areas > 0.4 * disc.sum()]
        return {
            types.PANOPTIC_MAP: np.where(np.isin(moved, ids), moved, 0),
            types.SEGMENT_IDS: ids,
            types.SEGMENT_CLASS_IDS: np.full(len(ids), CELL - 1),
            types.SEGMENT_SCORES: np.full(len(ids), 0.5),
        }

    def quality(panoptic_map, ids):
        counted = PanopticQuality(3, CATEGORIES.is_thing)
        segments = [Segment(int(i), CELL - 1) for i in ids]
        counted.update(truth, [Segment(i, CELL - 1) for i in range(1, 256)], panoptic_map, segments)
        return 100 * counted.result().things.pq

    image = np.stack([truth % 256, truth // 256, truth * 0], axis=-1).astype(np.uint8)
    whole = unsure(image)
    expected = quality(whole[types.PANOPTIC_MAP], whole[types.SEGMENT_IDS])
    tile = TileSize(64, 80, overlap)
    joined = join_windows(ArrayRows(image), unsure, CATEGORIES.is_thing, tile)
    assert quality(joined.whole(), [s.id for s in joined.segments]) > expected - 1
    assert 60 < expected < 99, "a segmenter without errors would test nothing"
