"""Joins pictures to rows with titles, and rows to a sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.inference.drawing.label_drawing import draw_text, font_size_for

_BAR_COLOR = (17, 19, 24)


def join_side_by_side(images: Sequence[np.ndarray], titles: Sequence[str]) -> np.ndarray:
    """Joins pictures to a row with a title above each: image | truth | prediction.

    Args:
      images: uint8 `[h, w, 3]` each; all are scaled to the height of the first.
      titles: one for each picture.

    Returns:
      uint8 `[H, W, 3]`.

    Raises:
      UserError: there is no picture, or there are more or fewer titles than pictures.
    """
    if len(images) == 0 or len(images) != len(titles):
        raise UserError(f"{len(images)} images have {len(titles)} titles; give each image one")
    height = images[0].shape[0]
    scaled = [_scaled(image, height) for image in images]
    font_size = min(font_size_for(*image.shape[:2]) for image in scaled)
    gap = np.full((height + _bar_height(font_size), max(2, height // 100), 3), _BAR_COLOR, np.uint8)
    row = []
    for image, title in zip(scaled, titles, strict=True):
        row += [gap, _titled(image, title, font_size)]
    return np.concatenate(row[1:], axis=1)


def stack_rows(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks pictures of any width, uint8 `[h, w, 3]`, and centers each horizontally."""
    width = max(row.shape[1] for row in rows)
    sheet = [_centered(row, width) for row in rows]
    return np.concatenate(sheet, axis=0)


def _scaled(image: np.ndarray, height: int) -> np.ndarray:
    if image.shape[0] == height:
        return image
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def _titled(image: np.ndarray, title: str, font_size: int) -> np.ndarray:
    bar = Image.new("RGB", (image.shape[1], _bar_height(font_size)), _BAR_COLOR)
    draw_text(bar, (bar.height / 2, bar.width / 2), title, font_size)
    return np.concatenate([np.array(bar), image], axis=0)


def _bar_height(font_size: int) -> int:
    return 2 * font_size


def _centered(image: np.ndarray, width: int) -> np.ndarray:
    left = (width - image.shape[1]) // 2
    sheet = np.full((image.shape[0], width, 3), _BAR_COLOR, np.uint8)
    sheet[:, left : left + image.shape[1]] = image
    return sheet
