"""The signed distance is negative inside each shape and positive outside."""

from __future__ import annotations

import pytest

from maskconver_tf.datasets.synthetic.shapes import Outline, sample_outline


@pytest.mark.parametrize(
    ("shape", "inside", "outside"),
    [
        ("ball", [(0, 0), (0.9, 0)], [(0.75, 0.75)]),
        ("ring", [(0.8, 0), (0, -0.8)], [(0, 0), (0.5, 0)]),
        ("box", [(0.7, 0.7), (0, 0)], [(0.8, 0)]),
        ("frame", [(0.7, 0.7), (0.6, 0)], [(0, 0), (0.3, 0.3)]),
        ("triangle", [(0, -0.9), (0.8, 0.45), (0, 0)], [(0.5, -0.5), (0, 0.6)]),
        ("star", [(0, -0.9), (0.85, -0.28), (0.53, 0.73), (0, 0)], [(0, 0.9), (0.53, -0.73)]),
        ("cross", [(0.9, 0.2), (-0.2, 0.9), (0, 0)], [(0.5, 0.5)]),
    ],
)
def test_each_shape_is_where_it_should_be(shape, inside, outside):
    patch = sample_outline(Outline(shape, x=100.0, y=100.0, radius=80.0), 200, 200)

    def distance(x: float, y: float) -> float:
        rows, columns = patch.window
        row, column = int(100 + y * 80) - rows.start, int(100 + x * 80) - columns.start
        return patch.distance[row, column]

    assert all(distance(*point) < 0 for point in inside)
    assert all(distance(*point) > 0 for point in outside)
