"""Maps the rows or columns of a picture to the cells of a grid, as bilinear resize does."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

LEAST_BAND = 5
"""The pixels between two cells are split into bands of about this many pixels."""


@dataclasses.dataclass(frozen=True)
class PictureAxis:
    """The rows, or the columns, of a picture over a grid of N cells.

    A *gap* lies between the centers of two neighboring cells. Gap g is between cells g - 1 and g.
    Gap 0 lies before the first center and gap N behind the last one; the value of the border
    continues there. The pixels of a gap are split into S bands of at most T pixels. In a picture
    smaller than the grid many bands are empty.

    Attributes:
      pixels: int32 scalar L, number of pixels.
      gaps: int32 scalar N + 1.
      gap_of: int32 `[L]`, the gap of each pixel.
      weights: float32 `[L]`, 0..1, the share of the second cell in the interpolated value.
      starts: int32 `[N + 1, S]`, the first pixel of each band.
      counts: int32 `[N + 1, S]`, 0..T, the number of its pixels.
      band_size: int32 scalar T.
    """

    pixels: tf.Tensor
    gaps: tf.Tensor
    gap_of: tf.Tensor
    weights: tf.Tensor
    starts: tf.Tensor
    counts: tf.Tensor
    band_size: tf.Tensor

    @property
    def splits(self) -> tf.Tensor:
        """int32 scalar S, bands of a gap."""
        return tf.shape(self.starts)[1]

    def sizes(self) -> tf.Tensor:
        """int32 `[N + 1]`, number of pixels of each gap."""
        return tf.reduce_sum(self.counts, axis=1)

    def band_of_pixel(self) -> tf.Tensor:
        """int32 `[L]` in 0..(N+1)*S-1: the band of each pixel, counted over all gaps."""
        first = tf.gather(self.starts[:, 0], self.gap_of)
        return self.gap_of * self.splits + (tf.range(self.pixels) - first) // self.band_size

    def end_weights(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Weights of the first and of the last pixel of each band; float32 `[N + 1, S]` each."""
        last = self.starts + tf.maximum(self.counts, 1) - 1
        return self._weights_at(self.starts), self._weights_at(last)

    def band_pixels(self) -> tf.Tensor:
        """int32 `[N + 1, S, T]`: the pixels of each band. A short band repeats its last pixel."""
        steps = tf.minimum(
            tf.range(self.band_size), tf.maximum(self.counts, 1)[..., tf.newaxis] - 1
        )
        return tf.minimum(self.starts[..., tf.newaxis] + steps, self.pixels - 1)

    def pixel_weights(self) -> tf.Tensor:
        """float32 `[N + 1, S, T]`: the weights of `band_pixels`."""
        return tf.gather(self.weights, self.band_pixels())

    def _weights_at(self, pixels: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.weights, tf.minimum(pixels, self.pixels - 1))


def picture_axis(cells: tf.Tensor, pixels: tf.Tensor) -> PictureAxis:
    """Lays `pixels` pixels over `cells` cells (int32 scalars, at least 1).

    The positions are those of `tf.image.resize(method="bilinear")`, in the same float32 arithmetic.
    """
    scale = tf.cast(cells, tf.float32) / tf.cast(pixels, tf.float32)
    positions = (tf.cast(tf.range(pixels), tf.float32) + 0.5) * scale - 0.5
    below = tf.floor(positions)
    gap_of = tf.clip_by_value(tf.cast(below, tf.int32) + 1, 0, cells)
    ends = tf.searchsorted(gap_of, tf.range(cells + 1), side="right")
    starts = tf.concat([[0], ends[:-1]], axis=0)
    longest = tf.reduce_max(ends - starts)
    splits = tf.maximum(longest // LEAST_BAND, 1)
    band_size = -(-longest // splits)
    band_starts = starts[:, tf.newaxis] + band_size * tf.range(splits)
    return PictureAxis(
        pixels=pixels,
        gaps=cells + 1,
        gap_of=gap_of,
        weights=positions - below,
        starts=band_starts,
        counts=tf.clip_by_value(ends[:, tf.newaxis] - band_starts, 0, band_size),
        band_size=band_size,
    )
