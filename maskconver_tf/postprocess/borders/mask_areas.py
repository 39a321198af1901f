"""Compares what proposals won with the areas of their masks, without making the masks."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from maskconver_tf.postprocess.borders.logit_patches import LogitGrid
from maskconver_tf.postprocess.borders.sure_patches import (
    ELEMENTS_AT_A_TIME,
    growing_array,
    over_corners,
)

LOGITS_AT_A_TIME = 2**22
"""Logits of pixels in memory at a time, for each temporary tensor (16 MiB each)."""


@dataclasses.dataclass(frozen=True)
class AreaBounds:
    """What the corners of patches tell about the areas of n masks above one half.

    Attributes:
      least: int32 `[n]`, pixels in patches that are inside the mask as a whole.
      most: int32 `[n]`, `least` and all pixels of the patches below.
      patches: int32 `[m]`, patches that a mask may cover in part.
      proposals: int32 `[m]`, the proposal of each.
    """

    least: tf.Tensor
    most: tf.Tensor
    patches: tf.Tensor
    proposals: tf.Tensor

    def of(self, chosen: tf.Tensor) -> AreaBounds:
        """The same with the patches of some proposals only, bool `[n]`."""
        taken = tf.gather(chosen, self.proposals)
        patches, proposals = (tf.boolean_mask(x, taken) for x in (self.patches, self.proposals))
        return dataclasses.replace(self, patches=patches, proposals=proposals)


def wins_its_mask(grid: LogitGrid, areas: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Tells whose mask has a pixel above one half, and who won at least a share of such pixels.

    Bounds of a mask's area decide most cases. Pixels are counted only for the other masks.

    Args:
      grid: logits of n proposals.
      areas: int32 `[n]`, pixels that each proposal won.
      share: float32 scalar or `[n]`, 0..1.

    Returns:
      bool `[n]`.
    """
    bounds = area_bounds(grid)

    def enough(of_mask):
        # Rounded, too, the product does not fall while the area grows.
        return (of_mask > 0) & (tf.cast(areas, tf.float32) >= tf.cast(of_mask, tf.float32) * share)

    # An area of 0 is not enough, so the least area that counts is 1.
    surely = (bounds.least > 0) & enough(bounds.most)
    perhaps = ~surely & (bounds.most > 0) & enough(tf.maximum(bounds.least, 1))
    return surely | (perhaps & enough(mask_areas(grid, bounds.of(perhaps))))


def mask_areas(grid: LogitGrid, bounds: AreaBounds) -> tf.Tensor:
    """Counts the pixels whose interpolated logit is above 0, that is, whose sigmoid is above 0.5.

    Returns:
      int32 `[n]`, exact for the masks whose patches `bounds` has.
    """
    patches, proposals = bounds.patches, bounds.proposals
    patch_area = grid.rows.splits * grid.rows.band_size * grid.columns.splits
    limit = tf.maximum(LOGITS_AT_A_TIME // (patch_area * grid.columns.band_size), 1)

    def add_part(first, areas):
        pairs = slice(first, first + limit)
        found = _areas_in_patches(grid, patches[pairs], proposals[pairs])
        counts = tf.math.unsorted_segment_sum(found, proposals[pairs], tf.size(areas))
        return first + limit, areas + counts

    _, areas = tf.while_loop(
        lambda first, _: first < tf.size(patches),
        add_part,
        (0, bounds.least),
        parallel_iterations=1,
    )
    return areas


def area_bounds(grid: LogitGrid) -> AreaBounds:
    """Bounds the areas of all masks of a grid.

    Where all four corners of a patch are above 0, its pixels count whole. Where none is, no pixel
    counts.
    """
    height, width, count = grid.rows.gaps, grid.columns.gaps, tf.shape(grid.padded)[2]
    step = tf.maximum(ELEMENTS_AT_A_TIME // (width * tf.maximum(count, 1)), 1)
    heights, widths = grid.rows.sizes(), grid.columns.sizes()
    arrays = [growing_array([None]) for _ in range(2)]

    def add_rows(number, areas, patches, proposals):
        first = number * step
        rows = grid.padded[first : first + step + 1]
        inside = over_corners(rows > grid.slack, tf.logical_and)
        # Rounded, too, interpolation between logits up to 0 never rises above 0.
        touched = over_corners(rows > 0.0, tf.logical_or)
        across = tf.reduce_sum(tf.where(inside, widths[:, tf.newaxis], 0), axis=1)  # [rows, n]
        areas += tf.reduce_sum(across * heights[first : first + step, tf.newaxis], axis=0)
        crossed = touched & ~inside
        places = tf.cast(tf.where(crossed), tf.int32)
        ids = (first + places[:, 0]) * width + places[:, 1]
        written = patches.write(number, ids), proposals.write(number, places[:, 2])
        return number + 1, areas, *written

    _, areas, patches, proposals = tf.while_loop(
        lambda number, *_: number * step < height,
        add_rows,
        (0, tf.zeros([count], tf.int32), *arrays),
        parallel_iterations=1,
    )
    patches, proposals = patches.concat(), proposals.concat()
    pixels = tf.gather(heights, patches // width) * tf.gather(widths, patches % width)
    crossed = tf.math.unsorted_segment_sum(pixels, proposals, count)
    return AreaBounds(areas, areas + crossed, patches, proposals)


def _areas_in_patches(grid: LogitGrid, patches: tf.Tensor, proposals: tf.Tensor) -> tf.Tensor:
    """Area of one mask in one patch for each pair `[m]`; int32 `[m]`."""
    low, high = grid.tile_bounds(patches, proposals)
    pixels = grid.tile_areas(patches)
    areas = tf.reduce_sum(tf.where(low > grid.slack, pixels, 0), axis=[1, 2])
    crossed = (low <= grid.slack) & (high > -grid.slack) & (pixels > 0)
    pair, row_bands, column_bands = tf.unstack(tf.cast(tf.where(crossed), tf.int32), num=3, axis=1)
    tiles = tf.gather(patches, pair), row_bands, column_bands
    inside = (grid.tile_logits(*tiles, tf.gather(proposals, pair)) > 0.0) & grid.tile_mask(*tiles)
    counts = tf.math.count_nonzero(inside, axis=[1, 2], dtype=tf.int32)
    return areas + tf.math.unsorted_segment_sum(counts, pair, tf.size(patches))
