"""Thing classes as signed distances. Only the shape makes the class."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from maskconver_tf.datasets.synthetic.dice import direction

# Each shape below fits the unit circle: (x, y, hole) -> signed distance, negative inside. Ring and
# frame have a hole; `hole` is its size relative to the outside.


def _ball(x: np.ndarray, y: np.ndarray, hole: float) -> np.ndarray:
    return np.sqrt(x * x + y * y) - 1.0


def _ring(x: np.ndarray, y: np.ndarray, hole: float) -> np.ndarray:
    radius = np.sqrt(x * x + y * y)
    return np.maximum(radius - 1.0, hole - radius)


def _box(x: np.ndarray, y: np.ndarray, hole: float) -> np.ndarray:
    return np.maximum(np.abs(x), np.abs(y)) - 0.74


def _frame(x: np.ndarray, y: np.ndarray, hole: float) -> np.ndarray:
    reach = np.maximum(np.abs(x), np.abs(y))
    return np.maximum(reach - 0.76, hole * 0.76 - reach)


def _triangle(x: np.ndarray, y: np.ndarray, hole: float) -> np.ndarray:
    return np.maximum(y, np.abs(x) * 0.8660254 - y * 0.5) - 0.5


def _star(x: np.ndarray, y: np.ndarray, hole: float) -> np.ndarray:
    """Folds the plane onto half a spike (0..36 degrees from the tip) and measures to its edge."""
    x, y = _fold(np.abs(x), -y, 72)
    x, y = _fold(np.abs(x), y, 36)
    inner_x, inner_y = 0.46 * _sin(36), 0.46 * _cos(36)
    length = math.sqrt(inner_x * inner_x + (1 - inner_y) * (1 - inner_y))
    return (x * (1 - inner_y) + (y - 1.0) * inner_x) / length


def _cross(x: np.ndarray, y: np.ndarray, hole: float) -> np.ndarray:
    x, y = np.abs(x), np.abs(y)
    return np.maximum(np.maximum(x, y) - 0.94, np.minimum(x, y) - 0.31)


def _fold(x: np.ndarray, y: np.ndarray, degrees: int) -> tuple[np.ndarray, np.ndarray]:
    """Mirrors points beyond the line at `degrees` from the y axis onto the near side."""
    beyond = np.maximum(x * _cos(degrees) - y * _sin(degrees), 0.0) * 2.0
    return x - beyond * _cos(degrees), y + beyond * _sin(degrees)


def _cos(degrees: int) -> float:
    return {36: 0.80901699, 72: 0.30901699}[degrees]


def _sin(degrees: int) -> float:
    return {36: 0.58778525, 72: 0.95105652}[degrees]


_DISTANCES: dict[str, Callable[[np.ndarray, np.ndarray, float], np.ndarray]] = {
    "ball": _ball,
    "ring": _ring,
    "box": _box,
    "frame": _frame,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
}


@dataclasses.dataclass(frozen=True)
class Outline:
    """A shape and its place in a picture.

    Attributes:
      shape: a thing class.
      x, y: center in pixels.
      radius: radius of the circle around the shape, in pixels.
      turns: rotation, 1 = 360 degrees.
      aspect: height divided by width before rotation, at most 1.
      hole: size of the hole relative to the outside; only for ring and frame.
    """

    shape: str
    x: float
    y: float
    radius: float
    turns: float = 0.0
    aspect: float = 1.0
    hole: float = 0.6


@dataclasses.dataclass(frozen=True)
class Patch:
    """An outline measured on the pixels around it.

    Attributes:
      window: rows and columns of the picture, `(slice, slice)`.
      u, v: `[h, w]`, coordinates in the shape's own frame, -1..1 within its circle.
      distance: `[h, w]`, distance to the shape's edge in pixels, negative inside.
    """

    window: tuple[slice, slice]
    u: np.ndarray
    v: np.ndarray
    distance: np.ndarray


def sample_outline(outline: Outline, height: int, width: int, margin: float = 4.0) -> Patch:
    """Samples `outline` at pixel centers, up to `margin` pixels beyond its circle."""
    reach = outline.radius + margin
    rows, columns = _span(outline.y, reach, height), _span(outline.x, reach, width)
    dy = (np.arange(rows.start, rows.stop) + (0.5 - outline.y))[:, None]
    dx = (np.arange(columns.start, columns.stop) + (0.5 - outline.x))[None, :]
    cos, sin = direction(outline.turns)
    u = (dx * cos + dy * sin) / outline.radius
    v = (dy * cos - dx * sin) / (outline.radius * outline.aspect)
    distance = _DISTANCES[outline.shape](u, v, outline.hole) * outline.radius
    return Patch((rows, columns), u, v, distance)


def _span(center: float, reach: float, size: int) -> slice:
    start = min(max(math.floor(center - reach), 0), size)
    return slice(start, max(min(math.ceil(center + reach), size), start))
