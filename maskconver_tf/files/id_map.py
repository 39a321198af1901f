"""COCO's coding of segment ids in a picture: segment id = R + 256 G + 65536 B."""

from __future__ import annotations

import numpy as np

MAX_SEGMENT_ID = 2**24 - 1
"""The largest id that three bytes hold."""


def ids_to_rgb(panoptic_map: np.ndarray) -> np.ndarray:
    """Ids `[h, w]` in 0..`MAX_SEGMENT_ID` to a uint8 `[h, w, 3]` picture."""
    shifts = np.array([0, 8, 16], np.uint32)
    return (panoptic_map.astype(np.uint32)[..., np.newaxis] >> shifts).astype(np.uint8)


def rgb_to_ids(picture: np.ndarray) -> np.ndarray:
    """Converts a uint8 `[h, w, 3]` picture to int32 ids `[h, w]`."""
    return picture.astype(np.int32) @ np.array([1, 256, 65536], np.int32)
