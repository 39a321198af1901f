"""Counts the pixels of masks above one half, without making the masks."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.postprocess.logit_patches import LogitGrid
from maskconver_tf.postprocess.sure_patches import ELEMENTS_AT_A_TIME, growing_array, over_corners

LOGITS_AT_A_TIME = 2**22
"""Logits of pixels in memory at a time, for each temporary tensor (16 MiB each)."""


def mask_areas(grid: LogitGrid) -> tf.Tensor:
    """Counts the pixels whose interpolated logit is above 0, that is, whose sigmoid is above 0.5.

    Where all four corners of a patch or of a tile are above 0, its pixels count whole. Where none
    is, no pixel counts. Only the pixels of the other tiles are interpolated.

    Args:
      grid: logits of n proposals.

    Returns:
      int32 `[n]`.
    """
    areas, patches, proposals = _patch_areas(grid)
    patch_area = grid.rows.splits * grid.rows.band_size * grid.columns.splits
    limit = tf.maximum(LOGITS_AT_A_TIME // (patch_area * grid.columns.band_size), 1)

    def add_part(first, areas):
        pairs = slice(first, first + limit)
        found = _tile_areas(grid, patches[pairs], proposals[pairs])
        counts = tf.math.unsorted_segment_sum(found, proposals[pairs], tf.size(areas))
        return first + limit, areas + counts

    _, areas = tf.while_loop(
        lambda first, _: first < tf.size(patches), add_part, (0, areas), parallel_iterations=1
    )
    return areas


def _patch_areas(grid: LogitGrid) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Areas of whole patches, int32 `[n]`; patches and proposals of the rest, int32 `[m]` each."""
    height, width, count = grid.rows.cells, grid.columns.cells, tf.shape(grid.padded)[2]
    step = tf.maximum(ELEMENTS_AT_A_TIME // (width * tf.maximum(count, 1)), 1)
    heights, widths = (tf.reduce_sum(x.counts, axis=1) for x in (grid.rows, grid.columns))
    arrays = [growing_array([None]) for _ in range(2)]

    def add_rows(number, areas, patches, proposals):
        first = number * step
        rows = grid.padded[first : first + step + 1]
        low, high = over_corners(rows, tf.minimum), over_corners(rows, tf.maximum)
        pixels = heights[first : first + step, tf.newaxis, tf.newaxis] * widths[:, tf.newaxis]
        areas += tf.reduce_sum(tf.where(low > grid.slack, pixels, 0), axis=[0, 1])
        # Rounded, too, interpolation between logits up to 0 never rises above 0.
        crossed = (low <= grid.slack) & (high > 0.0) & (pixels > 0)
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
    return areas, patches.concat(), proposals.concat()


def _tile_areas(grid: LogitGrid, patches: tf.Tensor, proposals: tf.Tensor) -> tf.Tensor:
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
