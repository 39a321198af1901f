"""Adds up areas and boxes of proposals from rectangles that they won."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

NOWHERE = -(2**30)


@dataclasses.dataclass(frozen=True)
class Extents:
    """Area and box of n proposals.

    Attributes:
      areas: int32 `[n]`, pixels.
      reaches: int32 `[n, 4]`, (-y0, -x0, y1, x1) of the boxes, so that all four grow to their
        maximum. `NOWHERE` for a proposal without a pixel.
    """

    areas: tf.Tensor
    reaches: tf.Tensor

    def boxes(self) -> tf.Tensor:
        """int32 `[n, 4]`, (y0, x0, y1, x1), half-open."""
        return self.reaches * tf.constant([-1, -1, 1, 1])

    def merged(self, owners: tf.Tensor, num_owners: tf.Tensor) -> Extents:
        """Joins all with the same owner, int32 `[n]` in 0..num_owners-1 or negative for none."""
        return rectangle_extents(owners, self.areas, self.reaches, num_owners)

    def __add__(self, other: Extents) -> Extents:
        return Extents(self.areas + other.areas, tf.maximum(self.reaches, other.reaches))


def rectangle_extents(
    owners: tf.Tensor, areas: tf.Tensor, reaches: tf.Tensor, num_owners: tf.Tensor
) -> Extents:
    """Sums areas int32 `[m]` and joins reaches int32 `[m, 4]` by owner, negative for none."""
    return Extents(
        tf.math.unsorted_segment_sum(areas, owners, num_owners),
        tf.maximum(tf.math.unsorted_segment_max(reaches, owners, num_owners), NOWHERE),
    )


def pixel_extents(
    won: tf.Tensor, tops: tf.Tensor, lefts: tf.Tensor, owners: tf.Tensor, num_owners: tf.Tensor
) -> Extents:
    """Measures pixels won in tiles.

    Args:
      won: bool `[m, T, T']`.
      tops: int32 `[m]`, the first row of each tile.
      lefts: int32 `[m]`, its first column.
      owners: int32 `[m]`, who won.
      num_owners: int32 scalar.
    """
    first_row, end_row = _span(tf.reduce_any(won, axis=2))
    first_column, end_column = _span(tf.reduce_any(won, axis=1))
    areas = tf.math.count_nonzero(won, axis=[1, 2], dtype=tf.int32)
    reaches = [-tops - first_row, -lefts - first_column, tops + end_row, lefts + end_column]
    reaches = tf.where(areas[:, tf.newaxis] > 0, tf.stack(reaches, axis=1), NOWHERE)
    return rectangle_extents(owners, areas, reaches, num_owners)


def _span(used: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """First position and the one after the last that is True, of bool `[m, T]`."""
    positions = tf.range(tf.shape(used)[1])
    first = tf.reduce_min(tf.where(used, positions, -NOWHERE), axis=1)
    return first, tf.reduce_max(tf.where(used, positions + 1, 0), axis=1)
