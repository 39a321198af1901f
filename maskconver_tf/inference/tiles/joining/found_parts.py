"""Collects the segments of all windows, and joins them to the segments of the picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from maskconver_tf import types
from maskconver_tf.inference.tiles.joining.overlaps import WindowParts
from maskconver_tf.inference.tiles.joining.shown_parts import HIDDEN, choose_shown, joined_boxes
from maskconver_tf.inference.tiles.windows import Window
from maskconver_tf.ops.segment_extents import segment_extents
from maskconver_tf.types import Segment

_FAR = 2**40


class FoundParts:
    """The segments of all windows; each has a part number, counted from 1.

    Args:
      is_thing: bool `[C]`, of each class.
      height, width: of the picture.
    """

    def __init__(self, is_thing: np.ndarray, height: int, width: int):
        self._is_thing = is_thing
        self._size = height, width
        self._count = 0
        self._columns: list[tuple[np.ndarray, ...]] = []
        self._pairs: list[np.ndarray] = []

    def add(
        self, found: Mapping[str, np.ndarray], y: Window, x: Window
    ) -> tuple[np.ndarray, WindowParts]:
        """Numbers the segments of a window.

        Returns:
          the window's map with part numbers, int32, 0 for void; and its segments.
        """
        ids = np.asarray(found[types.SEGMENT_IDS]).astype(np.int64)
        class_ids = np.asarray(found[types.SEGMENT_CLASS_IDS]).astype(np.int64)
        scores = np.asarray(found[types.SEGMENT_SCORES]).astype(np.float64)
        index = _positions(np.asarray(found[types.PANOPTIC_MAP]), ids)
        areas, boxes = segment_extents(index, len(ids))
        boxes = boxes + np.array([y.start, x.start] * 2) * (areas > 0)[:, None]
        window = self._inner_window(y, x)
        is_cut = (areas > 0) & (boxes == window).any(axis=1)
        center = (boxes[:, :2] + boxes[:, 2:]) // 2
        owns_center = ((center >= [y.first, x.first]) & (center < [y.last, x.last])).all(axis=1)
        windows = np.broadcast_to(window, boxes.shape)
        self._columns.append((class_ids, scores, is_cut, owns_center, boxes, windows))
        base = self._count + 1
        self._count += len(ids)
        numbered = np.where(index > 0, index + (base - 1), 0).astype(np.int32)
        return numbered, WindowParts(base, class_ids, self._is_thing[class_ids], is_cut)

    def join(self, pairs: np.ndarray) -> None:
        """Notes that parts are one thing, int `[m, 2]`."""
        self._pairs.append(pairs)

    def _column(self, number: int) -> np.ndarray:
        return np.concatenate([columns[number] for columns in self._columns])

    def shown(self) -> np.ndarray:
        """Decides how each part number is shown, int8 `[n + 1]`; see `shown_parts`."""
        if not self._count:
            return np.full(1, HIDDEN, np.int8)
        class_ids = self._column(0)
        cut_and_places = (self._column(number) for number in range(2, 6))
        _, group = self._groups(class_ids)
        shown = choose_shown(self._is_thing[class_ids], *cut_and_places, group)
        return np.concatenate([[HIDDEN], shown]).astype(np.int8)

    def segments(self, bands: Iterable[np.ndarray]) -> tuple[list[Segment], np.ndarray]:
        """Joins the parts.

        Args:
          bands: the part that each pixel shows, int `[n, width]`, from the top.

        Returns:
          the segments, highest score first, ids from 1; and the id of each part, int32 `[n + 1]`,
          0 for void. The score of a segment is the mean over its pixels.
        """
        if not self._count:
            return [], np.zeros(1, np.int32)
        areas, boxes = _extents_of_bands(bands, self._count)
        class_ids = self._column(0)
        count, group = self._groups(class_ids)
        area = np.bincount(group, weights=areas, minlength=count).astype(np.int64)
        score = np.bincount(group, weights=self._column(1) * areas, minlength=count)
        score /= np.maximum(area, 1)
        seen = areas > 0
        box = joined_boxes(group[seen], count, boxes[seen])
        of_class = np.zeros(count, np.int64)
        of_class[group] = class_ids
        kept = np.flatnonzero(area)
        order = kept[np.argsort(-score[kept], kind="stable")]
        segment_id = np.zeros(count, np.int32)
        segment_id[order] = np.arange(1, len(order) + 1)
        columns = (of_class, score, area, box)
        rows = zip(*(column[order].tolist() for column in columns), strict=True)
        segments = [
            Segment(number, class_id, score=score, area=area, box=tuple(box))
            for number, (class_id, score, area, box) in enumerate(rows, start=1)
        ]
        return segments, np.concatenate([[0], segment_id[group]]).astype(np.int32)

    def _groups(self, class_ids: np.ndarray) -> tuple[int, np.ndarray]:
        """Returns the number of groups, and the group of each part; stuff of a class is one."""
        pairs = np.concatenate([np.zeros((0, 2), np.int64), *self._pairs]) - 1
        stuff = np.flatnonzero(~self._is_thing[class_ids])
        first_of_class = np.full(len(self._is_thing), -1)
        first_of_class[class_ids[stuff[::-1]]] = stuff[::-1]
        pairs = np.concatenate([pairs, np.stack([stuff, first_of_class[class_ids[stuff]]], 1)])
        ones = np.ones(len(pairs), np.bool_)
        graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(self._count, self._count))
        return connected_components(graph, directed=False)

    def _inner_window(self, y: Window, x: Window) -> np.ndarray:
        """What a window sees, (y0, x0, y1, x1); edges of the picture are far away."""
        height, width = self._size
        return np.array(
            [
                y.start if y.start > 0 else -_FAR,
                x.start if x.start > 0 else -_FAR,
                y.end if y.end < height else _FAR,
                x.end if x.end < width else _FAR,
            ]
        )


def _positions(panoptic_map: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Replaces segment ids by positions in the list, counted from 1; int64, 0 for void."""
    order = np.argsort(ids)
    known = np.concatenate([[0], ids[order]])
    positions = np.concatenate([[0], order + 1])
    return positions[np.searchsorted(known, panoptic_map)]


def _extents_of_bands(bands: Iterable[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns area and box of each part in the whole picture, as `segment_extents` does."""
    areas, boxes = np.zeros(count, np.int64), np.zeros((count, 4), np.int64)
    boxes[:, :2] = _FAR
    top = 0
    for band in bands:
        more, places = segment_extents(band, count)
        places += np.array([top, 0] * 2)
        areas += more
        boxes[:, :2] = np.where(more[:, None] > 0, np.minimum(boxes, places)[:, :2], boxes[:, :2])
        boxes[:, 2:] = np.where(more[:, None] > 0, np.maximum(boxes, places)[:, 2:], boxes[:, 2:])
        top += len(band)
    return areas, boxes
