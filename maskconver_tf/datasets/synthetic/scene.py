"""Draws one toy scene: grounds with curved borders, figures on them, and the truth per pixel."""

from __future__ import annotations

import dataclasses

import numpy as np

from maskconver_tf.datasets.synthetic.catalogue import STUFF, THINGS
from maskconver_tf.datasets.synthetic.dice import Dice, sine
from maskconver_tf.datasets.synthetic.layout import MIN_PIXELS, Figure, place_figures
from maskconver_tf.datasets.synthetic.paint import apply_paint, apply_shadow
from maskconver_tf.datasets.synthetic.shapes import sample_outline
from maskconver_tf.datasets.synthetic.textures import smooth_noise, texture


@dataclasses.dataclass(frozen=True)
class Scene:
    """A picture and its truth.

    Attributes:
      image: uint8 `[h, w, 3]`, RGB.
      segment_map: int32 `[h, w]`, i for the i-th of `segments` counted from 1, 0 for void.
      segments: (source category id, whether it is a crowd) of each; each has at least one pixel.
    """

    image: np.ndarray
    segment_map: np.ndarray
    segments: list[tuple[int, bool]]


def draw_scene(dice: Dice) -> Scene:
    """Draws a scene of 208..264 pixels in height and width."""
    height, width = dice.integer(208, 264), dice.integer(208, 264)
    unlabeled = _outer_band(dice, height, width)
    regions = _regions(dice, height, width)
    names = _ground_names(dice, int(regions.max()) + 1)
    image = _paint_grounds(dice, regions, names)
    figures = place_figures(dice, unlabeled.copy())
    _paint_figures(dice, image, figures)

    segment_map, segments = _label_grounds(dice, regions, names)
    segments += _label_figures(segment_map, figures, len(segments))
    segment_map[unlabeled] = 0
    return Scene(_develop(dice, image, unlabeled), *_drop_tiny(segment_map, segments))


