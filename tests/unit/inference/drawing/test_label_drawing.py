"""Labels hold their text in any language, on machines with and without fonts."""

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.inference.drawing import fonts, label_drawing

GREY = (120, 120, 120)


def draw(text, font_size=16, size=(300, 60), corner=(10, 20)):
    picture = Image.new("RGB", size, GREY)
    label_drawing.draw_label(picture, corner, text, font_size, (255, 0, 0))
    return np.array(picture)


def test_plate_covers_the_size_it_announced_and_no_more():
    height, width = label_drawing.label_size("person 97%", 16)
    changed = (draw("person 97%") != GREY).any(axis=-1)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (rows[0], rows[-1] + 1) == (10, 10 + height)
    assert (columns[0], columns[-1] + 1) == (20, 20 + width)


def test_plate_is_dark_its_text_white_its_dot_colored():
    height, width = label_drawing.label_size("person", 16)
    plate = draw("person")[10 : 10 + height, 20 : 20 + width]
    assert plate[2, width // 2].max() < 60
    assert (plate == 255).all(axis=-1)[:, 24:].sum() > 10
    assert (plate == (255, 0, 0)).all(axis=-1)[:, :22].sum() > 10


def test_longer_text_and_larger_letters_need_a_larger_plate():
    height, width = label_drawing.label_size("cat", 16)
    assert label_drawing.label_size("cattle", 16)[1] > width
    larger = label_drawing.label_size("cat", 32)
    assert larger[0] > 1.8 * height
    assert larger[1] > 1.8 * width


@pytest.mark.parametrize("has_font", [True, False])
@pytest.mark.parametrize("text", ["", "мяч", "中文", "é", "⚽ 97%", "العربية", "\ud800", "a\x00b"])
def test_any_text_is_drawn(text, has_font, monkeypatch):
    if not has_font:
        monkeypatch.setattr(fonts, "_font_files", list)
    assert (draw(text) != GREY).any()
    label_drawing.draw_text(Image.new("RGB", (50, 20)), (10, 25), text, 12)


def test_without_a_font_letters_lose_only_their_accents(monkeypatch):
    monkeypatch.setattr(fonts, "_font_files", list)
    np.testing.assert_array_equal(draw("Ärmel é"), draw("Armel e"))
    np.testing.assert_array_equal(draw("мяч"), draw("???"))
