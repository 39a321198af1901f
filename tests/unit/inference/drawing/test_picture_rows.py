"""Rows of pictures with titles, and sheets of rows."""

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.inference.drawing.picture_rows import join_side_by_side, stack_rows


def gray(height, width, value=100):
    return np.full((height, width, 3), value, np.uint8)


def test_pictures_side_by_side_with_titles():
    row = join_side_by_side([gray(100, 60, 10), gray(100, 80, 200)], ["image", "truth"])
    bar, gap = row.shape[0] - 100, row.shape[1] - 140
    assert row.dtype == np.uint8
    assert (bar, gap) == (22, 2)
    assert (row[bar:, :60] == 10).all()
    assert (row[bar:, 60 + gap :] == 200).all()
    for title in (row[:bar, :60], row[:bar, 60 + gap :]):
        assert (title > 230).all(axis=-1).any()


def test_pictures_of_other_heights_are_scaled_to_the_first():
    row = join_side_by_side([gray(100, 60), gray(50, 40), gray(300, 30)], ["a", "b", "c"])
    assert row.shape[1] == 60 + 80 + 10 + 2 * 2


def test_a_row_needs_as_many_titles_as_pictures():
    with pytest.raises(UserError, match="2 images have 1 titles"):
        join_side_by_side([gray(9, 9), gray(9, 9)], ["one"])
    with pytest.raises(UserError, match="0 images"):
        join_side_by_side([], [])


def test_a_sheet_centers_its_rows():
    sheet = stack_rows([gray(10, 40, 50), gray(20, 30, 90)])
    assert sheet.shape == (30, 40, 3)
    assert (sheet[:10] == 50).all()
    assert (sheet[10:, 5:35] == 90).all()
    assert (sheet[10:, :5] < 30).all()
