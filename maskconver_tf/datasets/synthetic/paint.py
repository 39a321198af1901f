"""Paints things: a roughly typical hue, light from one side, sometimes a pattern, a dark edge."""

from __future__ import annotations

import dataclasses

import numpy as np

from maskconver_tf.datasets.synthetic.catalogue import THINGS
from maskconver_tf.datasets.synthetic.dice import Dice, direction, sine
from maskconver_tf.datasets.synthetic.shapes import Patch

Color = tuple[float, float, float]
"""Red, green and blue, 0..255."""

_CIRCLE = ("triangle", "ball", "star", "ring", "cross", "frame", "box")
_HUES = {name: _CIRCLE.index(name) / len(_CIRCLE) for name in THINGS}
_HUE_SPREAD = 0.17
"""Largest distance from the class's own hue, in turns.

At any hue two or three classes are possible; they differ in shape. With a smaller spread the color
alone would show the class.
"""


@dataclasses.dataclass(frozen=True)
class Paint:
    """Paint of one thing: two colors, the pattern that mixes them, and the light's direction."""

    color: Color
    second: Color
    pattern: str
    frequency: float
    light: tuple[float, float]
    gloss: float


def rgb(hue: float, saturation: float, value: float) -> Color:
    """Converts hue in turns, saturation and value in 0..1, to red, green and blue in 0..255."""

    def channel(offset: int) -> float:
        k = (offset + hue * 6.0) % 6.0
        return 255.0 * value * (1.0 - saturation * max(0.0, min(k, 4.0 - k, 1.0)))

    return channel(5), channel(3), channel(1)


def random_paint(dice: Dice, name: str) -> Paint:
    """Draws random paint for a thing of class `name`."""
    hue = _HUES[name] + dice.uniform(-_HUE_SPREAD, _HUE_SPREAD)
    saturation, value = dice.uniform(0.5, 0.95), dice.uniform(0.6, 1.0)
    return Paint(
        color=rgb(hue, saturation, value),
        second=rgb(hue + dice.uniform(-0.1, 0.1), saturation * 0.7, value * dice.uniform(0.5, 0.8)),
        pattern=dice.pick(("plain",) * 9 + ("stripes", "dots", "checks")),
        frequency=dice.uniform(1.2, 2.6),
        light=direction(dice.uniform(0.5, 1.0)),
        gloss=dice.uniform(0.0, 0.35),
    )


def apply_paint(image: np.ndarray, patch: Patch, paint: Paint) -> None:
    """Paints `patch` onto float64 `[3, H, W]` `image` in place, with a smooth edge."""
    mix = _PATTERNS[paint.pattern](patch.u * paint.frequency, patch.v * paint.frequency)
    brightness = _light(patch, paint) * _edge(patch)
    cover = np.clip(0.5 - patch.distance, 0.0, 1.0)
    for plane, first, second in zip(image, paint.color, paint.second, strict=True):
        color = np.minimum((first + (second - first) * mix) * brightness, 255.0)
        plane[patch.window] += (color - plane[patch.window]) * cover


def apply_shadow(image: np.ndarray, patch: Patch) -> None:
    """Darkens float64 `[3, H, W]` `image` in place under `patch`, with a soft edge."""
    cover = np.clip(0.5 - patch.distance / 6.0, 0.0, 1.0)
    image[:, *patch.window] *= 1.0 - 0.4 * cover


def _light(patch: Patch, paint: Paint) -> np.ndarray:
    """1 on average, brighter towards the light, with a glossy spot on that side."""
    toward = patch.u * paint.light[0] + patch.v * paint.light[1]
    du, dv = patch.u - 0.4 * paint.light[0], patch.v - 0.4 * paint.light[1]
    spot = np.maximum(1.0 - (du * du + dv * dv) * 4.0, 0.0)
    return 0.95 + 0.22 * toward + paint.gloss * spot


def _edge(patch: Patch) -> np.ndarray:
    """A dark line along the border, thinner on small things."""
    size = min(patch.distance.shape)
    line = min(0.8 + size * 0.012, 2.4)
    return 1.0 - 0.45 * np.clip(patch.distance + line, 0.0, 1.0)


def _plain(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.zeros_like(u)


def _stripes(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (sine(u) > 0.0).astype(np.float64)


def _dots(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    du, dv = u - np.floor(u) - 0.5, v - np.floor(v) - 0.5
    return (du * du + dv * dv < 0.09).astype(np.float64)


def _checks(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (np.floor(u) + np.floor(v)) % 2.0


_PATTERNS = {"plain": _plain, "stripes": _stripes, "dots": _dots, "checks": _checks}
