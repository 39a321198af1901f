"""What a person must be able to see in a picture, checked where a program can."""

import time

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.inference.drawing import fonts, panoptic_drawing
from maskconver_tf.inference.drawing.panoptic_drawing import draw_panoptic_map
from maskconver_tf.types import Segment

CATEGORIES = Categories.from_coco(
    [
        {"id": 1, "name": "person", "isthing": 1},
        {"id": 2, "name": "sky", "isthing": 0},
        {"id": 3, "name": "мяч\n" + "x" * 300, "isthing": 1},
    ],
    "test",
)
PERSON, SKY, BALL = range(3)


def gray(height, width, value=100):
    return np.full((height, width, 3), value, np.uint8)


def has_white(picture):
    return (picture > 230).all(axis=-1).any()


def test_void_is_the_picture_a_little_darker():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    drawn = draw_panoptic_map(image, np.zeros((20, 30), np.int32), [], CATEGORIES)
    assert drawn.dtype == np.uint8
    np.testing.assert_allclose(drawn, image * 0.6, atol=1)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_segment_has_the_color_of_its_class(alpha):
    drawn = draw_panoptic_map(
        gray(20, 20), np.full((20, 20), 7), [Segment(7, SKY)], CATEGORIES, alpha
    )
    expected = (1 - alpha) * 100 + alpha * CATEGORIES.colors[SKY]
    np.testing.assert_allclose(drawn, np.broadcast_to(expected, drawn.shape), atol=1)


def test_structure_of_the_picture_shows_through():
    image = gray(20, 20)
    image[:, 10:] = 200
    drawn = draw_panoptic_map(image, np.full((20, 20), 7), [Segment(7, SKY)], CATEGORIES, 0.55)
    np.testing.assert_allclose(drawn[5, 15].astype(int) - drawn[5, 5], 45, atol=1)


@pytest.mark.parametrize("background", [0, 255])
def test_outline_is_light_and_dark_so_that_any_background_shows_it(background):
    panoptic_map = np.ones((10, 40), np.int32)  # Too low for a label.
    panoptic_map[:, 20:] = 2
    segments = [Segment(1, SKY), Segment(2, SKY)]
    image = gray(10, 40, background)
    row = draw_panoptic_map(image, panoptic_map, segments, CATEGORIES, alpha=0.0)[0].max(axis=-1)
    plain = row[5]
    assert min(row[19], row[20]) > 210
    assert max(row[18], row[21]) <= 0.6 * plain + 1
    assert (row[:18] == plain).all()
    assert (row[22:] == plain).all()
    assert row[[0, -1]].tolist() == [plain, plain], "the edge of the picture is no outline"


