"""Makes segments from a map of labels and a map of instances."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Problem, shortened_list
from maskconver_tf.datasets.sources.source import FilePicture, PanopticTruth, SourceSegment
from maskconver_tf.types import PAD_ID


def class_ids_of_labels(
    picture: FilePicture,
    file: str,
    labels: np.ndarray,
    categories: Categories,
    void_ids: Collection[int],
) -> np.ndarray:
    """Maps labels, which are source category ids, to contiguous class ids.

    Args:
      picture: the picture, for the finding.
      file: the file of the labels, for the finding.
      labels: int `[h, w]`.
      void_ids: labels that mean void, unless a category has that id.

    Returns:
      int `[h, w]`, `PAD_ID` for void.

    Raises:
      UnusablePicture: a label is neither a category id nor in `void_ids`.
    """
    order = np.argsort(categories.source_ids)
    ids = categories.source_ids[order]
    position = np.minimum(np.searchsorted(ids, labels), len(ids) - 1)
    known = ids[position] == labels
    stray = sorted(set(np.unique(labels[~known]).tolist()) - set(void_ids))
    if stray:
        raise picture.unusable(file, Problem.UNKNOWN_LABEL, f"label {shortened_list(stray)}")
    return np.where(known, order[position], PAD_ID)


def truth_from_maps(
    class_ids: np.ndarray,
    instances: np.ndarray,
    categories: Categories,
    lone_things_are_crowds: bool = True,
) -> PanopticTruth:
    """Makes one segment for each stuff class and one for each instance of each thing class.

    Segments are numbered from 1, by class and then by instance. Instance numbers of stuff are
    ignored.

    Args:
      class_ids: `[h, w]`, contiguous class ids, `PAD_ID` for void.
      instances: `[h, w]`, instance numbers, 0 for no instance. Two classes may use the same number.
      lone_things_are_crowds: if True, the thing pixels without an instance are one crowd segment
        of their class; if False, they are void.
    """
    if instances.shape != class_ids.shape:
        raise ValueError(
            f"class_ids has shape {class_ids.shape} and instances {instances.shape}; "
            "expected one shape"
        )
    is_thing = np.append(categories.is_thing, False)[class_ids]  # PAD_ID, -1, is the last index.
    instances = np.where(is_thing, instances, 0).astype(np.int64)
    if not lone_things_are_crowds:
        class_ids = np.where(is_thing & (instances == 0), PAD_ID, class_ids)
    # Each key has the class in its upper 32 bits and the instance in its lower 32 bits.
    keys = (class_ids.astype(np.int64) - PAD_ID << 32) | instances
    values, inverse = np.unique(keys, return_inverse=True)
    has_void = values[0] >> 32 == 0
    segments = []
    for number, value in enumerate(values[int(has_void) :].tolist(), start=1):
        class_id = (value >> 32) + PAD_ID
        thing = bool(categories.is_thing[class_id])
        is_crowd = thing and value & 0xFFFFFFFF == 0
        segments.append(SourceSegment(number, class_id, thing, is_crowd))
    ids = inverse.reshape(keys.shape) + (0 if has_void else 1)
    return PanopticTruth(ids.astype(np.int32), tuple(segments))
