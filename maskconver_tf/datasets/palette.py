"""Class colors that the eye can tell apart."""

from __future__ import annotations

import functools

import numpy as np


@functools.lru_cache
def palette(num_colors: int) -> np.ndarray:
    """Chooses colors, uint8 `[num_colors, 3]`. Each looks most different from all earlier colors.

    Black, white and gray count as earlier colors: void, outlines and photographs use them.
    """
    levels = np.linspace(0, 255, 11).round().astype(np.uint8)
    candidates = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    candidates = candidates[lab_colors(candidates)[:, 0] >= 2500]  # Darker colors look like void.
    positions = lab_colors(candidates)
    taken = lab_colors(np.array([[0, 0, 0], [255, 255, 255], [128, 128, 128]], np.uint8))
    distances = np.min(_squared_distance(positions[:, None], taken), axis=1)
    colors = np.empty((num_colors, 3), np.uint8)
    for i in range(num_colors):
        farthest = np.argmax(distances)
        colors[i] = candidates[farthest]
        distances = np.minimum(distances, _squared_distance(positions, positions[farthest]))
    colors.setflags(write=False)
    return colors


def _squared_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sum((a - b) ** 2, axis=-1)


def lab_colors(rgb: np.ndarray) -> np.ndarray:
    """Converts sRGB uint8 `[N, 3]` to CIE L*a*b* (D65), int64 `[N, 3]` in hundredths.

    The result is in whole numbers, so that the farthest color is the same on every machine.
    """
    value = rgb / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    # Rows: R, G, B; columns: X, Y, Z, each divided by the white point's.
    to_xyz = np.array(
        [[0.4339, 0.2126, 0.0177], [0.3762, 0.7152, 0.1095], [0.1899, 0.0722, 0.8729]]
    )
    xyz = linear @ to_xyz
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab = np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=-1
    )
    return np.round(lab * 100).astype(np.int64)
