"""White text on dark rounded plates, in any language the machine has letters for."""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_PLATE_COLOR = (17, 19, 24)
_PLATE_ALPHA = 205
_TEXT_COLOR = (255, 255, 255)
_SMOOTHING = 4
_FONT_FOLDERS = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    *("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "C:/Windows/Fonts",
)
_FIRST_FONT = "DejaVuSans.ttf"
"""Asked before all others: Latin, Greek, Cyrillic, Arabic and more."""
_PROBE_SIZE = 16
_NO_CHARACTER = "\uffff"
"""No font has it: what is drawn for it is a font's box."""


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


def can_write(text: str) -> bool:
    """Whether `text` can be drawn so that it can be read: with its letters, or without accents."""
    return _font_file(text) is not None or "?" not in _plain(text.replace("?", ""))


def _font_and_text(text: str, font_size: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """The font for a text, and the text as that font can write it.

    Pillow's own font writes ASCII alone, and the same on every machine. For other text the machine
    may have a font; if not, letters lose their accents and what remains becomes question marks.
    """
    if text.isascii():
        return _font(None, font_size), text
    file = _font_file(text)
    return _font(file, font_size), _plain(text) if file is None else text


def _plain(text: str) -> str:
    """ASCII: letters without accents, question marks for others."""
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(letters).encode("ascii", "replace").decode()


def _font_file(text: str) -> str | None:
    """The machine's first font that has every character of a text."""
    files = (file for file in _font_files() if all(_has_glyph(file, c) for c in text))
    return next(files, None)


@functools.cache
def _font_files() -> list[str]:
    """The machine's fonts, plain upright ones first."""
    folders = [Path(folder).expanduser() for folder in _FONT_FOLDERS]
    files = {file for folder in folders for file in folder.rglob("*.[tToO][tT][fFcC]")}
    style = re.compile("bold|italic|oblique|light|thin|black|mono|serif|condensed", re.IGNORECASE)
    order = sorted(files, key=lambda f: (f.name != _FIRST_FONT, bool(style.search(f.name)), f.name))
    return [str(file) for file in order]


@functools.cache
def _has_glyph(file: str, character: str) -> bool:
    """Whether a font draws a character, and not the box that stands for a missing one."""
    if unicodedata.category(character) in ("Cc", "Cs"):
        return False
    try:
        font = _font(file, _PROBE_SIZE)
        glyphs = [font.getmask(c) for c in (character, _NO_CHARACTER)]
    except OSError:  # No font, or one of fixed size.
        return False
    glyph, box = [(mask.size, bytes(mask)) for mask in glyphs]
    return character.isspace() or glyph != box


@functools.lru_cache
def _font(file: str | None, font_size: int) -> ImageFont.FreeTypeFont:
    """A font of the machine, or Pillow's own."""
    if file is None:
        return ImageFont.load_default(size=font_size)
    return ImageFont.truetype(file, font_size)
