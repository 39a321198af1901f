"""Which cells of a center heatmap are negatives, and which are ignored."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf import types

NEGATIVE, IGNORED = "negative", "ignored"


def negative_cells(
    labels: dict[str, tf.Tensor], level: int, height: int, width: int, padding: str, void: str
) -> tf.Tensor:
    """Marks the cells of a level that count as negatives where they are no center.

    A cell with a labelled pixel always counts. Of the others, a cell without a pixel of the picture
    is padding, and a cell with one is void.

    Args:
      labels: `SLOT_MAP` and `CONTENT_SIZE`. Without `CONTENT_SIZE` there is no padding.
      level: the pyramid level; a cell has 2^level input pixels a side.
      height, width: of the level, in cells.
      padding, void: `NEGATIVE` or `IGNORED`.

    Returns:
      float32 `[B, height, width]`, 1 for a cell that counts, 0 for an ignored one.
    """
    slot_map = labels[types.SLOT_MAP]
    if padding == void == NEGATIVE:
        return tf.ones([tf.shape(slot_map)[0], height, width])
    valid = valid_cells(slot_map, height, width)
    if padding == void or types.CONTENT_SIZE not in labels:
        return tf.ones_like(valid) if void == NEGATIVE else valid
    content = content_cells(labels[types.CONTENT_SIZE], level, height, width)
    return tf.maximum(valid, 1.0 - content if padding == NEGATIVE else content)


def content_cells(content_size: tf.Tensor, level: int, height: int, width: int) -> tf.Tensor:
    """Marks the cells that have a pixel of the picture; 0 or 1, float32 `[B, height, width]`.

    Args:
      content_size: int `[B, 2]`, height and width of each picture in input pixels.
      level: the pyramid level.
      height, width: of the level, in cells.
    """
    limits = content_size[:, :, tf.newaxis]  # [B, 2, 1]
    rows = tf.range(height) * 2**level < limits[:, 0]  # [B, height]
    columns = tf.range(width) * 2**level < limits[:, 1]  # [B, width]
    return tf.cast(rows[:, :, tf.newaxis] & columns[:, tf.newaxis, :], tf.float32)


def valid_cells(slot_map: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Marks the cells of a coarser grid that have a labelled pixel; 0 or 1, float32 `[B, h, w]`.

    The grid may extend past the map at the bottom and right by less than one cell.
    """
    rows, columns = slot_map.shape[1:]
    # The ratio of strides is a power of two. If the grid extends past the map, the ratio of sizes
    # is smaller, but more than half of it.
    at_least = max(-(-rows // height), -(-columns // width))
    ratio = 1 << (at_least - 1).bit_length()
    overhang = [[0, 0], [0, height * ratio - rows], [0, width * ratio - columns]]
    valid = tf.pad(tf.cast(slot_map != types.VOID, tf.float32), overhang)
    cells = tf.reshape(valid, [-1, height, ratio, width, ratio])
    return tf.reduce_max(cells, axis=[2, 4])
