"""Draws the small picture of a list: a gray photo, with each error in the color of its kind."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from maskconver_tf.evaluation.report.encoded_maps import resize_map
from maskconver_tf.evaluation.report.segment_rows import ROW_COLUMNS

KIND_COLORS = {
    "inexact_mask": (153, 153, 153),
    "wrong_class": (204, 121, 167),
    "merged": (230, 159, 0),
    "split": (240, 228, 66),
    "drawn_over": (0, 158, 115),
    "poor_mask": (0, 114, 178),
    "missed": (213, 94, 0),
    "invented": (86, 180, 233),
}
"""RGB of each kind of error: the palette of Okabe and Ito (2008), which people with any kind of
color blindness can tell apart."""
LONGEST_SIDE = 256
_STRENGTH = 0.65
"""Share of the color of an error."""


def draw_thumbnail(
    photo: np.ndarray, maps: tuple[np.ndarray, np.ndarray], rows: np.ndarray, kinds: tuple[str, ...]
) -> np.ndarray:
    """Draws a thumbnail.

    Args:
      photo: uint8 `[h, w, 3]`.
      maps: numbers of true and predicted segments, `[H, W]` each, at any size.
      rows: the rows of the picture, see `ROW_COLUMNS`. Matched pairs are not drawn.
      kinds: the name of each kind.

    Returns:
      uint8 `[h, w, 3]`.
    """
    gray = photo.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    drawn = np.repeat(gray[..., np.newaxis], 3, axis=2)
    # A true segment is drawn last: it is in the truth, whatever was predicted there.
    for outcome, column, positions in ((2, "predicted", maps[1]), (1, "truth", maps[0])):
        small = resize_map(positions, photo.shape[:2])
        colors = np.zeros((int(positions.max(initial=0)) + 1, 4), np.float32)
        for row in rows[rows[:, ROW_COLUMNS.index("outcome")] == outcome]:
            kind = kinds[row[ROW_COLUMNS.index("kind")]]
            number = row[ROW_COLUMNS.index(column)]
            if number < len(colors):
                colors[number] = (*KIND_COLORS[kind], _STRENGTH)
        share = colors[small][..., 3:]
        drawn = drawn * (1 - share) + colors[small][..., :3] * share
    return np.rint(drawn).astype(np.uint8)


def to_jpeg(picture: np.ndarray, quality: int) -> bytes:
    """Encodes uint8 `[h, w, 3]`."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
