"""COCO's coding of segment ids in a picture: segment id = R + 256 G + 65536 B."""

from __future__ import annotations

import numpy as np

MAX_SEGMENT_ID = 2**24 - 1
"""The largest id that three bytes hold."""


def ids_to_rgb(panoptic_map: np.ndarray) -> np.ndarray:
    """Ids `[h, w]` in 0..`MAX_SEGMENT_ID` to a uint8 `[h, w, 3]` picture."""
    four_bytes = np.ascontiguousarray(panoptic_map, "<u4").view(np.uint8)
    return np.ascontiguousarray(four_bytes.reshape(*panoptic_map.shape, 4)[..., :3])


def rgb_to_ids(picture: np.ndarray) -> np.ndarray:
    """Converts a uint8 `[h, w, 3]` picture to int32 ids `[h, w]`."""
    four_bytes = np.zeros((*picture.shape[:2], 4), np.uint8)
    four_bytes[..., :3] = picture
    return four_bytes.view("<i4")[..., 0].astype(np.int32, copy=False)
