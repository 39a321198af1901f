"""From a map of classes and a map of instances to segments."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Problem, listed
from maskconver_tf.datasets.sources.source import FileItem, SourceSegment, Truth
from maskconver_tf.types import PAD_ID


def class_map(
    item: FileItem,
    file: str,
    labels: np.ndarray,
    categories: Categories,
    void_ids: Collection[int],
) -> np.ndarray:
    """Contiguous class ids `[h, w]` of source category ids `[h, w]`, `PAD_ID` for void.

    Args:
      void_ids: labels that mean void, unless a category has that id.

    Raises:
      Refused: a label is neither.
    """
    order = np.argsort(categories.source_ids)
    ids = categories.source_ids[order]
    position = np.minimum(np.searchsorted(ids, labels), len(ids) - 1)
    known = ids[position] == labels
    stray = sorted(set(np.unique(labels[~known]).tolist()) - set(void_ids))
    if stray:
        raise item.refusal(file, Problem.UNKNOWN_LABEL, f"label {listed(stray)}")
    return np.where(known, order[position], PAD_ID)


def segments_of(
    class_ids: np.ndarray,
    instances: np.ndarray,
    categories: Categories,
    lone_things_are_crowds: bool = True,
) -> Truth:
    """One segment for each class of stuff, and for each instance of each class of things.

    Segments are numbered from 1, by class and then by instance. Instance numbers of stuff mean
    nothing. Pixels of a thing without instance (0) are one crowd of their class, or void.

    Args:
      class_ids: `[h, w]` contiguous class ids, `PAD_ID` for void.
      instances: `[h, w]`, 0 for none; need not differ between classes.
      lone_things_are_crowds: what becomes of things without instance.
    """
    if instances.shape != class_ids.shape:
        raise ValueError(f"maps of {class_ids.shape} and {instances.shape}")
    is_thing = np.append(categories.is_thing, False)[class_ids]  # PAD_ID is the last.
    instances = np.where(is_thing, instances, 0).astype(np.int64)
    if not lone_things_are_crowds:
        class_ids = np.where(is_thing & (instances == 0), PAD_ID, class_ids)
    # Class and instance side by side in 64 bits, so that neither runs into the other.
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
    return Truth(ids.astype(np.int32), tuple(segments))
