"""Compares the segments of a record with those that the source gives for the same picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from maskconver_tf.datasets.findings import shortened_list
from maskconver_tf.datasets.records.codec import PanopticRecord


@dataclasses.dataclass(frozen=True)
class SegmentComparison:
    """The result of a comparison.

    Attributes:
      differences: one text per segment that differs, which names its id and both sides.
      num_missing: segments of the source that the record lacks.
      num_extra: segments of the record that the source does not have.
    """

    differences: tuple[str, ...]
    num_missing: int
    num_extra: int


def compare_segments(
    stored: PanopticRecord,
    record: PanopticRecord,
    stored_names: tuple[str, ...],
    names: tuple[str, ...],
) -> SegmentComparison:
    """Compares ids, classes, crowd marks and pixels.

    Args:
      stored: the record in the dataset folder.
      record: what a build makes of the source's picture now.
      stored_names, names: the class names of the dataset folder and of the source.
    """
    found, expected = _Side(stored, stored_names), _Side(record, names)
    num_common = len(found.index.keys() & expected.index.keys())
    return SegmentComparison(
        tuple(_differences(found, expected)),
        num_missing=len(expected.ids) - num_common,
        num_extra=len(found.ids) - num_common,
    )


class _Side:
    """The segments of one side: of the record, or of the source.

    Attributes:
      ids: id of each segment.
      index: id -> position in `ids`.
      id_map: int64 `[h, w]`: segment ids, 0 for void, -1 for a number that no segment has.
      areas: id -> pixels.
    """

    def __init__(self, record: PanopticRecord, names: tuple[str, ...]):
        self.ids = record.segment_ids.tolist()
        self.index = {segment_id: i for i, segment_id in enumerate(self.ids)}
        self.is_crowd = record.segment_is_crowd.tolist()
        self._class_ids = record.segment_class_ids.tolist()
        self._names = names
        highest = int(record.segment_map.max(initial=0))
        by_number = np.full(max(highest, len(self.ids)) + 1, -1, np.int64)
        by_number[: len(self.ids) + 1] = [0, *self.ids]
        self.unlisted = list(range(len(self.ids) + 1, highest + 1))
        self.id_map = by_number[record.segment_map]
        present, counts = np.unique(self.id_map, return_counts=True)
        self.areas = dict(zip(present.tolist(), counts.tolist(), strict=True))

    def class_of(self, segment_id: int) -> int:
        return self._class_ids[self.index[segment_id]]

    def class_text(self, segment_id: int) -> str:
        class_id = self.class_of(segment_id)
        known = 0 <= class_id < len(self._names)
        return f"class {class_id} ({self._names[class_id] if known else 'not in the class list'})"

    def describe(self, segment_id: int) -> str:
        """Returns, say, "class 3 (dog), crowd, 120 pixels"."""
        crowd = ", crowd" if self.is_crowd[self.index[segment_id]] else ""
        return f"{self.class_text(segment_id)}{crowd}, {self.areas.get(segment_id, 0)} pixels"

    def at(self, segment_id: int) -> str:
        """Names what the map shows: a segment, void, or a number that is not listed."""
        if segment_id in self.index:
            return f"segment id {segment_id}, {self.class_text(segment_id)}"
        return "void" if segment_id == 0 else "a number without a segment"


def _differences(found: _Side, expected: _Side) -> Iterator[str]:
    repeated = sorted({i for i in found.ids if found.ids.count(i) > 1}) if _repeats(found) else []
    for segment_id in repeated:
        yield f"segment id {segment_id}: the record lists it {found.ids.count(segment_id)} times"
    if found.unlisted:
        yield (
            f"the record's map has the segment numbers {shortened_list(found.unlisted)}, and its "
            f"list has {len(found.ids)} segments"
        )
    same_size = found.id_map.shape == expected.id_map.shape
    if not same_size:
        yield "the record's map has {1} x {0} pixels, the source's {3} x {2}".format(
            *found.id_map.shape, *expected.id_map.shape
        )
    different = found.id_map != expected.id_map if same_size else None
    for segment_id in expected.ids:
        yield from _segment_differences(segment_id, found, expected, different)
    for segment_id in found.index.keys() - expected.index.keys():
        there = _mostly(expected, found.id_map == segment_id) if same_size else ""
        yield (
            f"segment id {segment_id}: the record has {found.describe(segment_id)}, the source has "
            f"no such segment{there}"
        )


def _repeats(side: _Side) -> bool:
    return len(side.index) < len(side.ids)


def _segment_differences(
    segment_id: int, found: _Side, expected: _Side, different: np.ndarray | None
) -> Iterator[str]:
    """Compares one segment of the source with the record.

    Args:
      different: bool `[h, w]`: whether the two maps differ; None if their sizes differ.
    """
    if segment_id not in found.index:
        there = "" if different is None else _mostly(found, expected.id_map == segment_id)
        yield (
            f"segment id {segment_id}: the record has no such segment{there}, the source has "
            f"{expected.describe(segment_id)}"
        )
        return
    parts = []
    if found.class_of(segment_id) != expected.class_of(segment_id):
        parts.append((found.class_text(segment_id), expected.class_text(segment_id)))
    crowds = [side.is_crowd[side.index[segment_id]] for side in (found, expected)]
    if crowds[0] != crowds[1]:
        parts.append(tuple("a crowd" if crowd else "no crowd" for crowd in crowds))
    if parts:
        sides = (" and ".join(texts) for texts in zip(*parts, strict=True))
        yield "segment id {}: the record has {}, the source has {}".format(segment_id, *sides)
    if different is None:
        return
    pixels = different & ((found.id_map == segment_id) | (expected.id_map == segment_id))
    if pixels.any():
        y, x = np.unravel_index(np.argmax(pixels), pixels.shape)
        yield (
            f"segment id {segment_id}: {np.count_nonzero(pixels)} pixels differ, the record has "
            f"{found.areas.get(segment_id, 0)} and the source {expected.areas.get(segment_id, 0)}; "
            f"the first at x {x}, y {y}: the record has {found.at(int(found.id_map[y, x]))}, the "
            f"source has {expected.at(int(expected.id_map[y, x]))}"
        )


def _mostly(side: _Side, pixels: np.ndarray) -> str:
    """Says what one side shows in most of the pixels."""
    if not pixels.any():
        return ""
    ids, counts = np.unique(side.id_map[pixels], return_counts=True)
    return f" and shows {side.at(int(ids[counts.argmax()]))} there"
