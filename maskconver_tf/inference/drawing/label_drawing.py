"""Draws white text on dark rounded plates."""

from __future__ import annotations

import functools
import math

from PIL import Image, ImageDraw, ImageFont

from maskconver_tf.inference.drawing.fonts import font_and_text

_PLATE_COLOR = (17, 19, 24)
_PLATE_ALPHA = 205
_TEXT_COLOR = (255, 255, 255)
_SMOOTHING = 4


def font_size_for(height: int, width: int) -> int:
    """Returns the font size in pixels that suits a picture of this size."""
    return max(11, round(min(height, width) / 32))


def label_size(text: str, font_size: int) -> tuple[int, int]:
    """Returns (height, width) in pixels of the plate that `draw_label` draws."""
    font, text = font_and_text(text, font_size)
    padding = _padding(font_size)
    return _line_height(font) + padding, _dot_space(font_size) + _width(font, text) + 2 * padding


def draw_label(
    picture: Image.Image, corner: tuple[int, int], text: str, font_size: int, color: tuple
) -> None:
    """Draws a plate with a dot of `color` and then `text`; `corner` is its top left (y, x)."""
    height, width = label_size(text, font_size)
    font, text = font_and_text(text, font_size)
    y, x = corner
    picture.paste(_PLATE_COLOR, (x, y), _plate_mask(height, width))
    for dot_color, inset in ((_TEXT_COLOR, 0), (color, max(1, font_size // 12))):
        dot = _dot_mask(round(0.7 * font_size) - 2 * inset)
        place = x + _padding(font_size) + inset, y + (height - dot.height) // 2
        picture.paste(dot_color, place, dot)
    left = x + _padding(font_size) + _dot_space(font_size)
    draw = ImageDraw.Draw(picture)
    draw.text((left, y + height / 2), text, fill=_TEXT_COLOR, font=font, anchor="lm")


def draw_text(picture: Image.Image, center: tuple[float, float], text: str, font_size: int) -> None:
    """Draws white `text` with its middle at (y, x)."""
    font, text = font_and_text(text, font_size)
    draw = ImageDraw.Draw(picture)
    draw.text(center[::-1], text, fill=_TEXT_COLOR, font=font, anchor="mm")


def _padding(font_size: int) -> int:
    return max(2, round(font_size / 3))


def _dot_space(font_size: int) -> int:
    """Width of the dot and the gap after it."""
    return font_size


def _line_height(font: ImageFont.FreeTypeFont) -> int:
    return sum(font.getmetrics())


def _width(font: ImageFont.FreeTypeFont, text: str) -> int:
    return math.ceil(font.getlength(text))


@functools.lru_cache(maxsize=256)
def _plate_mask(height: int, width: int) -> Image.Image:
    return _rounded_mask(height, width, height / 4, _PLATE_ALPHA)


@functools.lru_cache
def _dot_mask(size: int) -> Image.Image:
    return _rounded_mask(size, size, size / 2, 255)


def _rounded_mask(height: int, width: int, radius: float, alpha: int) -> Image.Image:
    """Opacity of a rounded box. It is drawn larger and then reduced: this smooths the corners."""
    mask = Image.new("L", (width * _SMOOTHING, height * _SMOOTHING))
    box = (0, 0, mask.width - 1, mask.height - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius * _SMOOTHING, fill=alpha)
    return mask.reduce(_SMOOTHING)
