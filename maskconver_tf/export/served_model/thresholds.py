"""Lets a request change the thresholds of a fusion."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from maskconver_tf.inference import signatures
from maskconver_tf.inference.segmenter import Fusion

OWN = -1
"""A threshold below 0 stands for the fusion's own."""

_DTYPES = {
    signatures.SCORE_THRESHOLD: tf.float32,
    signatures.OVERLAP_THRESHOLD: tf.float32,
    signatures.MIN_AREA: tf.int32,
}


def threshold_names(fusion: Fusion) -> list[str]:
    """Names of the thresholds that this kind of fusion has."""
    return [name for name in _DTYPES if hasattr(fusion, name)]


def threshold_specs(fusion: Fusion) -> list[tf.TensorSpec]:
    """Specs of the inputs: one value for each picture `[B]`, or for all of them `[1]`."""
    return [tf.TensorSpec([None], _DTYPES[name], name=name) for name in threshold_names(fusion)]


def own_thresholds(fusion: Fusion) -> list[tf.Tensor]:
    """The default of each input, `[1]`: the fusion's own threshold."""
    return [tf.constant([getattr(fusion, name)], _DTYPES[name]) for name in threshold_names(fusion)]


def for_each_picture(
    fusion: Fusion, given: Mapping[str, tf.Tensor], num_pictures: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Returns the thresholds of each picture, `[B]`; the fusion's own where none is given."""
    own = dict(zip(threshold_names(fusion), own_thresholds(fusion)))
    return {
        name: tf.broadcast_to(tf.where(value < 0, own[name], value), num_pictures[tf.newaxis])
        for name, value in given.items()
    }