def test_outline_grows_with_the_picture():
    segments = [Segment(1, SKY), Segment(2, SKY)]
    widths = []
    for size in (480, 1920):
        panoptic_map = np.ones((size, size), np.int32)
        panoptic_map[:, size // 2 :] = 2
        drawn = draw_panoptic_map(gray(size, size), panoptic_map, segments, CATEGORIES)
        widths.append((drawn[0] > 200).all(axis=-1).sum())
    assert widths == [2, 8]


def test_outlines_of_many_small_things_stay_thin():
    panoptic_map = np.kron(np.arange(1, 61 * 61 + 1).reshape(61, 61), np.ones((16, 16), int))
    segments = [Segment(i, PERSON) for i in range(1, 61 * 61 + 1)]
    size = panoptic_map.shape
    drawn = draw_panoptic_map(gray(*size), panoptic_map, segments, CATEGORIES, labels="none")
    assert (drawn[8, :16] > 200).all(axis=-1).sum() == 1


def test_label_is_drawn_inside_its_segment():
    panoptic_map = np.zeros((200, 300), np.int32)
    panoptic_map[50:150, 150:290] = 5
    unnamed = draw_panoptic_map(gray(200, 300), panoptic_map, [Segment(5, SKY)], CATEGORIES)
    inside = unnamed[60:140, 160:280]
    assert has_white(inside)
    assert not has_white(unnamed[:40])


def test_score_and_crowd_are_written():
    panoptic_map = np.full((100, 200), 1)
    variants = [Segment(1, PERSON), Segment(1, PERSON, score=0.97), Segment(1, PERSON, score=0.5)]
    variants.append(Segment(1, PERSON, is_crowd=True))
    drawn = [draw_panoptic_map(gray(100, 200), panoptic_map, [s], CATEGORIES) for s in variants]
    for i, one in enumerate(drawn):
        assert not any(np.array_equal(one, other) for other in drawn[i + 1 :])


def test_segments_too_small_carry_no_label():
    panoptic_map = np.zeros((200, 200), np.int32)
    panoptic_map[90:98, 90:98] = 1
    with_name = draw_panoptic_map(gray(200, 200), panoptic_map, [Segment(1, PERSON)], CATEGORIES)
    assert (with_name[70:85] == 60).all()
    assert (with_name[105:120] == 60).all()


def test_long_and_foreign_names_are_drawn():
    drawn = draw_panoptic_map(
        gray(400, 600), np.full((400, 600), 1), [Segment(1, BALL)], CATEGORIES
    )
    assert has_white(drawn)


def test_names_that_no_font_has_become_ids_with_one_hint(monkeypatch, caplog):
    monkeypatch.setattr(fonts, "_font_files", list)
    panoptic_drawing._hint_at_fonts.cache_clear()

    def drawn(*names):
        entries = [{"id": 40 + i, "name": name, "isthing": 1} for i, name in enumerate(names)]
        panoptic_map = np.repeat([[1] * 300 + [2] * 300], 300, axis=0)
        segments = [Segment(1, 0), Segment(2, 1)]
        categories = Categories.from_coco(entries, "test")
        return draw_panoptic_map(gray(300, 600), panoptic_map, segments, categories)

    np.testing.assert_array_equal(drawn("고양이", "개"), drawn("class 40", "class 41"))
    drawn("고양이", "말")
    assert [record.name for record in caplog.records] == [panoptic_drawing.__name__]


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1), (7, 5)])
def test_tiny_pictures_are_drawn(size):
    panoptic_map = np.arange(size[0] * size[1], dtype=np.int32).reshape(size) % 3
    segments = [Segment(1, PERSON), Segment(2, PERSON)]
    drawn = draw_panoptic_map(gray(*size), panoptic_map, segments, CATEGORIES)
    assert drawn.shape == (*size, 3)


def test_arguments_stay_as_they_were():
    image, panoptic_map = gray(50, 50), np.full((50, 50), 1, np.int32)
    panoptic_map[:20] = 0
    image.setflags(write=False)
    panoptic_map.setflags(write=False)
    drawn = draw_panoptic_map(image, panoptic_map, [Segment(1, PERSON)], CATEGORIES)
    assert (drawn != image).any()


@pytest.mark.parametrize(
    ("image", "panoptic_map", "alpha", "message"),
    [
        (gray(4, 5), np.ones((5, 4), int), 0.5, r"image is \(4, 5\) and the panoptic map \(5, 4\)"),
        (gray(4, 5)[..., 0], np.ones((4, 5), int), 0.5, r"uint8 of shape \(4, 5\)"),
        (gray(4, 5) / 255, np.ones((4, 5), int), 0.5, "image is float64"),
        (gray(4, 5), np.full((4, 5), 2), 0.5, "pixels of segment 2, which is not listed"),
        (gray(4, 5), np.ones((4, 5), int), 1.5, "alpha is 1.5"),
    ],
)
def test_what_does_not_fit_is_refused(image, panoptic_map, alpha, message):
    with pytest.raises(UserError, match=message):
        draw_panoptic_map(image, panoptic_map, [Segment(1, PERSON)], CATEGORIES, alpha)


def test_a_vga_picture_takes_a_fraction_of_a_second():
    """150 ms is the aim; the bound leaves room for a busy machine."""
    rng = np.random.default_rng(0)
    panoptic_map = np.kron(rng.permutation(20).reshape(4, 5) + 1, np.ones((120, 128), int))
    segments = [Segment(i, i % 3, score=0.5) for i in range(1, 21)]
    fastest = np.inf
    for _ in range(3):
        start = time.perf_counter()
        draw_panoptic_map(gray(480, 640), panoptic_map, segments, CATEGORIES)
        fastest = min(fastest, time.perf_counter() - start)
    assert fastest < 0.5
