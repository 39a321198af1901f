"""Finds things that share their center with a thing of another class."""

from __future__ import annotations

import itertools

import numpy as np

from maskconver_tf.datasets.synthetic.catalogue import THINGS


def shared_center_segment_ids(
    panoptic_map: np.ndarray, segments_info: list[dict], tolerance: float = 2.0
) -> set[int]:
    """Ids of the things that share a center. A class-agnostic proposal cannot tell them apart.

    Two things of different classes share a center if the means of their pixels are at most
    `tolerance` pixels apart. Crowds and stuff do not count.

    Args:
      panoptic_map: integers `[h, w]`, segment ids as in the annotation (R + 256 G + 65536 B).
      segments_info: the annotation's list; the function reads `id`, `category_id` and `iscrowd`.
      tolerance: largest distance of shared centers, in pixels.
    """
    things = [s for s in segments_info if s["category_id"] in THINGS.values() and not s["iscrowd"]]
    centers = {s["id"]: np.argwhere(panoptic_map == s["id"]).mean(axis=0) for s in things}
    shared: set[int] = set()
    for a, b in itertools.combinations(things, 2):
        offset = centers[a["id"]] - centers[b["id"]]
        if a["category_id"] != b["category_id"] and np.hypot(*offset) <= tolerance:
            shared |= {a["id"], b["id"]}
    return shared
