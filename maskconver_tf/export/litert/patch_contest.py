"""Gives each pixel to a proposal, in operations that LiteRT has, for a picture of the input size.

Between four neighboring cell centers there is a *patch* of stride x stride pixels. The logits at
its corners bound those inside. Most patches have one possible winner; only the others are
interpolated pixel by pixel.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

RIVALS = 6
"""Proposals that are compared in a patch, those with the largest product at a corner. More of them
hardly ever compete for the same 16 pixels."""


@dataclasses.dataclass(frozen=True)
class Patches:
    """The mask logits of K proposals, cut into patches.

    The grid of logits gets a border of copies, so that the outer pixels have patches, too.

    Attributes:
      grid: (h, w), cells of the mask grid.
      stride: S, pixels per cell, even.
      flat: float32 `[(h + 2) * (w + 2) * K]`, the logits with their border.
      low: float32 `[P, K]`, the least logit at the corners of each patch, P = (h + 1) * (w + 1).
      high: float32 `[P, K]`, the largest.
    """

    grid: tuple[int, int]
    stride: int
    flat: tf.Tensor
    low: tf.Tensor
    high: tf.Tensor

    @property
    def num_proposals(self) -> int:
        return self.low.shape[1]

    def pixel_logits(self, patches: tf.Tensor, proposals: tf.Tensor) -> tf.Tensor:
        """Interpolates as `tf.image.resize` does.

        Args:
          patches: int32 `[m, 1]`.
          proposals: int32 `[m, r]`.

        Returns:
          float32 `[m, S * S, r]`.
        """
        columns = self.grid[1] + 1
        cells = patches // columns * (columns + 1) + patches % columns
        corners = []
        for offset in (0, 1, columns + 1, columns + 2):
            positions = (cells + offset) * self.num_proposals + proposals
            corners.append(tf.gather(self.flat, positions)[:, tf.newaxis])  # [m, 1, r]
        top_left, top_right, bottom_left, bottom_right = corners
        down, across = (tf.constant(x[:, np.newaxis]) for x in _shares(self.stride))
        top = top_left + (top_right - top_left) * across
        bottom = bottom_left + (bottom_right - bottom_left) * across
        return top + (bottom - top) * down

    def inside(self) -> np.ndarray:
        """Which pixels of each patch belong to the picture; float32 `[P, S * S]`, 1 or 0."""
        half = self.stride // 2
        sides = []
        for cells in self.grid:
            side = np.zeros([cells + 1, self.stride], np.float32)
            side.reshape(-1)[half:-half] = 1.0
            sides.append(side)
        both = sides[0][:, np.newaxis, :, np.newaxis] * sides[1][np.newaxis, :, np.newaxis, :]
        return both.reshape(-1, self.stride**2)


def cut_patches(logits: tf.Tensor, stride: int) -> Patches:
    """Cuts logits float32 `[h, w, K]` into patches."""
    height, width, _ = logits.shape
    x = tf.concat([logits[:1], logits, logits[-1:]], axis=0)
    x = tf.concat([x[:, :1], x, x[:, -1:]], axis=1)
    bounds = []
    for combine in (tf.minimum, tf.maximum):
        rows = combine(x[:-1], x[1:])
        both = combine(rows[:, :-1], rows[:, 1:])
        bounds.append(tf.reshape(both, [(height + 1) * (width + 1), -1]))
    return Patches((height, width), stride, tf.reshape(x, [-1]), *bounds)


def winners(patches: Patches, scores: tf.Tensor) -> tf.Tensor:
    """Finds the proposal with the largest score x sigmoid(logit) at each pixel.

    Args:
      patches: of K proposals.
      scores: float32 `[K]`, 0 for a proposal that takes no part.

    Returns:
      int32 `[H, W]`, -1 where every product is 0.
    """
    low, high = (scores * tf.sigmoid(x) for x in (patches.low, patches.high))
    reach = tf.reduce_max(low, axis=1)
    rivals = tf.reduce_sum(tf.cast(high >= reach[:, tf.newaxis], tf.int32), axis=1)
    is_open = (rivals > 1) | (reach <= 0.0)
    owners = tf.argmax(low, axis=1, output_type=tf.int32)
    count = owners.shape[0]
    # One more than needed, because some kernels fail on empty tensors.
    chosen = tf.concat([tf.cast(tf.where(is_open)[:, 0], tf.int32), [0]], axis=0)
    found = _contest(patches, scores, chosen, tf.gather(high, chosen))
    whole = tf.tile(owners[:, tf.newaxis], [1, patches.stride**2])
    later = count + tf.cumsum(tf.cast(is_open, tf.int32)) - 1
    order = tf.where(is_open, later, tf.range(count))
    return _assemble(patches, tf.gather(tf.concat([whole, found], axis=0), order))


def mask_areas(patches: Patches, valid: tf.Tensor) -> tf.Tensor:
    """Counts the pixels whose logit is above 0; float32 `[K]`, right where bool `[K]` is True."""
    inside = patches.inside()
    sizes = tf.constant(inside.sum(axis=1, keepdims=True))
    whole = tf.reduce_sum(tf.where(patches.low > 0.0, sizes, 0.0), axis=0)
    crossed = (patches.low <= 0.0) & (patches.high > 0.0) & valid
    places = tf.cast(tf.where(crossed), tf.int32)
    places = tf.concat([places, [[0, 0]]], axis=0)
    patch, proposal = places[:, :1], places[:, 1:]
    above = patches.pixel_logits(patch, proposal)[:, :, 0] > 0.0
    counted = tf.gather(tf.constant(inside), patch[:, 0])
    counts = tf.reduce_sum(tf.where(above, counted, 0.0), axis=1)
    real = tf.range(tf.size(counts)) < tf.size(counts) - 1  # The last one was added.
    counts = tf.where(real, counts, 0.0)
    return whole + tf.math.unsorted_segment_sum(counts, proposal[:, 0], patches.num_proposals)


def _contest(patches: Patches, scores: tf.Tensor, chosen: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
    """Winner at each pixel of the chosen patches int32 `[m]`; int32 `[m, S * S]`."""
    rivals = tf.math.top_k(high, min(RIVALS, patches.num_proposals)).indices  # [m, r]
    logits = patches.pixel_logits(chosen[:, tf.newaxis], rivals)
    products = tf.gather(scores, rivals)[:, tf.newaxis] * tf.sigmoid(logits)
    best = tf.reduce_max(products, axis=2, keepdims=True)
    # Among equal products the first proposal wins.
    leads = tf.where(products >= best, rivals[:, tf.newaxis], patches.num_proposals)
    return tf.where(best[:, :, 0] > 0.0, tf.reduce_min(leads, axis=2), -1)


def _assemble(patches: Patches, pixels: tf.Tensor) -> tf.Tensor:
    """Puts the pixels `[P, S * S]` of all patches in their places and cuts the border off."""
    stride, (height, width) = patches.stride, patches.grid
    pixels = tf.reshape(pixels, [height + 1, width + 1, stride, stride])
    pixels = tf.transpose(pixels, [0, 2, 1, 3])
    pixels = tf.reshape(pixels, [(height + 1) * stride, (width + 1) * stride])
    half = stride // 2
    return pixels[half:-half, half:-half]


def _shares(stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the bottom and of the right corners at each pixel; float32 `[S * S]` each."""
    share = (np.arange(stride, dtype=np.float32) + 0.5) / stride
    down, across = np.meshgrid(share, share, indexing="ij")
    return down.reshape(-1), across.reshape(-1)
