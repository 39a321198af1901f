"""Replaces the segment ids of a panoptic map by the positions in its list of segments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskconver_tf.errors import UserError
from maskconver_tf.types import VOID_SEGMENT_ID, Segment


def number_segments(
    panoptic_map: np.ndarray, segments: Sequence[Segment], where: str
) -> np.ndarray:
    """Returns the number of each pixel's segment: its position in `segments`, from 1.

    Args:
      panoptic_map: integers `[h, w]`, `VOID_SEGMENT_ID` for void.
      segments: the segments of the map, in any order.
      where: name of the map in messages: "image 7: the predicted map".

    Returns:
      int64 `[h, w]`, i for the i-th listed segment (counted from 1), 0 for void.

    Raises:
      UserError: the map does not have whole numbers, or its ids and those of the list differ.
    """
    ids = listed_ids(panoptic_map, segments, where)
    # Most neighboring pixels share a segment, so only the start of each run is looked up.
    flat = panoptic_map.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    positions = _positions(flat[starts].astype(np.int64), ids, where)
    return np.repeat(positions, np.diff(starts, append=flat.size)).reshape(panoptic_map.shape)


def listed_ids(panoptic_map: np.ndarray, segments: Sequence[Segment], where: str) -> np.ndarray:
    """Returns `VOID_SEGMENT_ID` and the id of each segment, int64 `[n + 1]`.

    Raises:
      UserError: the map does not have whole numbers, or an id is listed twice.
    """
    _check_map(panoptic_map, where)
    ids = np.array([VOID_SEGMENT_ID, *(segment.id for segment in segments)], np.int64)
    _check_ids(ids, where)
    return ids


def check_every_segment_has_pixels(
    areas: np.ndarray, segments: Sequence[Segment], where: str
) -> None:
    """Raises `UserError` for the first segment without a pixel; `areas` has all areas, `[n]`."""
    for segment, area in zip(segments, areas, strict=True):
        if area == 0:
            raise UserError(
                f"{where} has no pixel of segment {segment.id}, which is listed; "
                "expected a pixel of each listed segment. Remove it from the list"
            )


def _positions(values: np.ndarray, ids: np.ndarray, where: str) -> np.ndarray:
    """Returns the position in `ids` of each value; int64, in the shape of `values`."""
    order = np.argsort(ids)
    positions = order[np.searchsorted(ids, values, sorter=order).clip(max=len(ids) - 1)]
    unlisted = values[ids[positions] != values]
    if unlisted.size:
        raise UserError(
            f"{where} has pixels of segment {unlisted[0]}, which is not listed; list every "
            f"segment of the map and paint the rest {VOID_SEGMENT_ID} (void)"
        )
    return positions


def _check_map(panoptic_map: np.ndarray, where: str) -> None:
    is_integer = np.issubdtype(panoptic_map.dtype, np.integer)
    if panoptic_map.ndim != 2 or panoptic_map.size == 0 or not is_integer:
        raise UserError(
            f"{where} is {panoptic_map.dtype} of shape {panoptic_map.shape}; "
            "expected whole numbers of shape [height, width]. Convert the map"
        )


def _check_ids(ids: np.ndarray, where: str) -> None:
    values, counts = np.unique(ids, return_counts=True)
    for value in values[counts > 1]:
        finding = "is reserved for void" if value == VOID_SEGMENT_ID else "is listed twice"
        raise UserError(f"{where}: segment id {value} {finding}; give each segment its own id")
