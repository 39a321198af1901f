"""Outlines: worked examples, and rings that never touch themselves."""

import numpy as np

from maskconver_tf.inference.output_formats.outlines import trace_outlines


def test_a_pixel_is_a_square_clockwise_on_the_screen():
    [polygon] = trace_outlines(np.array([[0, 0], [0, 9]]))[9]
    assert polygon.outer == [(1, 1), (2, 1), (2, 2), (1, 2)]
    assert polygon.holes == ()


def test_a_hole_runs_the_other_way():
    ring = np.full((3, 3), 5)
    ring[1, 1] = 0
    [polygon] = trace_outlines(ring)[5]
    [hole] = polygon.holes
    assert polygon.outer == [(0, 0), (3, 0), (3, 3), (0, 3)]
    assert set(hole) == {(1, 1), (2, 1), (2, 2), (1, 2)}
    assert hole.index((1, 2)) == (hole.index((1, 1)) + 1) % 4


def test_parts_that_meet_in_a_corner_are_two_polygons():
    polygons = trace_outlines(np.array([[1, 0], [0, 1]]))[1]
    assert len(polygons) == 2


def test_a_part_that_closes_over_a_corner_gets_a_hole():
    """The bow meets itself in a corner; its outline must not touch itself there."""
    bow = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]])
    [polygon] = trace_outlines(bow)[1]
    assert len(polygon.holes) == 1
    assert len(set(polygon.outer)) == len(polygon.outer)


def test_no_ring_touches_itself_and_only_corners_are_kept():
    rng = np.random.default_rng(0)
    for _ in range(60):
        values = rng.integers(0, 3, rng.integers(1, 12, 2))
        for polygons in trace_outlines(values).values():
            for ring in (ring for p in polygons for ring in (p.outer, *p.holes)):
                assert len(set(ring)) == len(ring)
                steps = np.diff([*ring, ring[0]], axis=0)
                assert ((steps == 0).sum(axis=1) == 1).all(), "along one axis"
                turns = (steps == 0)[:, 0] != np.roll((steps == 0)[:, 0], 1)
                assert turns.all()


def test_a_map_of_void_has_no_outline():
    assert trace_outlines(np.zeros((3, 4), int)) == {}
