"""Chooses a color for each segment: that of its class, and for things a shade of it."""

from __future__ import annotations

import colorsys
import functools
from collections.abc import Sequence

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.palette import lab_colors
from maskconver_tf.types import Segment

_SHADES = (
    *((0.0, 0.0), (0.55, 0.04), (-0.45, 0.0), (0.25, -0.08), (-0.2, 0.09), (0.7, -0.04)),
    *((-0.6, 0.05), (0.4, 0.1), (-0.3, -0.1), (0.15, 0.13)),
)
"""Share of white (above 0) or black (below 0), and change of hue (1 is the full circle)."""

_APART = 30
"""Two colors at this distance in CIE L*a*b* differ at a glance."""


def segment_colors(
    index: np.ndarray, segments: Sequence[Segment], categories: Categories
) -> np.ndarray:
    """Gives stuff the color of its class, and things a shade of it that differs from neighbors.

    Args:
      index: integers `[h, w]`, i for the i-th segment counted from 1, 0 for void.

    Returns:
      uint8 `[n + 1, 3]`: the color of each value of `index`, black for void.
    """
    colors = np.zeros((len(segments) + 1, 3), np.uint8)
    labs = np.full((len(segments) + 1, 3), np.inf)
    near = _neighbors(index, len(segments))
    counts: dict[int, int] = {}
    # Stuff first: its color is fixed, and things choose theirs after it.
    order = sorted(
        range(1, len(segments) + 1), key=lambda i: categories[segments[i - 1].class_id].isthing
    )
    for position in order:
        class_id = segments[position - 1].class_id
        shades, shade_labs = _shades_of(*categories.colors[class_id].tolist())
        if categories[class_id].isthing:
            count = counts[class_id] = counts.get(class_id, -1) + 1
            shade = _free_shade(shade_labs, labs[near[position]], count)
        else:
            shade = 0
        colors[position], labs[position] = shades[shade], shade_labs[shade]
    return colors


def _free_shade(shades: np.ndarray, neighbors: np.ndarray, count: int) -> int:
    """Finds the next shade that differs from all neighbors at a glance, or the most different.

    Args:
      shades: L*a*b* `[S, 3]`.
      neighbors: L*a*b* `[n, 3]`, infinite for those without a color.
      count: number of earlier segments of the class.
    """
    turn = (count + np.arange(len(shades))) % len(shades)
    known = neighbors[np.isfinite(neighbors[:, 0])]
    if not len(known):
        return int(turn[0])
    distance = np.linalg.norm(shades[turn, None] - known, axis=-1).min(axis=1)
    good = np.flatnonzero(distance >= _APART)
    return int(turn[good[0]] if len(good) else turn[distance.argmax()])


@functools.cache
def _shades_of(red: int, green: int, blue: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the shades of a color, uint8 `[S, 3]`, and the same in L*a*b*, `[S, 3]`."""
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    shades = []
    for strength, turn in _SHADES:
        turned = 255 * np.array(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value))
        target = 255.0 if strength > 0 else 0.0
        shades.append(turned + (target - turned) * abs(strength))
    shades = np.array(shades).round().astype(np.uint8)
    return shades, lab_colors(shades) / 100


def _neighbors(index: np.ndarray, num_segments: int) -> list[np.ndarray]:
    """Returns for each value of `index` those that are at most a few pixels away from it."""
    count = num_segments + 1
    distance = 1 + min(index.shape) // 60
    keys = []
    for map_ in (index, index.T):
        one, other = map_[distance:], map_[:-distance]
        differ = one != other
        one, other = one[differ].astype(np.int64), other[differ].astype(np.int64)
        keys += [np.unique(one * count + other), np.unique(other * count + one)]
    pairs = np.unique(np.concatenate(keys))
    starts = np.searchsorted(pairs, np.arange(1, count) * count)
    return np.split(pairs % count, starts)
