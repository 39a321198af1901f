"""Draws one crowd: many small look-alikes that touch, as under a microscope or on a conveyor belt.

There is one class of things and one class of stuff. The color does not separate the things: they
lie close together, some are dim, and the picture is blurred. Two looks occur: bright things on a
dark ground, and dark things on a pale ground with texture.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from maskconver_tf.datasets.synthetic.dice import Dice, direction
from maskconver_tf.datasets.synthetic.scene import Scene
from maskconver_tf.datasets.synthetic.shapes import Outline, Patch, sample_outline
from maskconver_tf.datasets.synthetic.textures import smooth_noise

CELL, GROUND = 4, 11
"""Source category ids."""

MIN_PIXELS = 20
"""A thing with fewer visible pixels is not drawn, because it shows nothing."""

_TRIES = 8
_LEAST_VISIBLE = 0.75
"""Share of a thing that must be visible."""


def crowd_categories() -> list[dict]:
    """Makes the `categories` list of a COCO panoptic file."""
    return [
        {"id": CELL, "name": "cell", "isthing": 1, "supercategory": "crowd"},
        {"id": GROUND, "name": "background", "isthing": 0, "supercategory": "ground"},
    ]


@dataclasses.dataclass(frozen=True)
class _Thing:
    """A thing: its outline, the pixels around it, and its contrast to the ground, 0..1."""

    outline: Outline
    patch: Patch
    strength: float


def draw_crowd(dice: Dice) -> Scene:
    """Draws a crowd of 224..264 pixels in height and width, with up to 150 things."""
    height, width = dice.integer(224, 264), dice.integer(224, 264)
    things = _place_things(dice, height, width)
    segment_map = np.zeros((height, width), np.int32)
    for number in reversed(range(len(things))):
        patch = things[number].patch
        segment_map[patch.window][patch.distance <= 0] = number + 1
    segment_map[segment_map == 0] = len(things) + 1
    segments = [(CELL, False)] * len(things) + [(GROUND, False)]
    return Scene(_paint(dice, things, height, width), segment_map, segments)


def _place_things(dice: Dice, height: int, width: int) -> list[_Thing]:
    """Places the things of a picture. Returns them from front to back.

    A thing goes behind those placed before it. So its visible part is known at once.
    """
    wanted = _count(dice)
    size = dice.uniform(5.5, 9.0) if wanted < 90 else dice.uniform(5.0, 7.0)
    elongated = dice.pick((0.0, 0.5, 1.0))  # The share of elongated things in this picture.
    touching = 0.2 if dice.chance(0.15) else 0.85
    taken = np.zeros((height, width), bool)
    things: list[_Thing] = []
    for _ in range(wanted):
        for _ in range(_TRIES):
            neighbor = dice.pick(things) if things and dice.chance(touching) else None
            outline = _outline(dice, size, dice.chance(elongated), neighbor, height, width)
            patch = sample_outline(outline, height, width)
            covered = patch.distance <= 0
            seen = np.count_nonzero(covered & ~taken[patch.window])
            if seen >= max(MIN_PIXELS, _LEAST_VISIBLE * np.count_nonzero(covered)):
                taken[patch.window] |= covered
                things.append(_Thing(outline, patch, _strength(dice)))
                break
    return things


def _count(dice: Dice) -> int:
    """Number of things to place. Some pictures are sparse."""
    if dice.chance(0.15):
        return dice.integer(20, 30)
    return dice.integer(*dice.pick(((30, 60), (60, 100), (100, 150))))


def _outline(
    dice: Dice, size: float, is_elongated: bool, neighbor: _Thing | None, height: int, width: int
) -> Outline:
    """Draws a thing near `neighbor`, or anywhere if there is none."""
    radius, aspect = size * dice.uniform(0.75, 1.25), dice.uniform(0.8, 1.0)
    if is_elongated:
        radius, aspect = radius * dice.uniform(1.4, 1.9), dice.uniform(0.3, 0.5)
    turns = dice.uniform(0, 1)
    if neighbor is None:
        x, y = dice.uniform(2, width - 2), dice.uniform(2, height - 2)
    else:
        angle = dice.uniform(0, 1)
        own = Outline("ball", 0.0, 0.0, radius, turns, aspect)
        reach = (_reach(neighbor.outline, angle) + _reach(own, angle)) * dice.uniform(0.88, 1.02)
        cos, sin = direction(angle)
        x, y = neighbor.outline.x + cos * reach, neighbor.outline.y + sin * reach
    x, y = min(max(x, 2.0), width - 2.0), min(max(y, 2.0), height - 2.0)
    return Outline("ball", x, y, radius, turns, aspect)


def _reach(outline: Outline, angle: float) -> float:
    """Distance from an ellipse's center to its edge in the direction `angle`, in pixels."""
    along, across = direction(angle - outline.turns)
    u, v = along, across / outline.aspect
    return outline.radius / float(np.sqrt(u * u + v * v))