def window_of(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that the pixels of a bool `[h, w]` mask span. It must have a pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _outer_band(dice: Dice, height: int, width: int) -> np.ndarray:
    """bool `[height, width]`: an unlabeled frame, which a few of the pictures have."""
    band = np.zeros((height, width), bool)
    if dice.chance(0.06):
        thickness = dice.integer(4, 12)
        band[:] = True
        band[thickness:-thickness, thickness:-thickness] = False
    return band


def _regions(dice: Dice, height: int, width: int) -> np.ndarray:
    """int64 `[height, width]`: number of each pixel's region, from 0 without gaps, 4 at most."""
    count = dice.integer(2, 4)
    draw = _bands if dice.chance(0.6) else _blobs
    labels = draw(dice, height, width, count)
    present = np.bincount(labels.ravel(), minlength=count) > 0
    return (np.cumsum(present) - 1)[labels]


def _bands(dice: Dice, height: int, width: int, count: int) -> np.ndarray:
    """Layers one above the other, like hills."""
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    labels = np.zeros((height, width), np.int64)
    for k in range(1, count):
        level = height * (k + dice.uniform(-0.25, 0.25)) / count
        for period in (dice.uniform(150, 400), dice.uniform(60, 120)):
            swing = period * dice.uniform(0.03, 0.1)
            level = level + sine(x / period + dice.uniform(0, 1)) * swing
        labels += y > level
    return labels


def _blobs(dice: Dice, height: int, width: int, count: int) -> np.ndarray:
    """Patches around random points, with wavy borders."""
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    wander_y = (smooth_noise(dice, height, width, (70.0, 70.0)) - 0.5) * 90.0
    wander_x = (smooth_noise(dice, height, width, (70.0, 70.0)) - 0.5) * 90.0
    distances = []
    for _ in range(count):
        dy = y + wander_y - dice.uniform(0, height)
        dx = x + wander_x - dice.uniform(0, width)
        distances.append(dx * dx + dy * dy)
    return np.argmin(np.stack(distances), axis=0)


def _ground_names(dice: Dice, count: int) -> list[str]:
    """Draws the stuff class of each region. Sometimes one class lies in two places."""
    names = dice.sample(tuple(STUFF), count)
    if "sky" in names:
        names.insert(0, names.pop(names.index("sky")))
    if count > 2 and dice.chance(0.35):
        names[-1] = names[0]
    return names


def _paint_grounds(dice: Dice, regions: np.ndarray, names: list[str]) -> np.ndarray:
    """float64 `[3, h, w]`, 0..255."""
    image = np.zeros((3, *regions.shape))
    for region, name in enumerate(names):
        here = regions == region
        window = window_of(here)
        here = here[window]
        np.copyto(image[:, *window], texture(dice, name, *here.shape), where=here)
    return image


def _paint_figures(dice: Dice, image: np.ndarray, figures: list[Figure]) -> None:
    """Paints from back to front. In some pictures all figures cast a shadow to the same side."""
    shadows = dice.chance(0.35)
    shift_x, shift_y = dice.uniform(-0.18, 0.18), dice.uniform(0.06, 0.2)
    for figure in reversed(figures):
        for outline, patch, paint in figure.parts:
            if shadows:
                x, y = (outline.x + outline.radius * shift_x, outline.y + outline.radius * shift_y)
                shadow = dataclasses.replace(outline, x=x, y=y)
                apply_shadow(image, sample_outline(shadow, *image.shape[1:]))
            apply_paint(image, patch, paint)


def _label_grounds(
    dice: Dice, regions: np.ndarray, names: list[str]
) -> tuple[np.ndarray, list[tuple[int, bool]]]:
    """Segment map and segments of the grounds: one segment per class, sometimes void in between."""
    present = sorted(set(names), key=names.index)
    lookup = np.array([present.index(name) + 1 for name in names], np.int32)
    segment_map = lookup[regions]
    if dice.chance(0.35):
        segment_map[_near_border(segment_map, dice.integer(1, 3))] = 0
    return segment_map, [(STUFF[name], False) for name in present]


def _near_border(segment_map: np.ndarray, width: int) -> np.ndarray:
    """bool `[h, w]`: pixels with another segment within `width` pixels below or to the right."""
    near = np.zeros(segment_map.shape, bool)
    for step in range(1, width + 1):
        near[:-step] |= segment_map[:-step] != segment_map[step:]
        near[:, :-step] |= segment_map[:, :-step] != segment_map[:, step:]
    return near


def _label_figures(
    segment_map: np.ndarray, figures: list[Figure], count: int
) -> list[tuple[int, bool]]:
    """Writes the figures into `segment_map` in place, numbered from `count + 1`."""
    for i in reversed(range(len(figures))):
        figure = figures[i]
        segment_map[figure.cover(*segment_map.shape, figure.rim)] = 0
        segment_map[figure.cover(*segment_map.shape)] = count + 1 + i
    return [(THINGS[figure.shape], figure.is_crowd) for figure in figures]


def _develop(dice: Dice, image: np.ndarray, unlabeled: np.ndarray) -> np.ndarray:
    """Paints the frame, adds camera noise, and rounds to 6 bits per channel.

    The noise hides the steps of 4. The files are half as large as with 8 bits.
    """
    image[:, unlabeled] = dice.uniform(20, 235)
    noise = dice.bytes(*image.shape).astype(np.int16) - dice.bytes(*image.shape)
    levels = image / 4.0 + noise * (dice.uniform(2.0, 9.0) / 512.0)
    levels = np.clip(np.floor(levels + 0.5), 0.0, 63.0).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(levels * np.uint8(4), 0, -1))


def _drop_tiny(
    segment_map: np.ndarray, segments: list[tuple[int, bool]]
) -> tuple[np.ndarray, list[tuple[int, bool]]]:
    """Turns segments with too few pixels into void and numbers the others without gaps."""
    areas = np.bincount(segment_map.ravel(), minlength=len(segments) + 1)
    keep = areas >= MIN_PIXELS
    keep[0] = False
    lookup = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return lookup[segment_map], [s for s, kept in zip(segments, keep[1:], strict=True) if kept]
