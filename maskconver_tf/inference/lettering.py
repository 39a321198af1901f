"""White text on dark rounded plates, in any language the machine has letters for."""

from __future__ import annotations

import functools
import math
import unicodedata

from PIL import Image, ImageDraw, ImageFont

_PLATE_COLOR = (17, 19, 24)
_PLATE_ALPHA = 205
_TEXT_COLOR = (255, 255, 255)
_SMOOTHING = 4
_MACHINE_FONT = "DejaVuSans.ttf"
"""Looked for in the machine's font folders: Latin, Greek, Cyrillic, Arabic and more."""


def plate_size(text: str, font_size: int) -> tuple[int, int]:
    """(height, width) of the plate that `draw_plate` draws, in pixels."""
    font, text = _font_and_text(text, font_size)
    padding = _padding(font_size)
    return _line_height(font) + padding, _dot_space(font_size) + _width(font, text) + 2 * padding


def draw_plate(
    picture: Image.Image, corner: tuple[int, int], text: str, font_size: int, color: tuple
) -> None:
    """Draws `text` with its top left corner at (y, x), after a dot of `color`."""
    height, width = plate_size(text, font_size)
    font, text = _font_and_text(text, font_size)
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
    """Draws white `text` centered at (y, x)."""
    font, text = _font_and_text(text, font_size)
    draw = ImageDraw.Draw(picture)
    draw.text(center[::-1], text, fill=_TEXT_COLOR, font=font, anchor="mm")


def _padding(font_size: int) -> int:
    return max(2, round(font_size / 3))


def _dot_space(font_size: int) -> int:
    """Width of the dot and the gap behind it."""
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
    """Opacity of a rounded box: drawn larger and reduced, so that its corners are smooth."""
    mask = Image.new("L", (width * _SMOOTHING, height * _SMOOTHING))
    box = (0, 0, mask.width - 1, mask.height - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius * _SMOOTHING, fill=alpha)
    return mask.reduce(_SMOOTHING)


def _font_and_text(text: str, font_size: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """The font for a text, and the text as that font can write it.

    Pillow's own font writes ASCII alone, and the same on every machine. For other text the machine
    may have a font; if not, letters lose their accents and what remains becomes question marks.
    """
    if text.isascii():
        return _pillow_font(font_size), text
    font = _machine_font(font_size)
    if font is not None:
        return font, text
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _pillow_font(font_size), "".join(letters).encode("ascii", "replace").decode()


@functools.lru_cache
def _pillow_font(font_size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size=font_size)


@functools.lru_cache
def _machine_font(font_size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(_MACHINE_FONT, font_size)
    except OSError:
        return None
