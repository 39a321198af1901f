"""The input shows the smallest things, in the time there is."""

import numpy as np
import pytest

from maskconver_tf.planning.first_configuration.choosing.size import (
    canvas,
    choose_size,
    cut_share,
    wanted_scale,
)
from maskconver_tf.planning.first_configuration.choosing.time_budget import TimeBudget
from tests.unit.planning.first_configuration.made_facts import make_facts, make_picture_facts

PLENTY, LITTLE = TimeBudget(600, 0.5), TimeBudget(1, 10.0)


def facts_of(size, side, count=8):
    return make_facts(make_picture_facts(size, sides=(side,) * count))


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((1000, 1000), 100, 0.16),  # 10 / 70.7 would be 0.14, but pictures keep 160 pixels
        ((1000, 1000), 28.3, 0.5),  # 20 pixels of half diagonal become 10
        ((256, 256), 10, 1.0),  # crowds keep their size
        ((256, 256), 4.74, 2.0),  # 3.35 pixels become 6.7
        ((32, 32), 12, 2.0),  # tiny pictures become 64
        ((3000, 4000), 10, 0.354),  # memory: 1.5 million pixels
        ((50, 10000), 20, 0.4096),  # the longest side is 4096
    ],
)
def test_the_scale_follows_the_smallest_things(size, side, expected):
    assert wanted_scale(facts_of(size, side)) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("side", [2, 5, 8, 12, 30, 100])
def test_larger_things_never_need_a_larger_scale(side):
    assert wanted_scale(facts_of((800, 800), side)) >= wanted_scale(facts_of((800, 800), side + 1))


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (16, 0.5),  # eight pixels, two cells of the mask grid, are left
        (60, 10 / 70.7),  # wide enough: the length decides
        (4, 1.0),  # narrow things enlarge no picture
    ],
)
def test_long_things_keep_two_cells_of_their_width(width, expected):
    long = make_picture_facts(
        (1200, 1200), sides=(100,) * 8, short_sides=np.array([width] * 8 + [1200])
    )
    assert wanted_scale(make_facts(long)) == pytest.approx(expected, rel=0.01)


def test_the_input_has_the_shape_of_the_pictures_if_they_have_one():
    assert canvas(facts_of((360, 480), 20), 1.0, square=False) == (352, 480)
    assert canvas(facts_of((360, 480), 20), 1.0, square=True) == (480, 480)
    mixed = make_facts(make_picture_facts((480, 640)), make_picture_facts((640, 480)))
    assert canvas(mixed, 0.5, square=False) == (320, 320)


@pytest.mark.parametrize("size", [(50, 10000), (10000, 50), (33, 33), (4, 4), (31, 997)])
def test_every_input_is_legal_and_shrinks_pictures_by_4_percent_at_most(size):
    facts = facts_of(size, 3)
    scale = wanted_scale(facts)
    found = canvas(facts, scale, square=False)
    assert all(side % 32 == 0 and 32 <= side <= 4096 for side in found)
    assert facts.scales(found).min() >= 0.95 * scale


def test_things_of_the_larger_pictures_count_if_sizes_differ_much():
    sizes = [(300, 300)] * 5 + [(900, 900)] * 4
    facts = make_facts(*(make_picture_facts(size, sides=(28.3,) * 5) for size in sizes))
    assert wanted_scale(facts) == pytest.approx(
        1.0, rel=0.01
    )  # Half a diagonal of 20 shrinks to 6.7.
    small = choose_size(facts, PLENTY, False).input_size
    scaled = facts.scaled("half_diagonals", facts.scales(small))[facts.counted()]
    assert np.quantile(scaled, 0.1) >= 6.7
    alike = make_facts(*(make_picture_facts((s, s), sides=(28.3,) * 5) for s in (280, 300, 330)))
    assert wanted_scale(alike) == pytest.approx(160 / 300)


