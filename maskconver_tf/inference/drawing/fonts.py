"""Finds a font for a text: any language that the machine has letters for."""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path

from PIL import ImageFont

_FONT_FOLDERS = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    *("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "C:/Windows/Fonts",
)
_FIRST_FONT = "DejaVuSans.ttf"
"""Tried before all others: it has Latin, Greek, Cyrillic, Arabic and more."""
_PROBE_SIZE = 16
_NO_CHARACTER = "\uffff"
"""No font has this character: each font draws its box for missing characters instead."""


def can_write(text: str) -> bool:
    """Whether a reader can read the drawn `text`: with its own letters, or without accents."""
    return _font_file(text) is not None or "?" not in _plain(text.replace("?", ""))


def font_and_text(text: str, font_size: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """Returns the font for a text, and the text in characters that this font has.

    ASCII text is drawn with Pillow's own font, which is the same on every machine. For other text
    this searches the machine's fonts. If none has all characters, letters lose their accents, and
    all other characters become question marks.
    """
    if text.isascii():
        return _font(None, font_size), text
    file = _font_file(text)
    return _font(file, font_size), _plain(text) if file is None else text


def _plain(text: str) -> str:
    """Returns the text in ASCII: letters without accents, "?" for every other character."""
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(letters).encode("ascii", "replace").decode()


def _font_file(text: str) -> str | None:
    """Finds the first font of the machine that has every character of a text, or None."""
    files = (file for file in _font_files() if all(_has_glyph(file, c) for c in text))
    return next(files, None)


@functools.cache
def _font_files() -> list[str]:
    """Lists the files of the machine's fonts, plain upright ones first."""
    folders = [Path(folder).expanduser() for folder in _FONT_FOLDERS]
    files = {file for folder in folders for file in folder.rglob("*.[tToO][tT][fFcC]")}
    style = re.compile("bold|italic|oblique|light|thin|black|mono|serif|condensed", re.IGNORECASE)
    order = sorted(files, key=lambda f: (f.name != _FIRST_FONT, bool(style.search(f.name)), f.name))
    return [str(file) for file in order]


@functools.cache
def _has_glyph(file: str, character: str) -> bool:
    """Whether a font draws the character itself, not its box for missing characters."""
    if unicodedata.category(character) in ("Cc", "Cs"):
        return False
    try:
        font = _font(file, _PROBE_SIZE)
        glyphs = [font.getmask(c) for c in (character, _NO_CHARACTER)]
    except OSError:  # Not a font, or a font of fixed size.
        return False
    glyph, box = [(mask.size, bytes(mask)) for mask in glyphs]
    return character.isspace() or glyph != box


@functools.lru_cache
def _font(file: str | None, font_size: int) -> ImageFont.FreeTypeFont:
    """Loads the font of a file, or Pillow's own font for None."""
    if file is None:
        return ImageFont.load_default(size=font_size)
    return ImageFont.truetype(file, font_size)
