"""Paints stuff classes as textures: pale, so that things stand out, sometimes of any color."""

from __future__ import annotations

import numpy as np

from maskconver_tf.datasets.synthetic.dice import Dice, sine
from maskconver_tf.datasets.synthetic.paint import rgb

_HUES = {"sky": 0.58, "grass": 0.28, "brick": 0.03, "water": 0.46, "sand": 0.12, "tiles": 0.8}
_TYPICAL_HUE = 0.9


def texture(dice: Dice, name: str, height: int, width: int) -> np.ndarray:
    """Draws the texture of stuff class `name`, float64 `[3, height, width]`, 0..255."""
    y, x = np.arange(height, dtype=np.float64)[:, None], np.arange(width, dtype=np.float64)[None, :]
    lightness = np.clip(_TEXTURES[name](dice, y, x), 0.0, 1.0)
    dark, light = _color_pair(dice, name)
    return np.stack([d + (b - d) * lightness for d, b in zip(dark, light, strict=True)])


def smooth_noise(dice: Dice, height: int, width: int, cell: tuple[float, float]) -> np.ndarray:
    """float64 `[height, width]` in 0..1: random values every `cell` pixels, blended smoothly."""
    rows, row_blend = _knots(height, cell[0])
    columns, column_blend = _knots(width, cell[1])
    knots = dice.units(int(rows[-1]) + 2, int(columns[-1]) + 2)
    lines = knots[rows] + (knots[rows + 1] - knots[rows]) * row_blend[:, None]
    left = lines[:, columns]
    return left + (lines[:, columns + 1] - left) * column_blend[None, :]


def _knots(size: int, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the knot before it, and its eased distance (0..1) to the next knot."""
    position = np.arange(size) / cell
    knot = np.floor(position)
    offset = position - knot
    return knot.astype(np.int64), offset * offset * (3.0 - offset * 2.0)


def _color_pair(dice: Dice, name: str) -> tuple[tuple, tuple]:
    hue = _HUES[name] + dice.uniform(-0.08, 0.08)
    if not dice.chance(_TYPICAL_HUE):
        hue = dice.uniform(0, 1)
    saturation, value = dice.uniform(0.12, 0.38), dice.uniform(0.65, 0.95)
    dark = rgb(hue + dice.uniform(-0.04, 0.04), saturation + 0.12, value * 0.62)
    return dark, rgb(hue, saturation, value)


def _sky(dice: Dice, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Paler toward the ground, with a few soft clouds."""
    height, width = y.size, x.size
    clouds = smooth_noise(dice, height, width, (26.0, 52.0))
    clouds = clouds * 0.7 + smooth_noise(dice, height, width, (11.0, 20.0)) * 0.3
    return 0.25 + y / height * 0.5 + np.clip((clouds - 0.55) * 4.0, 0.0, 0.6)


def _grass(dice: Dice, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Upright blades."""
    size = dice.uniform(0.9, 1.3)
    blades = smooth_noise(dice, y.size, x.size, (13.0 * size, 2.4 * size))
    return (blades - 0.5) * 2.2 + 0.5


def _brick(dice: Dice, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Bricks with light joints, shifted by half from row to row; each has its own lightness."""
    tall = dice.uniform(10.0, 16.0)
    row = np.floor(y / tall)
    column = x / (tall * 2.1) + (row % 2.0) * 0.5
    along, across = (column - np.floor(column)) * tall * 2.1, y - row * tall
    joint = (along < 2.2) | (across < 2.2)
    tones = dice.units(64, 64)
    tone = tones[row.astype(np.int64) % 64, np.floor(column).astype(np.int64) % 64]
    return np.where(joint, 1.0, 0.12 + 0.38 * tone)


def _water(dice: Dice, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Horizontal ripples that bend a little."""
    period = dice.uniform(8.0, 14.0)
    bend = smooth_noise(dice, y.size, x.size, (18.0, 30.0)) * 1.1
    swell = sine(x / dice.uniform(50.0, 90.0)) * 0.25
    return sine(y / period + bend + swell) * 0.42 + 0.5


def _sand(dice: Dice, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Coarse grains without a direction."""
    grain = dice.uniform(2.4, 3.4)
    grains = smooth_noise(dice, y.size, x.size, (grain, grain))
    return 0.7 + np.where(grains > 0.68, 0.3, 0.0) - np.where(grains < 0.32, 0.55, 0.0)


def _tiles(dice: Dice, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A slanted chessboard."""
    size = dice.uniform(11.0, 18.0)
    slant = dice.pick((0.0, 0.5, 1.0))
    column, row = np.floor((x + y * slant) / size), np.floor((y - x * slant) / size)
    return 0.15 + 0.7 * ((column + row) % 2.0)


_TEXTURES = {
    "sky": _sky,
    "grass": _grass,
    "brick": _brick,
    "water": _water,
    "sand": _sand,
    "tiles": _tiles,
}
