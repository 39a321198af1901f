"""Decides contested patches: first by tiles of some pixels, then pixel by pixel."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.postprocess.borders.logit_patches import LogitGrid, exact_sigmoid
from maskconver_tf.postprocess.borders.sure_patches import CONTESTED, NOBODY, least_winning

NO_PROPOSAL = 2**30


def contest_tiles(
    grid: LogitGrid, scores: tf.Tensor, patches: tf.Tensor, local: tf.Tensor, proposals: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Bounds the products in each tile of contested patches, as `sure_patches` does in patches.

    Args:
      grid: logits of n proposals.
      scores: float32 `[n]`.
      patches: int32 `[m]`, the contested patch of each pair.
      local: int32 `[m]`, its number 0..A-1 among the contested ones, ascending.
      proposals: int32 `[m]`, the proposal of each pair.

    Returns:
      Owners int32 `[A, S, S']`, a proposal, `NOBODY` in a tile without pixels, or `CONTESTED`; and
      int32 `[q, 3]`, for each proposal that may win in a contested tile: its pair and the row and
      column of the tile in the patch.
    """
    low, high = grid.tile_bounds(patches, proposals)
    factor = tf.gather(scores, proposals)[:, tf.newaxis, tf.newaxis]
    low, high = factor * tf.sigmoid(low), factor * tf.sigmoid(high)
    reach = least_winning(tf.math.segment_max(low, local), grid.slack)
    competes = high >= tf.gather(reach, local)
    number = tf.math.segment_sum(tf.cast(competes, tf.int32), local)
    only = tf.math.segment_sum(tf.where(competes, proposals[:, tf.newaxis, tf.newaxis], 0), local)
    first = tf.math.segment_min(patches, local)
    owners = tf.where((number == 1) & (reach > 0.0), only, CONTESTED)
    owners = tf.where(grid.tile_areas(first) > 0, owners, NOBODY)
    open_tiles = tf.gather(owners == CONTESTED, local)
    return owners, tf.cast(tf.where(competes & open_tiles), tf.int32)


def contest_pixels(
    grid: LogitGrid,
    scores: tf.Tensor,
    rivals: dict[str, tf.Tensor],
    num_tiles: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the winner of each pixel of contested tiles.

    Args:
      grid: logits of n proposals.
      scores: float32 `[n]`.
      rivals: for each proposal that may win in a tile, int32 `[q]`: `patches`, `row_bands`,
        `column_bands`, `proposals`, and `tiles`, the number 0..num_tiles-1 of its tile.
      num_tiles: int32 scalar.

    Returns:
      Winners int32 `[num_tiles, T * T']`, a proposal or `NOBODY`; and bool `[q, T, T']`, the pixels
      that each rival won.
    """
    names = ("patches", "row_bands", "column_bands", "proposals")
    logits = grid.tile_logits(*(rivals[name] for name in names))
    proposals, tiles = rivals["proposals"], rivals["tiles"]
    products = tf.gather(scores, proposals)[:, tf.newaxis, tf.newaxis] * exact_sigmoid(logits)
    shape = tf.shape(products)
    products = tf.reshape(products, [shape[0], shape[1] * shape[2]])
    best = tf.math.unsorted_segment_max(products, tiles, num_tiles)
    # Among equal products the first proposal wins.
    leads = (products == tf.gather(best, tiles)) & (products > 0.0)
    candidates = tf.where(leads, proposals[:, tf.newaxis], NO_PROPOSAL)
    winners = tf.math.unsorted_segment_min(candidates, tiles, num_tiles)
    won = candidates == tf.gather(winners, tiles)
    winners = tf.where(winners < NO_PROPOSAL, winners, NOBODY)
    return winners, tf.reshape(won & leads, shape)
