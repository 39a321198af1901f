"""Places the things of a picture so that each listed thing can be seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from maskconver_tf.datasets.synthetic.catalogue import THINGS
from maskconver_tf.datasets.synthetic.dice import Dice, direction
from maskconver_tf.datasets.synthetic.paint import Paint, random_paint
from maskconver_tf.datasets.synthetic.shapes import Outline, Patch, sample_outline

MIN_PIXELS = 30
"""A segment with fewer visible pixels becomes void, because it shows nothing."""

_TRIES = 4
_SIZES = ((8, 18), (18, 30), (30, 44), (44, 62), (62, 86), (86, 120), (120, 200))
_SIZE_WEIGHTS = (1, 1, 2, 5, 8, 7, 4)
_SIZE_BINS = [size for size, n in zip(_SIZES, _SIZE_WEIGHTS, strict=True) for _ in range(n)]
_PAIRS = (("ring", "ball"),) * 4 + (
    ("frame", "star"),
    ("ring", "star"),
    ("frame", "ball"),
    ("ring", "box"),
    ("frame", "triangle"),
    ("ring", "cross"),
)


@dataclasses.dataclass(frozen=True)
class Figure:
    """One thing, or a crowd of one class. It becomes a single segment.

    Attributes:
      shape: the thing class.
      parts: outline, patch and paint of each member; only a crowd has more than one member.
      is_crowd: whether it is a cluster that nobody separated.
      rim: width in pixels of the void line around the figure, 0 for none.
    """

    shape: str
    parts: tuple[tuple[Outline, Patch, Paint], ...]
    is_crowd: bool
    rim: int

    def cover(self, height: int, width: int, margin: float = 0.0) -> np.ndarray:
        """bool `[height, width]`: pixels of the figure and up to `margin` pixels around it."""
        covered = np.zeros((height, width), bool)
        for _, patch, _ in self.parts:
            covered[patch.window] |= patch.distance <= margin
        return covered


MakeFigure = Callable[[int, int], Figure]
"""(height, width) of the picture -> a figure at a new random place."""


def place_figures(dice: Dice, taken: np.ndarray) -> list[Figure]:
    """Places the figures of a picture. Returns them from front to back.

    Only things in front hide a thing. So when things are placed from the front, the visible part of
    each is known at once: at least 30 %, often more, and never less than `MIN_PIXELS`.

    Args:
      dice: source of random numbers.
      taken: bool `[height, width]`, pixels that belong to no new figure. Updated in place.
    """
    if dice.chance(0.03):
        return []
    figures: list[Figure] = []
    if dice.chance(0.32):
        figures += _place_pair(dice, taken)
    small, large = _sizes(dice)
    for size in small:
        figures += _place(dice, taken, _single(dice, size))
    if dice.chance(0.06):
        figures += _place(dice, taken, _crowd(dice))
    for size in large:
        figures += _place(dice, taken, _single(dice, size))
    return figures


def _place(dice: Dice, taken: np.ndarray, make_figure: MakeFigure) -> Iterator[Figure]:
    """Tries a few drafts. Yields the first visible enough and marks its pixels as taken."""
    height, width = taken.shape
    least = dice.pick((0.3, 0.6, 0.8))
    for _ in range(_TRIES):
        figure = make_figure(height, width)
        covered = figure.cover(height, width)
        seen = np.count_nonzero(covered & ~taken)
        if seen >= max(MIN_PIXELS, least * np.count_nonzero(covered)):
            taken |= figure.cover(height, width, figure.rim)
            yield figure
            return


def _sizes(dice: Dice) -> tuple[list[float], list[float]]:
    """Sizes of the things in front of and behind a crowd. Small things are mostly in front."""
    if dice.chance(0.02):
        sizes = [dice.uniform(12, 36) for _ in range(dice.integer(18, 32))]
    else:
        sizes = [dice.uniform(*dice.pick(_SIZE_BINS)) for _ in range(dice.integer(3, 6))]
    sizes = [size for _, size in sorted((size * dice.uniform(0.6, 1.6), size) for size in sizes)]
    half = len(sizes) // 2
    return sizes[:half], sizes[half:]


def _single(dice: Dice, size: float) -> MakeFigure:
    """Makes a thing of about `size` pixels, with its center well inside the picture."""

    def make_figure(height: int, width: int) -> Figure:
        radius = size / 2
        x = dice.uniform(radius * 0.4, width - radius * 0.4)
        y = dice.uniform(radius * 0.4, height - radius * 0.4)
        outline = _random_outline(dice, dice.pick(tuple(THINGS)), x, y, radius)
        return _figure(dice, (outline,), height, width)

    return make_figure


def _place_pair(dice: Dice, taken: np.ndarray) -> list[Figure]:
    """Places a thing in the hole of another, with the same center. Only the class differs there.

    The outer thing is 1.35 to 1.65 times as large, so both centers mostly lie on one pyramid level.
    """
    height, width = taken.shape
    outer_shape, inner_shape = dice.pick(_PAIRS)
    radius = dice.uniform(24, 70)
    x, y = (dice.uniform(radius + 3, size - radius - 3) for size in (width, height))
    outer = _random_outline(dice, outer_shape, x, y, radius)
    outer = dataclasses.replace(outer, hole=dice.uniform(0.62, 0.72))
    # Only the corners of a frame reach its circle.
    room = radius * (0.82 if outer_shape == "frame" else 1.0)
    inner = dataclasses.replace(outer, shape=inner_shape, radius=room / dice.uniform(1.35, 1.65))
    figures = [_figure(dice, (outline,), height, width) for outline in (inner, outer)]
    for figure in figures:
        taken |= figure.cover(height, width, figure.rim)
    return figures


def _crowd(dice: Dice) -> MakeFigure:
    """Makes a dense cluster of one small shape."""

    def make_figure(height: int, width: int) -> Figure:
        shape, radius = dice.pick(tuple(THINGS)), dice.uniform(6, 9)
        spread = dice.uniform(22, 34)
        x, y = dice.uniform(spread, width - spread), dice.uniform(spread, height - spread)
        outlines = []
        for _ in range(dice.integer(18, 36)):
            reach = spread * np.sqrt(dice.uniform(0, 1)).item()
            cos, sin = direction(dice.uniform(0, 1))
            place = (x + cos * reach * 1.2, y + sin * reach * 0.8)
            outlines.append(_random_outline(dice, shape, *place, radius * dice.uniform(0.8, 1.2)))
        return _figure(dice, tuple(outlines), height, width)

    return make_figure


def _random_outline(dice: Dice, shape: str, x: float, y: float, radius: float) -> Outline:
    turns, aspect = dice.uniform(0, 1), dice.uniform(0.82, 1.0)
    return Outline(shape, x, y, radius, turns, aspect, hole=dice.uniform(0.5, 0.68))


def _figure(dice: Dice, outlines: tuple[Outline, ...], height: int, width: int) -> Figure:
    shape = outlines[0].shape
    parts = tuple(
        (o, sample_outline(o, height, width), random_paint(dice, shape)) for o in outlines
    )
    rim = dice.integer(1, 3) if dice.chance(0.2) else 0
    return Figure(shape, parts, is_crowd=len(parts) > 1, rim=rim)
