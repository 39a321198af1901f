"""One part of the dataset and the results of its check so far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from maskconver_tf.datasets.census.census import Census
from maskconver_tf.datasets.census.measure_picture import MeasureRequest, PictureMeasures
from maskconver_tf.datasets.dark_pictures import dark_advice
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.sources.source import Source
from maskconver_tf.evaluation.baselines.constant_answer import ConstantAnswer
from maskconver_tf.evaluation.baselines.threshold_answer import ThresholdAnswer
from maskconver_tf.planning.dataset_check.advice.settings_advice import (
    SettingsAdvice,
    TrainingView,
)
from maskconver_tf.planning.dataset_check.advice.size_ceilings import with_times
from maskconver_tf.planning.dataset_check.model_grid import ModelGrid
from maskconver_tf.planning.dataset_check.report import ReportPicture

_NUM_DRAWN = 12
"""Number of pictures of each part that the report shows."""


class CheckedPart:
    """A part of the dataset, with everything that the check has found in it so far.

    Attributes:
      name: name of the part: "train".
      source: its pictures.
      census: counts over its usable pictures.
      findings: its problems.
      drawings: the pictures that the report shows.
      ceilings: `SizeCeilings` for each input size; empty if none is measured.
      num_listed: number of pictures checked so far, usable or not.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        grid: ModelGrid,
        ceilings: list,
        ceiling_pictures: int,
        view: TrainingView,
    ):
        """
        Args:
          ceiling_pictures: number of pictures on which the ceilings are measured.
          view: what the training sees.
        """
        self.name = name
        self.source = source
        self.census = Census(source.categories)
        self.findings = list(source.findings)
        self.drawings: list[ReportPicture] = []
        self.ceilings = ceilings
        self.num_listed = 0
        self._grid = grid
        self._ceiling_pictures = ceiling_pictures
        classes = source.categories
        self._constant, self._threshold = ConstantAnswer(classes), ThresholdAnswer(classes)
        sizes = grid.input_sizes
        self._advice = SettingsAdvice(
            classes.is_thing, sizes, grid.num_slots, grid.mask_stride, view
        )

    def requests(self) -> Iterator[MeasureRequest]:
        """Yields a request per picture; evenly spread ones ask for a map or a drawing too."""
        count = len(self.source.pictures)
        drawn = _spread(count, _NUM_DRAWN)
        scored = _spread(count, self._ceiling_pictures if self.ceilings else 0)
        for i, picture in enumerate(self.source.pictures):
            yield MeasureRequest(
                picture, i in scored, self.source.categories if i in drawn else None
            )

    def note(self, picture: str, file: str, problem: Problem, found: str) -> None:
        """Adds a finding."""
        self.findings.append(Finding(picture, file, problem, found))

    def count(self, picture: PictureMeasures) -> None:
        """Counts a usable picture and takes over its findings."""
        self.census.add(picture)
        self._constant.add(picture.class_ids, picture.is_crowd, picture.areas)
        self._advice.add(picture)
        self.findings.extend(picture.findings)

    def note_small_segments(self, picture: PictureMeasures) -> None:
        """Notes each segment that is smaller than one cell of the mask grid."""
        height, width = picture.size
        stride = self._grid.mask_stride
        names = self.source.categories.names
        scales = [min(h / height, w / width) for h, w in self._grid.input_sizes]
        for number, area in enumerate(picture.areas[1:].tolist()):
            lost = [
                f"{h} x {w}"
                for (h, w), scale in zip(self._grid.input_sizes, scales, strict=True)
                if area * scale**2 < stride**2
            ]
            if lost and not picture.is_crowd[number]:
                segment = f"{names[picture.class_ids[number]]}, id {picture.segment_ids[number]}"
                found = f"{picture.name}: {segment}, {area} pixels; lost at {', '.join(lost)}"
                self.note(picture.name, self.source.where, Problem.TOO_SMALL_SEGMENT, found)

    def keep_drawing(self, picture: PictureMeasures) -> None:
        """Keeps the drawing of the picture, if its request asked for one."""
        if picture.drawing is not None:
            self.drawings.append(self.report_picture(picture.name, picture))

    def add_to_ceilings(self, picture: PictureMeasures) -> None:
        """Scores the truth and a threshold of the picture, if its request asked for the map."""
        if picture.segment_map is not None:
            truth = picture.segment_map, picture.class_ids, picture.is_crowd
            self._threshold.add(picture.gray, *truth)
            for ceiling in self.ceilings:
                ceiling.add(*truth)

    def report_picture(self, name: str, picture: PictureMeasures) -> ReportPicture:
        """Returns the picture as the report shows it, under the caption `name`."""
        names = (self.source.categories.names[class_id] for class_id in picture.class_ids)
        return ReportPicture(name, picture.drawing, tuple(dict.fromkeys(names)))

    def to_json(self) -> dict[str, Any]:
        census = self.census.to_json()
        return {
            "where": self.source.where,
            "layout": self.source.description,
            "num_listed": self.num_listed,
            **census,
            "ceilings": with_times([c.to_json() for c in self.ceilings if c.num_pictures]),
            "baselines": {
                "constant": _rounded(self._constant.result()),
                "threshold": _rounded(self._threshold.result(self.census.num_segments)),
            },
            "warnings": [*dark_advice(census["converted"]), *self._advice.warnings()],
        }


def _spread(count: int, wanted: int) -> set[int]:
    """Returns up to `wanted` numbers below `count`, evenly spread."""
    wanted = min(count, wanted)
    return {i * count // wanted for i in range(wanted)}


def _rounded(scores: dict[str, Any] | None) -> dict[str, Any] | None:
    """Rounds the percents to two digits."""
    if scores is None:
        return None
    return {
        key: round(value, 2) if isinstance(value, float) else value for key, value in scores.items()
    }
