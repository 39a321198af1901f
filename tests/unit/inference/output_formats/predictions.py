"""Predictions with holes, parts and corners that touch, for the formats' tests."""

from __future__ import annotations

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.inference.predictor import Prediction
from maskconver_tf.ops.segment_extents import segment_extents
from maskconver_tf.types import Segment

CATEGORIES = Categories.from_coco(
    [
        {"id": 90, "name": 'pré, "vert"', "isthing": 0},
        {"id": 3, "name": "chat 🐈/noir", "isthing": 1},
        {"id": 7, "name": "dog", "isthing": 1},
    ],
    "here",
)

RINGS = """
....1111....
.5..1..1....
5.5.1.31.22.
.5..1111.22.
5555.....2.2
..55666666.2
"""
"""1 has a hole with the thing 3 in it, 5 touches itself in corners, 2 has two parts."""


def make_prediction(index: np.ndarray, ids: list[int], seed: int = 0) -> Prediction:
    """A prediction from numbers 0..n and the segment id of each number."""
    rng = np.random.default_rng(seed)
    areas, boxes = segment_extents(index, len(ids))
    segments = [
        Segment(
            number, i % 3, score=float(np.float32(0.9 - 0.1 * (i % 8))), area=area, box=tuple(b)
        )
        for i, (number, area, b) in enumerate(zip(ids, areas.tolist(), boxes.tolist()))
        if area
    ]
    image = rng.integers(0, 256, (*index.shape, 3), dtype=np.uint8)
    panoptic_map = np.array([0, *ids], np.int32)[index]
    return Prediction(image, panoptic_map, segments, CATEGORIES)


def rings_prediction() -> Prediction:
    rows = [list(row) for row in RINGS.split()]
    index = np.array([[0 if c == "." else int(c) for c in row] for row in rows])
    return make_prediction(index, [1, 2, 3, 4, 70_000, 6])


def random_prediction(seed: int, large_ids: bool) -> Prediction:
    rng = np.random.default_rng(seed)
    index = rng.integers(0, 7, rng.integers(1, 24, 2))
    if seed % 2:
        index = np.kron(index, np.ones(rng.integers(1, 5, 2), int))
    ids = rng.permutation(2**24 - 1 if large_ids else 300)[:6] + 1
    return make_prediction(index, ids.tolist(), seed)
