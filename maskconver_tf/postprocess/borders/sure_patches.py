"""Finds the patches that one proposal wins whole, from the logits at their corners alone."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.postprocess.borders.logit_patches import LogitGrid

NOBODY = -1
"""Owner of a patch, tile or pixel that no proposal wins: every product is 0 there."""
CONTESTED = -2
"""In place of an owner: several proposals may win, so smaller parts must be looked at."""
SILENT_LOGIT = -110.0
"""The float32 sigmoid of this logit and of lower ones is 0."""
LEAST_PRODUCT = 1e-30
"""Smaller products are near the end of float32's range. Bounds below it decide nothing."""
ELEMENTS_AT_A_TIME = 2**20
"""Logits in memory at a time, for each temporary tensor."""


def sure_patches(grid: LogitGrid, scores: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Bounds all products in each patch and names the winner where there can be only one.

    The product of a proposal in a patch lies between its products at the four corners. So a
    proposal can win only where its largest product reaches the best of all least products.

    Args:
      grid: logits of n proposals over P patches.
      scores: float32 `[n]`.

    Returns:
      Owners int32 `[P]`: a proposal, `NOBODY` (also without pixels) or `CONTESTED`. For the
      contested patches, all pairs of a patch and a proposal that may win a pixel there: patches
      int32 `[m]`, ascending, and proposals int32 `[m]`, ascending in each patch.
    """
    height, width = grid.rows.gaps, grid.columns.gaps
    heights, widths = grid.rows.sizes(), grid.columns.sizes()
    elements = width * tf.maximum(tf.size(scores), 1)
    step = tf.maximum(ELEMENTS_AT_A_TIME // elements, 1)
    arrays = [growing_array([None]) for _ in range(3)]

    def add_rows(number, owners, patches, proposals):
        first = number * step
        logits = grid.padded[first : first + step + 1]
        pixels = heights[first : first + step, tf.newaxis] * widths
        found = _judge(logits, scores, pixels, grid.slack)
        return (
            number + 1,
            owners.write(number, found[0]),
            patches.write(number, found[1] + first * width),
            proposals.write(number, found[2]),
        )

    _, *arrays = tf.while_loop(
        lambda number, *_: number * step < height, add_rows, (0, *arrays), parallel_iterations=1
    )
    owners, patches, proposals = (array.concat() for array in arrays)
    return owners, patches, proposals


def _judge(
    logits: tf.Tensor, scores: tf.Tensor, pixels: tf.Tensor, slack: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Judges patches with `pixels` `[rows, w]` between logits `[rows + 1, w + 1, n]`."""
    products = scores * tf.sigmoid(logits)
    low, high = over_corners(products, tf.minimum), over_corners(products, tf.maximum)
    reach = least_winning(tf.reduce_max(low, axis=2), slack)  # [rows, w]
    loudest = over_corners(tf.reduce_max(logits, axis=2, keepdims=True), tf.maximum)[..., 0]
    lost = (loudest < SILENT_LOGIT - slack) | (pixels == 0)
    # Nobody competes in lost patches.
    competes = high >= tf.where(lost, float("inf"), reach)[..., tf.newaxis]
    size = tf.size(lost)
    rivals = tf.cast(tf.where(tf.reshape(competes, [size, tf.size(scores)])), tf.int32)
    patches, proposals = rivals[:, 0], rivals[:, 1]
    number = tf.math.unsorted_segment_sum(tf.ones_like(patches), patches, size)
    only = tf.math.unsorted_segment_max(proposals, patches, size)
    # With a reach of 0 even the only proposal may have products of 0.
    is_sure = (number == 1) & (tf.reshape(reach, [-1]) > 0.0)
    owners = tf.where(is_sure, only, CONTESTED)
    owners = tf.where(tf.reshape(lost, [-1]), NOBODY, owners)
    contested = tf.gather(owners, patches) == CONTESTED
    return owners, tf.boolean_mask(patches, contested), tf.boolean_mask(proposals, contested)


def least_winning(best: tf.Tensor, slack: tf.Tensor) -> tf.Tensor:
    """The bound that a product must reach to win where another one has at least `best`."""
    reach = best * tf.exp(-slack)
    return tf.where(reach > LEAST_PRODUCT, reach, 0.0)


def over_corners(cells: tf.Tensor, combine) -> tf.Tensor:
    """Combines the four corners of each patch: `[rows + 1, w + 1, n]` to `[rows, w, n]`."""
    pairs = combine(cells[:-1], cells[1:])
    return combine(pairs[:, :-1], pairs[:, 1:])


def growing_array(shape: list[int | None]) -> tf.TensorArray:
    """An int32 array that grows by tensors of the given shape, for the parts of a loop."""
    return tf.TensorArray(
        tf.int32, size=0, dynamic_size=True, infer_shape=False, element_shape=shape
    )