def test_spare_time_enlarges_pictures_up_to_their_own_size():
    facts = facts_of((640, 640), 60)
    small = choose_size(facts, TimeBudget(10, 1.0), False).input_size[0]
    assert small < choose_size(facts, PLENTY, False).input_size[0] == 640


def test_little_time_shrinks_pictures_and_says_so():
    facts = facts_of((640, 640), 100)
    chosen = choose_size(facts, LITTLE, False)
    assert chosen.input_size == (160, 160) and chosen.zoom == 1 and not chosen.crops
    facts = facts_of((640, 640), 220, count=2)
    wide = make_facts(make_picture_facts((640, 640), sides=(20, 20, 300, 300, 300, 300)))
    chosen = choose_size(wide, LITTLE, False)
    assert chosen.input_size[0] < 640 and "the time is short" in " ".join(chosen.doubts)


def test_little_time_crops_if_things_are_small_and_survive():
    facts = facts_of((2000, 2000), 16, count=40)
    chosen = choose_size(facts, LITTLE, False)
    assert chosen.crops and chosen.train_size[0] < chosen.input_size[0]
    assert chosen.zoom == pytest.approx(chosen.input_size[0] / chosen.train_size[0], rel=0.01)
    assert "crops" in chosen.reason and chosen.doubts


def test_crops_are_refused_where_they_would_cut_things():
    facts = facts_of((640, 640), 14, count=40)
    assert choose_size(facts, LITTLE, False).crops
    long_things = make_picture_facts((640, 640), sides=(14,) * 5 + (300,) * 35)
    assert not choose_size(make_facts(long_things), LITTLE, False).crops


@pytest.mark.parametrize(
    ("size", "side", "doubted"), [(4000, 12, True), (800, 12, False), (4000, 300, False)]
)
def test_pictures_that_memory_shrinks_too_much_are_a_doubt(size, side, doubted):
    doubts = " ".join(choose_size(facts_of((size, size), side, 40), PLENTY, False).doubts)
    assert ("cut the pictures into tiles" in doubts) is doubted


def test_narrow_things_are_counted_in_cells_of_the_masks():
    thin = np.array([5] * 40 + [256])
    facts = make_facts(make_picture_facts((256, 256), sides=(12,) * 40, short_sides=thin))
    assert "(8 pixels" in " ".join(choose_size(facts, PLENTY, False, 4).doubts)
    assert "narrower" not in " ".join(choose_size(facts, PLENTY, False, 2).doubts)


@pytest.mark.parametrize(("size", "can_grow"), [(256, True), (4000, False)])
def test_a_larger_input_is_advised_only_where_memory_allows_it(size, can_grow):
    thin = np.array([5] * 40 + [size])
    facts = make_facts(make_picture_facts((size, size), sides=(12,) * 40, short_sides=thin))
    doubts = " ".join(choose_size(facts, PLENTY, False, 4).doubts)
    assert "narrower than two cells" in doubts
    assert ("a larger INPUT_SIZE" in doubts) is can_grow


def test_stuff_is_never_cropped():
    assert not choose_size(facts_of((2000, 2000), 1, count=0), LITTLE, False).crops


def test_the_share_that_crops_cut_agrees_with_random_crops():
    rng = np.random.default_rng(0)
    side, crop, picture = 20, 100, 1000
    facts = make_facts(make_picture_facts((picture, picture), sides=(side,), stuff=False))
    things = rng.uniform(0, picture - side, (200_000, 2))
    starts = rng.uniform(0, picture - crop, (200_000, 2))
    begin, end = np.maximum(things, starts), np.minimum(things + side, starts + crop)
    seen = (end > begin).all(axis=1)
    cut = seen & ((end - begin) < side - 1e-9).any(axis=1)
    expected = cut.sum() / seen.sum()
    assert cut_share(facts, np.ones(1), (crop, crop)) == pytest.approx(expected, abs=0.01)


def test_pictures_without_segments_get_a_size():
    empty = make_facts(make_picture_facts((100, 100), sides=(), stuff=False))
    assert choose_size(empty, PLENTY, False).input_size == (96, 96)
