"""Size, contrast and colors of drawings."""

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.inference.drawing.style import DrawingStyle, enlarge, stretch_contrast
from maskconver_tf.inference.predictor import Prediction
from maskconver_tf.types import Segment

CATEGORIES = Categories.from_coco([{"id": 1, "name": "cell", "isthing": 1}], "test")


@pytest.mark.parametrize(
    ("size", "times"),
    [((256, 256), 2), ((64, 64), 8), ((480, 640), 1), ((1080, 1920), 1), ((40, 2300), 1)],
)
def test_only_small_pictures_grow(size, times):
    assert DrawingStyle().times(*size) == times
    assert DrawingStyle(enlarge=3).times(*size) == 3


def test_a_pixel_of_the_map_becomes_a_square():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    panoptic_map = np.arange(8).reshape(2, 4)
    larger, larger_map = enlarge(image, panoptic_map, 3)
    assert larger.shape == (6, 12, 3)
    np.testing.assert_array_equal(larger_map, np.kron(panoptic_map, np.ones((3, 3), int)))


def test_dark_pictures_get_the_whole_range_and_keep_their_order():
    image = np.random.default_rng(0).integers(3, 20, (40, 40, 3), dtype=np.uint8)
    bright = stretch_contrast(image)
    assert (bright.min(), bright.max()) == (0, 255)
    order = np.argsort(image.ravel(), kind="stable")
    assert (np.diff(bright.ravel()[order].astype(int)) >= 0).all()


def test_ordinary_and_even_pictures_stay():
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(stretch_contrast(image), image)
    even = np.full((4, 4, 3), 9, np.uint8)
    np.testing.assert_array_equal(stretch_contrast(even), even)


def _cells(size=128):
    """A chessboard of touching cells."""
    panoptic_map = np.kron(np.arange(1, 17).reshape(4, 4), np.ones((size // 4, size // 4), int))
    segments = [Segment(i, 0, score=0.5, area=1) for i in range(1, 17)]
    return Prediction(np.full((size, size, 3), 90, np.uint8), panoptic_map, segments, CATEGORIES)


def test_labels_none_auto_all():
    cells = _cells()
    drawn = {
        labels: cells.draw(DrawingStyle(labels=labels, enlarge=1))
        for labels in ("none", "auto", "all")
    }
    white = {labels: int((picture > 250).all(-1).sum()) for labels, picture in drawn.items()}
    assert white["all"] > white["auto"] == white["none"], "labels would hide cells of 32 pixels"


def test_outlines_leave_the_middle_of_things():
    cells = _cells()
    drawn = cells.draw(DrawingStyle(labels="none", outlines=True, enlarge=1, contrast=False))
    np.testing.assert_array_equal(drawn[8:24, 8:24], cells.image[8:24, 8:24])
    assert (drawn[31, 8] != cells.image[31, 8]).any()
    assert (drawn[31, 8] != drawn[32, 8]).any(), "both sides have the color of their own thing"


def test_the_default_of_python_keeps_the_size():
    assert _cells().draw().shape == (128, 128, 3)
    assert _cells().draw(DrawingStyle()).shape == (640, 640, 3)


@pytest.mark.parametrize("wrong", [{"labels": "some"}, {"enlarge": 9}, {"enlarge": 1.5}])
def test_other_values_are_refused(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        DrawingStyle(**wrong)
