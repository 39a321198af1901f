"""Codes maps of segments for the page: small, exact, and readable without fetching a file.

A browser lets no script read the pixels of an image file on the same disk. So a map travels as text
in a script file: each row minus the row above it (modulo 256), compressed with zlib, in base64.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np


def encode_map(positions: np.ndarray) -> dict[str, Any]:
    """Codes a map.

    Args:
      positions: integers `[h, w]`, 0..65535.

    Returns:
      `width`, `height`, `planes` (1, or 2 if a number is above 255: low bytes, then high bytes) and
      `data`.
    """
    height, width = positions.shape
    planes = 1 if positions.size == 0 or positions.max() < 256 else 2
    shifts = 8 * np.arange(planes)[:, np.newaxis, np.newaxis]
    stacked = (positions[np.newaxis].astype(np.int64) >> shifts & 255).astype(np.uint8)
    rows = stacked.reshape(planes * height, width)
    differences = np.diff(rows, axis=0, prepend=np.zeros((1, width), np.uint8))
    data = base64.b64encode(zlib.compress(differences.tobytes(), 6)).decode()
    return {"width": width, "height": height, "planes": planes, "data": data}


def resize_map(positions: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes a map to (height, width); each new pixel takes the value at its middle."""
    if positions.shape == size:
        return positions
    y, x = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for new, old in zip(size, positions.shape, strict=True)
    )
    return positions[y[:, np.newaxis], x]


def fit(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Returns the (height, width) in which the longer side has at most `longest` pixels."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
