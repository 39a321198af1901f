"""Chooses a color for each segment: that of its class, and for things a shade of it."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.types import Segment

_SHADES = ((0.0, 0.0), (0.45, 0.03), (0.2, -0.06), (0.6, -0.03), (0.1, 0.07), (0.35, -0.02))
"""Share of white or black, and change of hue (1 is the full circle), of each shade."""


def segment_colors(
    index: np.ndarray, segments: Sequence[Segment], categories: Categories
) -> np.ndarray:
    """Gives stuff the color of its class, and things a shade that no neighbor of their class has.

    Args:
      index: integers `[h, w]`, i for the i-th segment counted from 1, 0 for void.

    Returns:
      uint8 `[n + 1, 3]`: the color of each value of `index`, black for void.
    """
    colors = np.zeros((len(segments) + 1, 3), np.uint8)
    near = _neighbors(index, len(segments))
    shades: dict[int, dict[int, int]] = {}  # Class -> position in the list -> shade.
    for position, segment in enumerate(segments, start=1):
        color = categories.colors[segment.class_id]
        if categories[segment.class_id].isthing:
            given = shades.setdefault(segment.class_id, {})
            given[position] = _free_shade(given, near[position])
            color = _shaded(color, given[position])
        colors[position] = color
    return colors


def _free_shade(given: dict[int, int], is_near: np.ndarray) -> int:
    """Finds the next shade that no neighbor of the class has; the next one if they have all."""
    turn = [(len(given) + i) % len(_SHADES) for i in range(len(_SHADES))]
    taken = {shade for position, shade in given.items() if is_near[position]}
    return next((shade for shade in turn if shade not in taken), turn[0])


def _shaded(color: np.ndarray, shade: int) -> np.ndarray:
    """Makes a dark color lighter or a light color darker, and changes its hue; float `[3]`."""
    strength, turn = _SHADES[shade]
    hue, saturation, value = colorsys.rgb_to_hsv(*color / 255)
    turned = 255 * np.array(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value))
    target = 255.0 if turned @ (0.3, 0.6, 0.1) < 128 else 0.0
    return turned + (target - turned) * strength


def _neighbors(index: np.ndarray, num_segments: int) -> np.ndarray:
    """Whether two segments are at most a few pixels apart; bool `[n + 1, n + 1]`."""
    near = np.zeros((num_segments + 1, num_segments + 1), np.bool_)
    distance = 1 + min(index.shape) // 60
    for map_ in (index, index.T):
        one, other = map_[distance:], map_[:-distance]
        differ = one != other
        near[one[differ], other[differ]] = True
    return near | near.T
