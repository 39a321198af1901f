"""The bounds between center levels, from the distribution of the segments' sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_LEAST_CELLS, _MOST_CELLS = 3.5, 7.0
"""Half box diagonals, in cells of a level, between which its bound lies.

Below, two things that touch have centers in neighboring cells; above, most of the level is empty.
The bounds of the demo (4.5 cells), of crowds (4) and of CamVid (5) lie between.
"""

_SHARES = {3: (0.5, 0.8), 4: (0.4, 0.7, 0.9)}
"""Number of levels -> share of the segments at or below each bound."""


def level_bounds(half_diagonals: np.ndarray, center_levels: Sequence[int]) -> tuple[int, ...]:
    """Returns the largest half box diagonal of each level but the last, in input pixels.

    Each bound is the quantile of `_SHARES`, moved into the range of `_LEAST_CELLS` to `_MOST_CELLS`
    cells of its level. Levels double, so the bounds ascend.

    Args:
      half_diagonals: of all segments, in input pixels; `[s]`, may be empty.
      center_levels: levels, finest first.
    """
    bounds = []
    for level, share in zip(center_levels[:-1], _SHARES[len(center_levels)], strict=True):
        low, high = _LEAST_CELLS * 2**level, _MOST_CELLS * 2**level
        found = float(np.quantile(half_diagonals, share)) if len(half_diagonals) else low
        bounds.append(round(min(max(found, low), high)))
    return tuple(bounds)


def level_shares(half_diagonals: np.ndarray, bounds: Sequence[float]) -> list[float]:
    """Returns the share of the segments on each level; they add up to 1."""
    levels = np.searchsorted(np.array(bounds), half_diagonals, side="left")
    counts = np.bincount(levels, minlength=len(bounds) + 1)
    return (counts / max(1, counts.sum())).tolist()
