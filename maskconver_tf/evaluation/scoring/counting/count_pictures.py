"""Counts pictures: matches by class and size of segment, pixels by class, boundaries, losses.

NumPy takes about a microsecond for a call, however few numbers it gets. So the overlaps of several
pictures are joined to one matrix, whose blocks lie on the diagonal, and are counted together. In
this matrix picture i has its own classes, class + i x C, so no segment can have to do with one of
another picture. The counts are those of each picture alone, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maskconver_tf.evaluation.lost_quality.confusion import confused_pixels
from maskconver_tf.evaluation.lost_quality.kinds import kinds_of_segments
from maskconver_tf.evaluation.lost_quality.mending import changes_by_mending
from maskconver_tf.evaluation.lost_quality.segment_table import SegmentTable, segment_table
from maskconver_tf.evaluation.matching import Matches, exact_parts
from maskconver_tf.evaluation.scoring.counting.counted_pictures import Columns, CountedPictures
from maskconver_tf.evaluation.scoring.counting.joined_overlaps import JoinedOverlaps, join_overlaps
from maskconver_tf.evaluation.scoring.counting.picture_overlaps import PictureOverlaps
from maskconver_tf.evaluation.scoring.counting.scoring_rules import (
    MEASURES,
    SIZE_BOUNDS,
    ScoringRules,
)

_MOST_ENTRIES = 8192
"""Entries of a matrix of several pictures; most of them are 0."""


def count_pictures(
    pictures: Sequence[PictureOverlaps], rules: ScoringRules
) -> list[CountedPictures]:
    """Counts pictures, several of them at a time."""
    found, first = [], 0
    while first < len(pictures):
        rows = columns = 0
        last = first
        while last < len(pictures):
            rows += len(pictures[last].truth.ids) + 1
            columns += len(pictures[last].predicted.ids) + 1
            if last > first and rows * columns > _MOST_ENTRIES:
                break
            last += 1
        found.append(_count(join_overlaps(pictures[first:last], len(rules.is_thing)), rules))
        first = last
    return found


def _count(joined: JoinedOverlaps, rules: ScoringRules) -> CountedPictures:
    given, count = joined.given, joined.num_pictures
    size = joined.num_classes * count
    is_wrong = joined.wrong_areas()
    by_file = None
    if is_wrong.any() or rules.strict:
        by_file = given._replace(truth_areas=joined.listed_areas).match()
    matches = by_file if rules.strict else given.match()
    counted = given._replace(truth_areas=joined.listed_areas) if rules.strict else given
    keys = [_keys(joined, matches), _size_keys(joined, matches)]
    parts = [matches.ious] * 2
    if rules.boundary:
        near = _matches_near_boundaries(joined, matches)
        keys.append(_keys(joined, near, MEASURES.index("boundary")))
        parts.append(near.ious)
    is_thing = np.tile(rules.is_thing, count)
    classes = given.truth_classes, given.is_crowd, given.predicted_classes
    kinds = kinds_of_segments(given.overlaps, matches, *classes, is_thing)
    table = segment_table(given.overlaps, matches, kinds, joined.truth, joined.predicted)
    mended = changes_by_mending(counted, matches, kinds, size, not rules.strict)
    return CountedPictures(
        _rows(joined, keys, np.concatenate(parts), rules.strict),
        _pixel_rows(joined),
        _ordered_ious(joined, matches),
        _rows(joined, [_keys(joined, by_file)], by_file.ious, True) if is_wrong.any() else None,
        _segment_columns(joined, table),
        _mended_columns(joined, *mended),
        _confused_columns(joined),
        joined.first_ids(is_wrong),
        joined.detections,
    )


def _matches_near_boundaries(joined: JoinedOverlaps, matches: Matches) -> Matches:
    """Matches by the smaller of IoU and boundary IoU.

    A pair with an IoU of at most one half cannot match, so only matches can be lost.
    """
    least = np.minimum(matches.ious, joined.boundary_ious[matches.truth, matches.predicted])
    kept = least > 0.5
    truth, predicted = matches.truth[kept], matches.predicted[kept]
    is_missed, is_invented = matches.is_missed.copy(), matches.is_invented.copy()
    is_missed[matches.truth[~kept]] = True
    lost = matches.predicted[~kept]
    is_invented[lost] = ~matches.is_forgiven[lost]
    return Matches(truth, predicted, least[kept], is_missed, is_invented, matches.is_forgiven)


class _Keys(NamedTuple):
    """Row of each matched pair, of each invented and of each missed segment.

    A key is (picture x measures + measure) x C + class.
    """

    matched: np.ndarray
    invented: np.ndarray
    missed: np.ndarray


def _keys(joined: JoinedOverlaps, matches: Matches, measure: int = 0) -> _Keys:
    of_truth, of_predicted = joined.row_keys(len(MEASURES))
    first = measure * joined.num_classes
    return _Keys(
        of_truth[matches.truth] + first,
        of_predicted[matches.is_invented] + first,
        of_truth[matches.is_missed] + first,
    )


def _size_keys(joined: JoinedOverlaps, matches: Matches) -> _Keys:
    """The size of a segment is that of the truth; that of an invented one is its own."""
    overlaps, count = joined.given.overlaps, joined.num_classes
    areas = overlaps[1 : len(joined.given.truth_classes) + 1].sum(axis=1)
    of_truth = count * (np.digitize(areas, SIZE_BOUNDS) + 1)
    of_predicted = count * (np.digitize(overlaps[:, 1:].sum(axis=0), SIZE_BOUNDS) + 1)
    keys = _keys(joined, matches)
    return _Keys(
        keys.matched + of_truth[matches.truth],
        keys.invented + of_predicted[matches.is_invented],
        keys.missed + of_truth[matches.is_missed],
    )


def _rows(joined: JoinedOverlaps, keys: list[_Keys], ious: np.ndarray, is_strict: bool) -> Columns:
    """Adds up by key; the columns are the keys that occur and their counts."""
    matched, invented, missed = (np.concatenate(column) for column in zip(*keys, strict=True))
    every, at = np.unique(np.concatenate([matched, invented, missed]), return_inverse=True)
    at, size = np.split(at, np.cumsum([len(matched), len(invented)])), len(every)
    # With listed areas an IoU may be any number.
    parts = (ious, np.zeros_like(ious)) if is_strict else exact_parts(ious)
    columns = [np.bincount(at[0], weights=part, minlength=size) for part in parts]
    columns += [np.bincount(found, minlength=size) for found in at]
    pictures, keys_of_picture = np.divmod(every, len(MEASURES) * joined.num_classes)
    counts = np.stack(columns, axis=1).astype(np.float64)
    return Columns.of(pictures, joined.num_pictures, keys_of_picture.astype(np.int32), counts)


def _pixel_rows(joined: JoinedOverlaps) -> Columns:
    given = joined.given
    size, count = joined.num_classes * joined.num_pictures, len(given.truth_classes)
    labelled = given.overlaps[1 : count + 1]  # [T, P + 1]
    same = given.truth_classes[:, np.newaxis] == given.predicted_classes
    sums = (
        (given.truth_classes, np.sum(labelled[:, 1:], axis=1, where=same)),
        (given.truth_classes, labelled.sum(axis=1)),
        (given.predicted_classes, labelled[:, 1:].sum(axis=0)),
    )
    columns = [np.bincount(classes, weights=part, minlength=size) for classes, part in sums]
    pixels = np.stack(columns, axis=1).astype(np.int64)
    every = np.flatnonzero(pixels.any(axis=1))
    pictures, classes = np.divmod(every, joined.num_classes)
    return Columns.of(pictures, joined.num_pictures, classes.astype(np.int32), pixels[every])


def _ordered_ious(joined: JoinedOverlaps, matches: Matches) -> Columns:
    truth_ids, predicted_ids = joined.truth.ids, joined.predicted.ids
    pictures, classes = np.divmod(joined.given.truth_classes[matches.truth], joined.num_classes)
    order = np.lexsort((predicted_ids[matches.predicted], truth_ids[matches.truth], pictures))
    columns = matches.ious[order], classes[order].astype(np.int32)
    return Columns.of(pictures[order], joined.num_pictures, *columns)


def _segment_columns(joined: JoinedOverlaps, table: SegmentTable) -> Columns:
    pictures = table.class_ids // joined.num_classes
    order = np.argsort(pictures, kind="stable")
    table = table.rows(order)
    own, other = table.class_ids, table.other_class_ids
    table = table._replace(
        class_ids=own % joined.num_classes, other_class_ids=other % joined.num_classes
    )
    return Columns.of(pictures[order], joined.num_pictures, *table)


def _mended_columns(joined: JoinedOverlaps, keys: np.ndarray, counts: np.ndarray) -> Columns:
    """The keys of `changes_by_mending` are kind x pictures x C + picture x C + class."""
    kinds, rest = np.divmod(keys, joined.num_pictures * joined.num_classes)
    pictures, classes = np.divmod(rest, joined.num_classes)
    order = np.argsort(pictures, kind="stable")
    own = (kinds * joined.num_classes + classes)[order]
    return Columns.of(pictures[order], joined.num_pictures, own.astype(np.int32), counts[order])


def _confused_columns(joined: JoinedOverlaps) -> Columns:
    pictures, *columns = confused_pixels(joined.given, joined.num_classes, joined.both_void)
    return Columns.of(pictures, joined.num_pictures, *columns)
