"""Makes the fields of an answer from the segments of a picture."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.inference import signatures

_COMPRESSION = 1
"""Of the PNG, 0 to 9. Maps have long runs of equal ids, so more saves little and takes longer."""


def named_fields(found: Mapping[str, tf.Tensor], categories: Categories) -> dict[str, tf.Tensor]:
    """Renames the fields of a finished prediction; adds source ids and names of the classes."""
    class_ids = found[types.SEGMENT_CLASS_IDS]
    fields = {name: found[field] for field, name in signatures.FIELDS.items()}
    return fields | {
        signatures.CATEGORY_IDS: tf.gather(tf.constant(categories.source_ids, tf.int32), class_ids),
        signatures.CATEGORY_NAMES: tf.gather(tf.constant(categories.names), class_ids),
    }


def padded_rows(fields: Mapping[str, tf.Tensor], count: int) -> dict[str, tf.Tensor]:
    """Pads the rows of segments to `count`, with 0 and empty names; adds their number.

    Fixed shapes let a server put answers for several pictures into one tensor.
    """
    rows = {name: _pad(fields[name], count) for name in signatures.ROWS}
    return rows | {signatures.NUM_SEGMENTS: tf.size(fields[signatures.SEGMENT_IDS])}


def row_specs(count: int) -> dict[str, tf.TensorSpec]:
    """Specs of what `padded_rows` returns."""
    specs = {name: tf.TensorSpec([count], tf.int32) for name in signatures.ROWS}
    return specs | {
        signatures.CATEGORY_NAMES: tf.TensorSpec([count], tf.string),
        signatures.SCORES: tf.TensorSpec([count], tf.float32),
        signatures.BOXES: tf.TensorSpec([count, 4], tf.int32),
        signatures.NUM_SEGMENTS: tf.TensorSpec([], tf.int32),
    }


def empty_rows(count: int) -> dict[str, tf.Tensor]:
    """The rows of a picture that could not be decoded."""
    return {
        name: tf.fill(spec.shape, "")
        if spec.dtype == tf.string
        else tf.zeros(spec.shape, spec.dtype)
        for name, spec in row_specs(count).items()
    }


def map_as_png(panoptic_map: tf.Tensor, largest_id: int) -> tf.Tensor:
    """Encodes ids int32 `[h, w]` as COCO does, id = R + 256 G + 65536 B; a string scalar."""
    zeros = tf.zeros_like(panoptic_map, tf.uint8)
    channels = [
        tf.cast(tf.bitwise.right_shift(panoptic_map, 8 * i) % 256, tf.uint8)
        if largest_id >= 256**i
        else zeros
        for i in range(3)
    ]
    return tf.io.encode_png(tf.stack(channels, axis=-1), compression=_COMPRESSION)


def _pad(rows: tf.Tensor, count: int) -> tf.Tensor:
    missing = count - tf.shape(rows)[0]
    if rows.dtype == tf.string:
        return tf.ensure_shape(tf.concat([rows, tf.fill([missing], "")], 0), [count])
    padding = [[0, missing]] + [[0, 0]] * (rows.shape.rank - 1)
    return tf.ensure_shape(tf.pad(rows, padding), [count, *rows.shape[1:]])
