"""A segmenter without errors: its segments are the connected areas of one value."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories

CATEGORIES = Categories.from_coco(
    [
        {"id": 5, "name": "ground", "isthing": 0},
        {"id": 9, "name": "cell", "isthing": 1},
        {"id": 2, "name": "dot", "isthing": 1},
    ],
    "here",
)
VOID, GROUND, CELL, DOT = range(4)
"""Values of a picture; above void, a class id plus one."""


def segment(image):
    """Finds things as areas that hang together over sides; all ground is one segment."""
    values = image[..., 0].astype(int)
    panoptic_map = np.zeros(values.shape, np.int32)
    class_ids = []
    for value in (CELL, DOT):
        labels, count = ndimage.label(values == value)
        panoptic_map[labels > 0] = labels[labels > 0] + len(class_ids)
        class_ids += [value - 1] * count
    if (values == GROUND).any():
        class_ids.append(0)
        panoptic_map[values == GROUND] = len(class_ids)
    ids = np.arange(1, len(class_ids) + 1)
    areas = np.bincount(panoptic_map.ravel(), minlength=len(ids) + 1)[1:]
    return {
        types.PANOPTIC_MAP: panoptic_map,
        types.SEGMENT_IDS: ids,
        types.SEGMENT_CLASS_IDS: np.array(class_ids, np.int64),
        types.SEGMENT_SCORES: np.full(len(ids), 0.75, np.float32),
        types.SEGMENT_AREAS: areas,
        types.SEGMENT_BOXES: np.zeros((len(ids), 4), np.int32),
    }


def picture_of(values):
    return np.repeat(np.asarray(values)[..., None], 3, axis=-1).astype(np.uint8)


def mosaic(rng, height, width, kind):
    """Values of a picture: noise, squares, blobs or a net of bars."""
    if kind == "noise":
        return rng.integers(0, 4, (height, width))
    if kind == "squares":
        small = rng.integers(0, 4, (height // 6 + 1, width // 6 + 1))
        return np.kron(small, np.ones((6, 6), int))[:height, :width]
    if kind == "blobs":
        field = ndimage.gaussian_filter(rng.normal(size=(height, width)), 3)
        return np.digitize(field, np.quantile(field, [0.2, 0.4, 0.7]))
    values = np.full((height, width), CELL)
    values[:: rng.integers(3, 9)] = DOT
    values[:, :: rng.integers(3, 12)] = GROUND
    values[rng.integers(0, 5) :: rng.integers(6, 20)] = VOID
    return values


def assert_same_segments(joined, expected):
    """Two maps have the same segments, whatever their numbers are."""
    pairs = set(zip(joined.ravel().tolist(), expected.ravel().tolist()))
    assert all((one == 0) == (other == 0) for one, other in pairs)
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
