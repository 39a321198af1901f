"""Draws the true centers of a training input, in the colors of their levels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from maskconver_tf.inference.drawing.label_drawing import draw_label, font_size_for, label_size

_LEVEL_COLORS = ((255, 99, 71), (255, 196, 0), (80, 220, 100), (64, 170, 255), (230, 120, 255))
"""Color of `_FIRST_LEVEL`, of the next level, and so on; after the last color the first again."""
_FIRST_LEVEL = 2
_BRIGHTNESS = 0.6


def draw_centers(
    image: np.ndarray, levels: np.ndarray, indices: np.ndarray, radii: np.ndarray
) -> np.ndarray:
    """Fills the cell of each center and outlines its Gaussian, in the color of its level.

    Args:
      image: uint8 `[h, w, 3]`.
      levels: int `[K]`, negative for an empty slot.
      indices: int `[K, 2]`, (y, x) of the center's cell on its level.
      radii: int `[K]`, of the Gaussian, in cells.

    Returns:
      uint8 `[h, w, 3]`; a legend in the corner gives the number of centers on each level.
    """
    canvas = Image.fromarray((image * _BRIGHTNESS).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    line = max(1, min(image.shape[:2]) // 320)
    used = levels >= 0
    for level, (y, x), radius in zip(levels[used], indices[used], radii[used], strict=True):
        stride, color = 2 ** int(level), _color(int(level))
        cell = np.array([x, y, x + 1, y + 1]) * stride
        reach = np.array([-1, -1, 1, 1]) * int(radius) * stride
        draw.rectangle((cell + reach - [0, 0, 1, 1]).tolist(), outline=color, width=line)
        draw.rectangle((cell - [0, 0, 1, 1]).tolist(), fill=color)
    _draw_legend(canvas, levels[used])
    return np.array(canvas)


def _draw_legend(canvas: Image.Image, levels: np.ndarray) -> None:
    font_size = font_size_for(canvas.height, canvas.width)
    top = font_size // 2
    for level, count in zip(*np.unique(levels, return_counts=True), strict=True):
        text = f"level {level}: {count}"
        draw_label(canvas, (top, font_size // 2), text, font_size, _color(int(level)))
        top += label_size(text, font_size)[0] + 2


def _color(level: int) -> tuple[int, int, int]:
    return _LEVEL_COLORS[(level - _FIRST_LEVEL) % len(_LEVEL_COLORS)]
