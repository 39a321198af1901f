"""Interpolates mask logits between four cells, with bounds that hold in float32."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from maskconver_tf.postprocess.borders.picture_axis import PictureAxis, picture_axis

VECTOR = 64
"""A multiple of the elements of every vector register."""
SLACK_OF_LOGITS = 4e-6
"""Twice the largest rounding error of an interpolated logit, over the largest logit: the formula
has ten roundings of 2^-24 each, at the bound and at the pixel."""
SLACK_OF_SIGMOID = 1e-5
"""Twice the largest relative error of TensorFlow's float32 sigmoid and of its product."""


@dataclasses.dataclass(frozen=True)
class LogitGrid:
    """Mask logits, with the rows and columns of the picture over them.

    A *patch* is the space between four cell centers: a gap between two rows of cells crossed with
    a gap between two columns. The border cells are repeated once on each side, so that the patches
    cover the picture. Patch (r, c) has the padded cells (r, c) to (r + 1, c + 1) as corners.

    Attributes:
      padded: float32 `[h + 2, w + 2, n]`.
      rows: the picture's rows over the h cells, with h + 1 gaps.
      columns: the picture's columns over the w cells, with w + 1 gaps.
      slack: float32 scalar. An interpolated logit, or the logarithm of its product with a score,
        may leave the bounds of its corners by less than this.
    """

    padded: tf.Tensor
    rows: PictureAxis
    columns: PictureAxis
    slack: tf.Tensor

    def part(self, proposals: tf.Tensor) -> LogitGrid:
        """The same grid with some of the proposals (int32 `[m]`)."""
        return dataclasses.replace(self, padded=tf.gather(self.padded, proposals, axis=2))

    def corners(self, patches: tf.Tensor, proposals: tf.Tensor) -> list[tf.Tensor]:
        """Logits at the corners of patches: top left, top right, bottom left, bottom right.

        Args:
          patches: int32 `[m]`, r * (w + 1) + c.
          proposals: int32 `[m]`, one for each.

        Returns:
          Four float32 `[m]`.
        """
        row_length, count = tf.unstack(tf.shape(self.padded)[1:])
        cells = patches + patches // self.columns.gaps  # A row has one cell more than patches.
        flat = tf.reshape(self.padded, [-1])
        return [
            tf.gather(flat, (cells + offset) * count + proposals)
            for offset in (0, 1, row_length, row_length + 1)
        ]

    def tile_bounds(self, patches: tf.Tensor, proposals: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Bounds of the logits in each tile of patches, from the tile's four corner pixels.

        A *tile* is a band of rows crossed with a band of columns; a patch has S * S' tiles.

        Returns:
          Least and largest logit, float32 `[m, S, S']` each; they hold up to `slack`.
        """
        y, x = patches // self.columns.gaps, patches % self.columns.gaps
        corners = self.corners(patches, proposals)
        left, right = (tf.gather(weights, x) for weights in self.columns.end_weights())
        across = tf.concat([left, right], axis=1)
        ends = [interpolate(corners, tf.gather(w, y), across) for w in self.rows.end_weights()]
        splits = self.columns.splits
        low, high = tf.minimum(*ends), tf.maximum(*ends)
        return (
            tf.minimum(low[..., :splits], low[..., splits:]),
            tf.maximum(high[..., :splits], high[..., splits:]),
        )

    def tile_logits(
        self, patches: tf.Tensor, row_bands: tf.Tensor, column_bands: tf.Tensor, k: tf.Tensor
    ) -> tf.Tensor:
        """Logits of all pixels of tiles, exactly as `tf.image.resize` computes them on a CPU.

        Args:
          patches: int32 `[m]`.
          row_bands: int32 `[m]`, 0..S-1, the band of rows inside the patch.
          column_bands: int32 `[m]`.
          k: int32 `[m]`, the proposals.

        Returns:
          float32 `[m, T, T']`. A tile with fewer pixels repeats the last ones.
        """
        y, x = self._bands(patches, row_bands, column_bands)
        down = tf.gather_nd(self.rows.pixel_weights(), y)
        across = tf.gather_nd(self.columns.pixel_weights(), x)
        return interpolate(self.corners(patches, k), down, across)

    def tile_areas(self, patches: tf.Tensor) -> tf.Tensor:
        """Number of pixels of each tile of patches `[m]`; int32 `[m, S, S']`."""
        y, x = patches // self.columns.gaps, patches % self.columns.gaps
        rows, columns = tf.gather(self.rows.counts, y), tf.gather(self.columns.counts, x)
        return rows[:, :, tf.newaxis] * columns[:, tf.newaxis, :]

    def tile_corners(
        self, patches: tf.Tensor, row_bands: tf.Tensor, column_bands: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """First row and first column of tiles, in pixels; int32 `[m]` each."""
        y, x = self._bands(patches, row_bands, column_bands)
        return tf.gather_nd(self.rows.starts, y), tf.gather_nd(self.columns.starts, x)

    def tile_sizes(
        self, patches: tf.Tensor, row_bands: tf.Tensor, column_bands: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Heights and widths of tiles, in pixels; int32 `[m]` each."""
        y, x = self._bands(patches, row_bands, column_bands)
        return tf.gather_nd(self.rows.counts, y), tf.gather_nd(self.columns.counts, x)

    def tile_mask(
        self, patches: tf.Tensor, row_bands: tf.Tensor, column_bands: tf.Tensor
    ) -> tf.Tensor:
        """True at the pixels that `tile_logits` does not repeat; bool `[m, T, T']`."""
        heights, widths = self.tile_sizes(patches, row_bands, column_bands)
        down = tf.range(self.rows.band_size) < heights[:, tf.newaxis]
        across = tf.range(self.columns.band_size) < widths[:, tf.newaxis]
        return down[:, :, tf.newaxis] & across[:, tf.newaxis, :]

    def tile_pixels(
        self, patches: tf.Tensor, row_bands: tf.Tensor, column_bands: tf.Tensor
    ) -> tf.Tensor:
        """Position in the flat picture, row * W + column, of pixels; int32 `[m, T, T']`."""
        y, x = self._bands(patches, row_bands, column_bands)
        down = tf.gather_nd(self.rows.band_pixels(), y)
        across = tf.gather_nd(self.columns.band_pixels(), x)
        return down[:, :, tf.newaxis] * self.columns.pixels + across[:, tf.newaxis, :]

    def _bands(
        self, patches: tf.Tensor, row_bands: tf.Tensor, column_bands: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Positions of tiles in the tables of rows and of columns; int32 `[m, 2]` each."""
        y, x = patches // self.columns.gaps, patches % self.columns.gaps
        return tf.stack([y, row_bands], axis=1), tf.stack([x, column_bands], axis=1)


def logit_grid(logits: tf.Tensor, image_size: tf.Tensor) -> LogitGrid:
    """Lays a picture of int32 `[2]` pixels over float32 logits `[h, w, n]`."""
    shape = tf.shape(logits)
    largest = tf.maximum(tf.maximum(tf.reduce_max(logits), -tf.reduce_min(logits)), 0.0)
    return LogitGrid(
        padded=tf.pad(logits, [[1, 1], [1, 1], [0, 0]], "SYMMETRIC"),
        rows=picture_axis(shape[0], image_size[0]),
        columns=picture_axis(shape[1], image_size[1]),
        slack=SLACK_OF_LOGITS * largest + SLACK_OF_SIGMOID,
    )


def interpolate(corners: list[tf.Tensor], down: tf.Tensor, across: tf.Tensor) -> tf.Tensor:
    """Interpolates between four corners `[m]`, first along rows; `[m, Y, X]`.

    Args:
      corners: top left, top right, bottom left, bottom right.
      down: `[m, Y]`, share of the bottom, 0..1.
      across: `[m, X]`, share of the right side, 0..1.
    """
    top_left, top_right, bottom_left, bottom_right = (x[:, tf.newaxis] for x in corners)
    top = top_left + (top_right - top_left) * across
    bottom = bottom_left + (bottom_right - bottom_left) * across
    return top[:, tf.newaxis] + (bottom - top)[:, tf.newaxis] * down[..., tf.newaxis]


def exact_sigmoid(logits: tf.Tensor) -> tf.Tensor:
    """`tf.sigmoid` whose result does not depend on the position in the tensor.

    On a CPU TensorFlow computes the last elements of a tensor, which do not fill a vector register,
    by another formula. Equal logits would then give unequal values.
    """
    size = tf.size(logits)
    flat = tf.pad(tf.reshape(logits, [-1]), [[0, -size % VECTOR]])
    return tf.reshape(tf.sigmoid(flat)[:size], tf.shape(logits))
