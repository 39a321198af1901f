"""Traces the outlines of segments as polygons along the edges of pixels.

The polygons are exact: a pixel belongs to a segment if and only if its middle lies in a polygon and
in none of the polygon's holes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskconver_tf.inference.connected_parts import connected_parts

_STEPS = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
"""(y, x) of one step east, south, west, north. A step has its segment on the right."""

Ring = list[tuple[int, int]]
"""Corners (x, y) in pixels from the picture's top left corner, y down; the last is not repeated."""


class Polygon(NamedTuple):
    """One part of a segment. No ring crosses or touches itself; holes may touch in a corner.

    Attributes:
      outer: clockwise on the screen.
      holes: counterclockwise on the screen.
    """

    outer: Ring
    holes: tuple[Ring, ...]


def trace_outlines(panoptic_map: np.ndarray) -> dict[int, list[Polygon]]:
    """Returns the polygons of each segment, one for each part that hangs together over sides.

    Args:
      panoptic_map: integers `[h, w]`, 0 for void.
    """
    parts, values = connected_parts(panoptic_map)
    outer: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for part, ring in _rings(parts):
        if _double_area(ring) > 0:
            outer[part] = ring
        else:
            holes.setdefault(part, []).append(ring)
    found: dict[int, list[Polygon]] = {}
    for part, value in enumerate(values.tolist(), start=1):
        found.setdefault(value, []).append(Polygon(outer[part], tuple(holes.get(part, ()))))
    return found


def _rings(parts: np.ndarray) -> list[tuple[int, Ring]]:
    """Returns part and corners of each closed line of edges."""
    part_of, start, direction = _edges(parts)
    if not len(start):
        return []
    following = _following(part_of, start, direction, parts.shape[1] + 1)
    before = np.empty_like(following)
    before[following] = np.arange(len(following))
    is_corner = direction != direction[before]
    x, y = start % (parts.shape[1] + 1), start // (parts.shape[1] + 1)
    return _walk(following, is_corner, part_of, np.stack([x, y], axis=1))


def _edges(parts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns part, start (the number of a grid point) and direction of each edge of a part."""
    width = parts.shape[1]
    padded = np.pad(parts, 1)
    middle = padded[1:-1, 1:-1]
    beside = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    corners = ((0, 0), (0, 1), (1, 1), (1, 0))
    found = []
    for direction, (other, (down, right)) in enumerate(zip(beside, corners, strict=True)):
        y, x = np.nonzero((middle != 0) & (middle != other))
        points = (y + down) * (width + 1) + x + right
        found.append((middle[y, x].astype(np.int64), points, np.full(len(y), direction)))
    part_of, start, direction = (np.concatenate(column) for column in zip(*found, strict=True))
    return part_of, start, direction


def _following(
    part_of: np.ndarray, start: np.ndarray, direction: np.ndarray, points_in_row: int
) -> np.ndarray:
    """Returns the edge that follows each edge. Where two could, the left one does.

    Two can where a part touches itself in a corner. The left one makes a hole of what the part
    encloses there, so that no ring touches itself.
    """
    num_points = int(start.max()) + points_in_row + 2
    key = part_of * num_points + start
    order = np.argsort(key, kind="stable")
    key = key[order]
    steps = _STEPS[direction]
    end = start + steps[:, 0] * points_in_row + steps[:, 1]
    first = np.searchsorted(key, part_of * num_points + end)
    second = np.minimum(first + 1, len(key) - 1)
    has_two = (second > first) & (key[second] == key[first])
    left = (direction - 1) % 4
    take_second = has_two & (direction[order[second]] == left)
    return order[np.where(take_second, second, first)]


def _walk(
    following: np.ndarray, is_corner: np.ndarray, part_of: np.ndarray, points: np.ndarray
) -> list[tuple[int, Ring]]:
    after, corner = following.tolist(), is_corner.tolist()
    seen = [False] * len(after)
    rings = []
    for first in np.flatnonzero(is_corner).tolist():
        if seen[first]:
            continue
        at, members = first, []
        while not seen[at]:
            seen[at] = True
            if corner[at]:
                members.append(at)
            at = after[at]
        rings.append((int(part_of[first]), [tuple(point) for point in points[members].tolist()]))
    return rings


def _double_area(ring: Ring) -> int:
    """Twice the area that a ring encloses, negative for a hole."""
    following = ring[1:] + ring[:1]
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in zip(ring, following))
