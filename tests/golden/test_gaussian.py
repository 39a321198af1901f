"""Gaussians of the center heatmap against loops that follow the definitions, not the formulas."""

import math

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.ops.gaussian import draw_heatmap, gaussian_radius


def _iou(a, b):
    """IoU of two boxes (y0, x0, y1, x1)."""
    height = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    width = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = height * width
    areas = sum((y1 - y0) * (x1 - x0) for y0, x0, y1, x1 in (a, b))
    return both / (areas - both)


def _worst_iou(height, width, shift):
    """The least IoU of a box with one whose two corners moved by `shift` in y and in x."""
    box = (0.0, 0.0, height, width)
    moved = [
        (first, first, height + second, width + second)
        for first in (-shift, shift)
        for second in (-shift, shift)
        if first - second < min(height, width)
    ]
    return min(_iou(box, other) for other in moved)


def _radius_by_bisection(height, width, min_iou):
    low, high = 0.0, min(height, width) / 2
    for _ in range(60):
        middle = (low + high) / 2
        fits = _worst_iou(height, width, middle) >= min_iou
        low, high = (middle, high) if fits else (low, middle)
    return low


@pytest.mark.parametrize("min_iou", [0.3, 0.5, 0.7, 0.9])
def test_radius_is_the_largest_shift_that_keeps_the_overlap(min_iou):
    rng = np.random.default_rng(0)
    sizes = np.concatenate([rng.uniform(0.1, 60, [40, 2]), [[1, 100], [100, 1], [0.125, 0.125]]])
    expected = [_radius_by_bisection(height, width, min_iou) for height, width in sizes]
    np.testing.assert_allclose(gaussian_radius(sizes, min_iou), expected, rtol=1e-4)


def _heatmap_by_loops(indices, radii, class_ids, height, width, num_classes):
    heatmap = np.zeros([len(class_ids), height, width, num_classes])
    for b, k in np.ndindex(class_ids.shape):
        if class_ids[b, k] < 0:
            continue
        (row, column), radius = indices[b, k], radii[b, k]
        sigma = (2 * radius + 1) / 6
        for y in range(max(0, row - radius), min(height, row + radius + 1)):
            for x in range(max(0, column - radius), min(width, column + radius + 1)):
                value = math.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2))
                heatmap[b, y, x, class_ids[b, k]] = max(heatmap[b, y, x, class_ids[b, k]], value)
    return heatmap


def test_heatmap_equals_gaussians_drawn_cell_by_cell():
    rng = np.random.default_rng(1)
    height, width, num_classes = 9, 13, 3
    shape = (4, 12)
    indices = np.stack([rng.integers(height, size=shape), rng.integers(width, size=shape)], -1)
    radii = rng.integers(0, 8, shape)
    class_ids = rng.integers(-1, num_classes, shape)
    class_ids[3] = -1  # A picture without segments.
    indices[0, :2] = [[0, 0], [8, 12]]  # Corners.
    arguments = [value.astype(np.int32) for value in (indices, radii, class_ids)]
    expected = _heatmap_by_loops(*arguments, height, width, num_classes)
    drawn = draw_heatmap(*map(tf.constant, arguments), height, width, num_classes)
    assert drawn.dtype == tf.float32
    np.testing.assert_allclose(drawn, expected, atol=1e-6)
    np.testing.assert_array_equal(drawn.numpy() == 1.0, expected == 1.0)
