"""Finds pictures that occur twice, in one part or in two parts of the dataset."""

from __future__ import annotations

from maskconver_tf.datasets.census.duplicates import DuplicateFinder
from maskconver_tf.datasets.census.measure_picture import (
    MeasureRequest,
    PictureMeasures,
    measure_picture,
)
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.lazy_pictures import LazyPictures
from maskconver_tf.planning.dataset_check.checked_part import CheckedPart
from maskconver_tf.planning.dataset_check.report import ReportPicture

_NUM_PAIRS = 6
"""Number of pairs of equal pictures that the report shows."""


class RepeatedPictures:
    """Notes each picture that equals an earlier one, and keeps the first pairs for the report."""

    def __init__(self):
        self._finder = DuplicateFinder()
        self._seen: list[tuple[CheckedPart, str, int]] = []  # Part, name and position in it.
        self._pairs: list[tuple[int, int]] = []

    def add(self, part: CheckedPart, picture: PictureMeasures) -> None:
        """Adds the next usable picture of a part."""
        earlier, same_file = self._finder.add(picture)
        self._seen.append((part, picture.name, part.num_listed - 1))
        if earlier is None:
            return
        if len(self._pairs) < _NUM_PAIRS:
            self._pairs.append((earlier, len(self._seen) - 1))
        other_part, other, _ = self._seen[earlier]
        problem = Problem.DUPLICATE if same_file else Problem.NEAR_DUPLICATE
        where = "" if other_part is part else f" of {other_part.name}"
        part.note(picture.name, part.source.where, problem, f"{picture.name} equals {other}{where}")

    def draw_pairs(self) -> list[tuple[ReportPicture, ReportPicture]]:
        """Draws the first pairs. Sources that cannot read a single picture fast are left out."""
        pairs = []
        for numbers in self._pairs:
            seen = [self._seen[number] for number in numbers]
            if all(isinstance(part.source.pictures, LazyPictures) for part, _, _ in seen):
                pairs.append(tuple(_draw(part, index) for part, _, index in seen))
        return pairs


def _draw(part: CheckedPart, index: int) -> ReportPicture:
    [picture] = part.source.pictures.between(index, index + 1)
    measures = measure_picture(MeasureRequest(picture, draw_with=part.source.categories))
    return part.report_picture(f"{part.name}: {measures.name}", measures)
