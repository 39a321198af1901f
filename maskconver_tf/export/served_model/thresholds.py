"""Lets a request change the thresholds of a fusion."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from maskconver_tf.inference import signatures
from maskconver_tf.inference.segmenter import Fusion

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
    """Returns the thresholds of each picture, `[B]`; the fusion's own where none is given.

    A value below 0, or no number (NaN), stands for the fusion's own. A list without a value does so
    for all pictures. The graph stops with a message if a list has neither one value nor one for
    each picture. A score threshold that is given holds for all classes, also for those with their
    own threshold, and an overlap threshold also for stuff. The fusion's own value, which is the
    default of the input, changes nothing.
    """
    own = dict(zip(threshold_names(fusion), own_thresholds(fusion)))
    limits = {
        name: _repeated(name, tf.where(value >= 0, value, own[name]), own[name], num_pictures)
        for name, value in given.items()
    }
    narrower = {}
    for name in (signatures.SCORE_THRESHOLD, signatures.OVERLAP_THRESHOLD):
        if name in limits:
            narrower |= _narrower(fusion, name, limits[name], limits[name] == own[name])
    return limits | narrower


def _repeated(name: str, values: tf.Tensor, own: tf.Tensor, num_pictures: tf.Tensor) -> tf.Tensor:
    """Returns `[B]` of values `[B]`, `[1]` or `[0]`; own `[1]` takes the place of none."""
    count = tf.size(values)
    is_right = (count <= 1) | (count == num_pictures)
    message = f"{name}: expected one value, or one for each picture of the batch; found"
    check = tf.debugging.Assert(is_right, [message, count, "values for", num_pictures, "pictures"])
    with tf.control_dependencies([check]):
        filled = tf.concat([values, own[tf.minimum(count, 1) :]], axis=0)
    return tf.broadcast_to(filled, num_pictures[tf.newaxis])


def _narrower(
    fusion: Fusion, name: str, values: tf.Tensor, is_own: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The thresholds of stuff and of classes: the fusion's own, or those of a new threshold.

    Args:
      name: of the threshold that a request may change.
      values: that threshold for each picture, float32 `[B]`.
      is_own: whether it is the fusion's own, bool `[B]`.

    Returns:
      `stuff_NAME` `[B]` and, of a score threshold, `class_score_thresholds` `[B, C]`, if the fusion
      has them.
    """
    found = {}
    if (stuff := getattr(fusion, f"stuff_{name}", None)) is not None:
        found[f"stuff_{name}"] = tf.where(is_own, stuff, values)
    if name != signatures.SCORE_THRESHOLD:
        return found
    if classes := getattr(fusion, "class_score_thresholds", ()):
        row = tf.constant([-1.0 if own is None else own for own in classes])
        found["class_score_thresholds"] = tf.where(is_own[:, tf.newaxis], row, -1.0)
    return found
