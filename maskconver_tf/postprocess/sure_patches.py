"""Finds the patches that one proposal wins whole, from the logits at their corners alone."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.postprocess.logit_patches import LogitGrid

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
      grid: logits of n proposals.
      scores: float32 `[n]`.

    Returns:
      Owners int32 `[h * w]`: a proposal, `NOBODY` or `CONTESTED`. For the contested patches, all
      pairs of a patch and a proposal that may win a pixel there: patches int32 `[m]`, ascending,
      and proposals int32 `[m]`, ascending in each patch.
    """
    height, width = grid.rows.cells, grid.columns.cells
    elements = width * tf.maximum(tf.size(scores), 1)
    step = tf.maximum(ELEMENTS_AT_A_TIME // elements, 1)
    arrays = [growing_array([None]) for _ in range(3)]

    def add_rows(number, owners, patches, proposals):
        first = number * step
        found = _judge(grid.padded[first : first + step + 1], scores, grid.slack)
        return (
            number + 1,
            owners.write(number, tf.reshape(found[0], [-1])),
            patches.write(number, found[1] + first * width),
            proposals.write(number, found[2]),
        )

    _, *arrays = tf.while_loop(
        lambda number, *_: number * step < height, add_rows, (0, *arrays), parallel_iterations=1
    )
    owners, patches, proposals = (array.concat() for array in arrays)
    return owners, patches, proposals


def _judge(
    logits: tf.Tensor, scores: tf.Tensor, slack: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Judges the patches between logits `[rows + 1, w + 1, n]`; see `sure_patches`."""
    products = scores * tf.sigmoid(logits)
    low, high = over_corners(products, tf.minimum), over_corners(products, tf.maximum)
    reach = least_winning(tf.reduce_max(low, axis=2), slack)  # [rows, w]
    competes = tf.cast(high >= reach[..., tf.newaxis], tf.float32)
    count = tf.shape(scores)[0]
    weights = tf.stack([tf.ones([count]), tf.cast(tf.range(count), tf.float32)], axis=1)
    number, only = tf.unstack(tf.tensordot(competes, weights, 1), axis=-1)
    loudest = over_corners(tf.reduce_max(logits, axis=2, keepdims=True), tf.maximum)[..., 0]
    silent = loudest < SILENT_LOGIT - slack
    # With a reach of 0 even the only proposal may have products of 0.
    is_sure = (number == 1.0) & (reach > 0.0)
    owners = tf.where(is_sure, tf.cast(only, tf.int32), CONTESTED)
    owners = tf.where(silent, NOBODY, owners)
    flat = tf.reshape(owners, [-1])
    contested = tf.where(flat == CONTESTED)[:, 0]
    rivals = tf.gather(tf.reshape(competes, [-1, count]), contested) > 0.0
    pairs = tf.where(rivals)
    patches = tf.gather(contested, pairs[:, 0])
    return owners, tf.cast(patches, tf.int32), tf.cast(pairs[:, 1], tf.int32)


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