def _strength(dice: Dice) -> float:
    return dice.uniform(0.35, 0.5) if dice.chance(0.25) else dice.uniform(0.6, 1.0)


def _paint(dice: Dice, things: list[_Thing], height: int, width: int) -> np.ndarray:
    """Paints the ground and the things in one of the two looks, blurs, and adds noise."""
    make_ground = dice.pick((_dark_ground, _pale_ground))
    ground, contrast = make_ground(dice, height, width)
    grain = smooth_noise(dice, height, width, (2.5, 2.5)) - 0.5
    gray = ground.copy()
    for thing in reversed(things):
        color = ground[thing.patch.window] + contrast * _profile(thing, grain)
        cover = np.clip(0.5 - thing.patch.distance, 0.0, 1.0)
        gray[thing.patch.window] += (color - gray[thing.patch.window]) * cover
    for _ in range(dice.integer(1, 3)):
        gray = _blur(gray)
    noise = dice.units(height, width) - dice.units(height, width)
    gray = gray + noise * dice.uniform(0.01, 0.05)
    tint = [dice.uniform(0.75, 1.0) for _ in range(3)]
    image = np.stack([np.clip(gray * 255.0 * t, 0.0, 255.0) for t in tint], axis=-1)
    return np.floor(image + 0.5).astype(np.uint8)


def _dark_ground(dice: Dice, height: int, width: int) -> tuple[np.ndarray, float]:
    """A dark ground with a soft glow; things are brighter by up to the returned contrast."""
    glow = smooth_noise(dice, height, width, (90.0, 90.0)) * dice.uniform(0.05, 0.25)
    return dice.uniform(0.03, 0.1) + glow, dice.uniform(0.45, 0.65)


def _pale_ground(dice: Dice, height: int, width: int) -> tuple[np.ndarray, float]:
    """A pale ground with texture; things are darker (the returned contrast is negative)."""
    texture = smooth_noise(dice, height, width, (7.0, 7.0)) * 0.6
    texture = texture + smooth_noise(dice, height, width, (30.0, 40.0)) * 0.4
    depth = dice.uniform(0.15, 0.35)
    return dice.uniform(0.95, 1.0) - texture * depth, -dice.uniform(0.4, 0.6)


def _profile(thing: _Thing, grain: np.ndarray) -> np.ndarray:
    """Contrast of a thing's pixels: strongest in its middle, weaker near its edge."""
    u, v = thing.patch.u, thing.patch.v
    squared = np.minimum(u * u + v * v, 1.0)
    return thing.strength * (1.0 - 0.55 * squared + 0.25 * grain[thing.patch.window])


def _blur(image: np.ndarray) -> np.ndarray:
    """Blurs `[h, w]` with the kernel (1, 2, 1) / 4 along both axes; the borders repeat."""
    rows = np.concatenate([image[:1], image, image[-1:]])
    image = (rows[:-2] + rows[1:-1] * 2.0 + rows[2:]) / 4.0
    columns = np.concatenate([image[:, :1], image, image[:, -1:]], axis=1)
    return (columns[:, :-2] + columns[:, 1:-1] * 2.0 + columns[:, 2:]) / 4.0
