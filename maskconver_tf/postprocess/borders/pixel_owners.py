"""Gives each pixel of a picture to the proposal with the largest product, and paints the map."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from maskconver_tf.postprocess.borders.extents import Extents, pixel_extents, rectangle_extents
from maskconver_tf.postprocess.borders.logit_patches import LogitGrid
from maskconver_tf.postprocess.borders.outclassed import drop_outclassed, numbered
from maskconver_tf.postprocess.borders.sure_patches import (
    CONTESTED,
    NOBODY,
    growing_array,
    sure_patches,
)
from maskconver_tf.postprocess.borders.tile_contest import contest_pixels, contest_tiles

PRODUCTS_AT_A_TIME = 2**22
"""Products of pixels in memory at a time, for each temporary tensor (16 MiB each)."""
PIXELS_AT_A_TIME = 2**21
"""Pixels painted one by one at a time. Each time copies the map."""


@dataclasses.dataclass(frozen=True)
class PixelOwners:
    """Who won each pixel: whole patches, whole tiles of contested patches, pixels of the rest.

    Attributes:
      grid: the logits and the picture over them.
      owners: int32 `[P]`, of patches.
      tile_patches: int32 `[A]`, the contested patches.
      tile_owners: int32 `[A, S, S']`, of their tiles.
      open_tiles: int32 `[R, 3]`, patch, row and column of the contested tiles.
      winners: int32 `[R, T * T']`, of their pixels.
      extents: area and box of each proposal.
    """

    grid: LogitGrid
    owners: tf.Tensor
    tile_patches: tf.Tensor
    tile_owners: tf.Tensor
    open_tiles: tf.Tensor
    winners: tf.Tensor
    extents: Extents

    def paint(self, numbers: tf.Tensor) -> tf.Tensor:
        """Returns a map int32 `[H, W]` of `numbers` int32 `[n]` of the winners; 0 for `NOBODY`."""
        rows, columns = self.grid.rows, self.grid.columns
        splits = [rows.splits, columns.splits]
        colors = tf.concat([[0, 0], numbers], axis=0)  # CONTESTED, NOBODY, proposals
        tiles = tf.broadcast_to(
            self.owners[:, tf.newaxis, tf.newaxis], [tf.size(self.owners), *splits]
        )
        tiles = tf.tensor_scatter_nd_update(
            tiles, self.tile_patches[:, tf.newaxis], self.tile_owners
        )
        tiles = tf.reshape(tf.gather(colors, tiles + 2), [rows.gaps, columns.gaps, *splits])
        tiles = tf.transpose(tiles, [0, 2, 1, 3])
        tiles = tf.reshape(tiles, [rows.gaps * splits[0], columns.gaps * splits[1]])
        bands = tf.gather(tiles, columns.band_of_pixel(), axis=1)
        painted = tf.reshape(tf.gather(bands, rows.band_of_pixel()), [-1])

        step = tf.maximum(PIXELS_AT_A_TIME // (rows.band_size * columns.band_size), 1)

        def paint_part(first, painted):
            part = slice(first, first + step)
            tiles = tf.unstack(self.open_tiles[part], num=3, axis=1)
            pixels = tf.reshape(self.grid.tile_pixels(*tiles), [-1, 1])
            values = tf.gather(colors, tf.reshape(self.winners[part], [-1]) + 2)
            return first + step, tf.tensor_scatter_nd_update(painted, pixels, values)

        _, painted = tf.while_loop(
            lambda first, _: first < tf.shape(self.open_tiles)[0],
            paint_part,
            (0, painted),
            parallel_iterations=1,
        )
        return tf.reshape(painted, [rows.pixels, columns.pixels])


def pixel_owners(grid: LogitGrid, scores: tf.Tensor) -> PixelOwners:
    """Finds the winner of each pixel, and looks at pixels only where several proposals compete.

    Equal products go to the first proposal. A pixel where every product is 0 goes to nobody.

    Args:
      grid: logits of n proposals.
      scores: float32 `[n]`, 0..1.
    """
    owners, patches, proposals = sure_patches(grid, scores)
    patches, proposals = drop_outclassed(grid, scores, patches, proposals)
    extents = _whole_patches(grid, owners, tf.size(scores))
    starts = tf.concat([[True], patches[1:] != patches[:-1]], axis=0)[: tf.size(patches)]
    firsts = tf.cast(tf.where(starts)[:, 0], tf.int32)
    ends = tf.concat([firsts, [tf.size(patches)]], axis=0)
    patch_area = grid.rows.splits * grid.rows.band_size * grid.columns.splits
    limit = PRODUCTS_AT_A_TIME // (patch_area * grid.columns.band_size)
    shapes = [None, None, None], [None, 3], [None, None]
    arrays = [growing_array(shape) for shape in shapes]

    def add_part(part, first, tile_owners, open_tiles, winners, areas, reaches):
        end = tf.searchsorted(ends, [ends[first] + limit], side="right")[0] - 1
        end = tf.maximum(end, first + 1)
        pairs = slice(ends[first], ends[end])
        local = numbered(patches[pairs])
        found = _contest(grid, scores, patches[pairs], local, proposals[pairs])
        total = Extents(areas, reaches) + found[3]
        return (
            part + 1,
            end,
            tile_owners.write(part, found[0]),
            open_tiles.write(part, found[1]),
            winners.write(part, found[2]),
            total.areas,
            total.reaches,
        )

    parts, _, tile_owners, open_tiles, winners, areas, reaches = tf.while_loop(
        lambda part, first, *_: first < tf.size(firsts),
        add_part,
        (0, 0, *arrays, extents.areas, extents.reaches),
        parallel_iterations=1,
    )
    # A concatenation needs an entry.
    no_tiles = tf.zeros([0, grid.rows.splits, grid.columns.splits], tf.int32)
    tile_owners = tile_owners.write(parts, no_tiles)
    open_tiles = open_tiles.write(parts, tf.zeros([0, 3], tf.int32))
    no_winners = tf.zeros([0, grid.rows.band_size * grid.columns.band_size], tf.int32)
    winners = winners.write(parts, no_winners)
    return PixelOwners(
        grid=grid,
        owners=owners,
        tile_patches=tf.gather(patches, firsts),
        tile_owners=tile_owners.concat(),
        open_tiles=open_tiles.concat(),
        winners=winners.concat(),
        extents=Extents(areas, reaches),
    )


def _contest(
    grid: LogitGrid, scores: tf.Tensor, patches: tf.Tensor, local: tf.Tensor, proposals: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, Extents]:
    """Decides the given pairs of patches and proposals: tiles first, then pixels of open tiles."""
    tile_owners, rivals = contest_tiles(grid, scores, patches, local, proposals)
    patch_ids = tf.math.segment_min(patches, local)
    is_open = tile_owners == CONTESTED
    tiles = tf.cast(tf.where(is_open), tf.int32)  # [R, 3]
    numbers = tf.reshape(
        tf.cumsum(tf.cast(tf.reshape(is_open, [-1]), tf.int32)) - 1, tf.shape(is_open)
    )
    pair, row_bands, column_bands = tf.unstack(rivals, num=3, axis=1)
    rival_patches, rival_proposals = tf.gather(patches, pair), tf.gather(proposals, pair)
    place = tf.stack([tf.gather(local, pair), row_bands, column_bands], axis=1)
    winners, won = contest_pixels(
        grid,
        scores,
        {
            "patches": rival_patches,
            "row_bands": row_bands,
            "column_bands": column_bands,
            "proposals": rival_proposals,
            "tiles": tf.gather_nd(numbers, place),
        },
        tf.shape(tiles)[0],
    )
    won &= grid.tile_mask(rival_patches, row_bands, column_bands)
    tops, lefts = grid.tile_corners(rival_patches, row_bands, column_bands)
    extents = pixel_extents(won, tops, lefts, rival_proposals, tf.size(scores))
    extents += _whole_tiles(grid, patch_ids, tile_owners, tf.size(scores))
    tiles = tf.concat([tf.gather(patch_ids, tiles[:, :1]), tiles[:, 1:]], axis=1)
    return tile_owners, tiles, winners, extents


def _whole_patches(grid: LogitGrid, owners: tf.Tensor, count: tf.Tensor) -> Extents:
    """Measures the patches with one owner."""
    patches = tf.cast(tf.where(owners > NOBODY)[:, 0], tf.int32)
    y, x = patches // grid.columns.gaps, patches % grid.columns.gaps
    tops, lefts = tf.gather(grid.rows.starts[:, 0], y), tf.gather(grid.columns.starts[:, 0], x)
    heights, widths = tf.gather(grid.rows.sizes(), y), tf.gather(grid.columns.sizes(), x)
    return _rectangles(tf.gather(owners, patches), tops, lefts, heights, widths, count)


def _whole_tiles(
    grid: LogitGrid, patches: tf.Tensor, owners: tf.Tensor, count: tf.Tensor
) -> Extents:
    """Measures the tiles with one owner, of patches `[A]` with tile owners `[A, S, S']`."""
    tiles = tf.cast(tf.where(owners > NOBODY), tf.int32)
    patch, row_bands, column_bands = tf.unstack(tiles, num=3, axis=1)
    patch = tf.gather(patches, patch)
    tops, lefts = grid.tile_corners(patch, row_bands, column_bands)
    heights, widths = grid.tile_sizes(patch, row_bands, column_bands)
    return _rectangles(tf.gather_nd(owners, tiles), tops, lefts, heights, widths, count)


def _rectangles(
    owners: tf.Tensor,
    tops: tf.Tensor,
    lefts: tf.Tensor,
    heights: tf.Tensor,
    widths: tf.Tensor,
    count: tf.Tensor,
) -> Extents:
    areas = heights * widths
    owners = tf.where(areas > 0, owners, NOBODY)
    reaches = tf.stack([-tops, -lefts, tops + heights, lefts + widths], axis=1)
    return rectangle_extents(owners, areas, reaches, count)
