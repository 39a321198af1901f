"""Passes over a dataset once and reports what is in it and what is wrong with it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from maskconver_tf.datasets.build.build import num_workers
from maskconver_tf.datasets.census.census import Census
from maskconver_tf.datasets.census.duplicates import DuplicateFinder
from maskconver_tf.datasets.census.inspection import Inspection, Task, inspect
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.processes import examiner
from maskconver_tf.datasets.records.codec import MAX_SEGMENTS
from maskconver_tf.datasets.records.folder import is_dataset_folder
from maskconver_tf.datasets.sources.coco.panoptic_folder import find_panoptic_parts
from maskconver_tf.datasets.sources.dataset_folder import DatasetFolderSource
from maskconver_tf.datasets.sources.lazy_pictures import LazyPictures
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.datasets.sources.source import Source
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.planning.dataset_check.report import Drawing, Report

_NUM_DRAWN = 12
"""Pictures of each part in the report."""

_NUM_PAIRS = 6
"""Pairs of equal pictures in the report."""


@dataclasses.dataclass(frozen=True)
class Grid:
    """What a model can express.

    Attributes:
      input_sizes: height and width of each input, multiples of 32.
      num_slots: segments a picture may have.
      label_stride, mask_stride: input pixels per cell of labels and masks.
    """

    input_sizes: Sequence[tuple[int, int]] = ((640, 640),)
    num_slots: int = 248
    label_stride: int = 2
    mask_stride: int = 4

    def __post_init__(self):
        for size in self.input_sizes:
            if len(size) != 2 or any(side <= 0 or side % 32 for side in size):
                raise UserError(
                    f"--input_size {','.join(map(str, size))}: expected height and width, positive "
                    "multiples of 32, such as 640,640."
                )
        if not 1 <= self.num_slots <= MAX_SEGMENTS:
            raise UserError(
                f"--num_slots {self.num_slots}: expected 1 to {MAX_SEGMENTS} segments a picture."
            )
        if min(self.label_stride, self.mask_stride) < 1 or self.mask_stride % self.label_stride:
            raise UserError(
                f"--mask_stride {self.mask_stride}, --label_stride {self.label_stride}: the second "
                "must divide the first, such as 4 and 2."
            )


def open_folder(folder: str | os.PathLike) -> dict[str, Source]:
    """The parts of a dataset folder (one) or of a folder in COCO panoptic layout.

    A dataset folder may be remote (`gs://bucket/folder`), what it was built from may not.
    """
    path = local_or_remote_path(folder)
    if is_dataset_folder(path):
        return {path.name: DatasetFolderSource(path)}
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing"
        raise UserError(f"{path}: found {found}, expected the folder of a dataset; check the path.")
    if not isinstance(path, Path):
        raise UserError(
            f"{path}: found no dataset.json; of remote folders only built ones can be "
            "checked. Build a dataset there, or copy the folder here."
        )
    parts = find_panoptic_parts(path)
    return {part: open_named_source("coco_panoptic", options) for part, options in parts.items()}


def check_parts(
    parts: dict[str, Source],
    grid: Grid,
    make_ceiling: Callable[..., Any] | None,
    ceiling_pictures: int = 200,
    workers: int | None = None,
    progress: bool = True,
) -> Report:
    """Checks the parts of a dataset; the first is what a model trains on.

    Args:
      parts: name -> source.
      grid: sizes and strides.
      make_ceiling: makes a `Ceiling` from a class list and an input size; None for no ceilings.
      ceiling_pictures: of each part, evenly spread, on which PQ ceilings are measured.
      workers: processes; by default one for each CPU.
      progress: show a progress bar on standard error.
    """
    checker = _Checker(grid, DuplicateFinder())
    results = {}
    for name, source in parts.items():
        sizes = grid.input_sizes if make_ceiling else ()
        ceilings = [make_ceiling(source.categories, size) for size in sizes]
        part = _Part(name, source, ceilings, ceiling_pictures)
        with examiner(num_workers(workers, len(source.pictures)), inspect) as inspect_all:
            outcomes = inspect_all(part.tasks())
            shown = tqdm(
                outcomes, name, len(source.pictures), unit=" pictures", disable=not progress
            )
            for outcome in shown:
                checker.take(part, outcome)
        checker.take_stray_files(part, [other for other in parts.values() if other is not source])
        results[name] = part
    checker.compare(list(results.values()))
    return Report(
        grid=dataclasses.asdict(grid),
        parts={name: part.to_json() for name, part in results.items()},
        problems=[(name, finding) for name in results for finding in results[name].findings],
        pairs=checker.draw_pairs(),
        drawings={name: part.drawings for name, part in results.items()},
        colors={name: part.source.categories.colors for name, part in results.items()},
    )


class _Part:
    """A part of the dataset and what was found in it so far."""

    def __init__(self, name: str, source: Source, ceilings: list, ceiling_pictures: int):
        self.name = name
        self.source = source
        self.census = Census(source.categories)
        self.findings = list(source.findings)
        self.drawings: list[Drawing] = []
        self.ceilings = ceilings
        self._num_scored = ceiling_pictures
        self.num_seen = 0

    def tasks(self) -> Iterator[Task]:
        """A task for each picture; some are asked for a map or a drawing, evenly spread."""
        count = len(self.source.pictures)
        drawn = _spread(count, _NUM_DRAWN)
        scored = _spread(count, self._num_scored if self.ceilings else 0)
        for i, item in enumerate(self.source.pictures):
            yield Task(item, i in scored, self.source.categories if i in drawn else None)

    def note(self, picture: str, file: str, problem: Problem, found: str) -> None:
        self.findings.append(Finding(picture, file, problem, found))

    def to_json(self) -> dict[str, Any]:
        return {
            "where": self.source.where,
            "layout": self.source.description,
            "num_listed": self.num_seen,
            **self.census.to_json(),
            "ceilings": [_ceiling_json(c) for c in self.ceilings if c.num_pictures],
        }


class _Checker:
    """Takes the outcomes of all parts, one after the other."""

    def __init__(self, grid: Grid, duplicates: DuplicateFinder):
        self._grid = grid
        self._duplicates = duplicates
        self._seen: list[tuple[_Part, str, int]] = []
        self.pairs: list[tuple[int, int]] = []

    def take(self, part: _Part, outcome: Inspection | tuple[Finding, ...]) -> None:
        """One picture, good or bad."""
        part.num_seen += 1
        if not isinstance(outcome, Inspection):
            part.findings.extend(outcome)
            return
        part.census.add(outcome)
        part.findings.extend(outcome.findings)
        self._take_duplicate(part, outcome)
        self._take_small(part, outcome)
        if outcome.drawing is not None:
            part.drawings.append(_drawing(part, outcome.name, outcome))
        if outcome.segment_map is not None:
            for ceiling in part.ceilings:
                ceiling.add(outcome.segment_map, outcome.class_ids, outcome.is_crowd)

    def _take_duplicate(self, part: _Part, picture: Inspection) -> None:
        earlier, same_file = self._duplicates.add(picture)
        self._seen.append((part, picture.name, part.num_seen - 1))
        if earlier is None:
            return
        if len(self.pairs) < _NUM_PAIRS:
            self.pairs.append((earlier, len(self._seen) - 1))
        other_part, other, _ = self._seen[earlier]
        problem = Problem.DUPLICATE if same_file else Problem.NEAR_DUPLICATE
        where = "" if other_part is part else f" of {other_part.name}"
        part.note(picture.name, part.source.where, problem, f"{picture.name} is {other}{where}")

    def _take_small(self, part: _Part, picture: Inspection) -> None:
        """Notes segments of which not one cell of the mask grid is left."""
        height, width = picture.size
        stride = self._grid.mask_stride
        names = part.source.categories.names
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
                part.note(picture.name, part.source.where, Problem.TOO_SMALL_SEGMENT, found)

    def draw_pairs(self) -> list[tuple[Drawing, Drawing]]:
        """The first pictures that are there twice, read again where a source can do that fast."""
        pairs = []
        for numbers in self.pairs:
            seen = [self._seen[number] for number in numbers]
            if all(isinstance(part.source.pictures, LazyPictures) for part, _, _ in seen):
                pairs.append(tuple(_draw(part, index) for part, _, index in seen))
        return pairs

    def take_stray_files(self, part: _Part, others: list[Source]) -> None:
        """Notes files in the part's folders that no entry of any part names."""
        source = part.source
        if not hasattr(source, "stored_files"):
            return
        known = source.known_files().union(*(o.known_files() for o in others if _lists_files(o)))
        for file in sorted(source.stored_files() - known):
            part.note(Path(file).name, file, Problem.STRAY_FILE, "no entry names it")

    def compare(self, parts: list[_Part]) -> None:
        """Notes what differs between the first part and each later one."""
        first, *later = parts
        for part in later:
            where = part.source.where
            if part.source.categories != first.source.categories:
                found = f"{len(part.source.categories)} classes, and others in {first.name}"
                part.note(part.name, where, Problem.CLASS_LISTS, found)
                continue
            unseen = (first.census.num_segments == 0) & (part.census.num_segments > 0)
            for class_id in np.flatnonzero(unseen).tolist():
                count = part.census.num_segments[class_id]
                found = f"{part.source.categories.names[class_id]}, {count} segments in {part.name}"
                part.note(part.name, where, Problem.UNSEEN_CLASS, found)


def _draw(part: _Part, index: int) -> Drawing:
    [item] = part.source.pictures.between(index, index + 1)
    picture = inspect(Task(item, draw=part.source.categories))
    return _drawing(part, f"{part.name}: {picture.name}", picture)


def _drawing(part: _Part, name: str, picture: Inspection) -> Drawing:
    names = (part.source.categories.names[class_id] for class_id in picture.class_ids)
    return Drawing(name, picture.drawing, tuple(dict.fromkeys(names)))


def _lists_files(source: Source) -> bool:
    return hasattr(source, "known_files")


def _spread(count: int, wanted: int) -> set[int]:
    """Up to `wanted` numbers below `count`, evenly spread."""
    wanted = min(count, wanted)
    return {i * count // wanted for i in range(wanted)}


def _ceiling_json(ceiling: Any) -> dict[str, Any]:
    quality = ceiling.result()
    scores = {"pq": quality.all, "pq_things": quality.things, "pq_stuff": quality.stuff}
    return {
        "input_size": list(ceiling.input_size),
        "num_pictures": ceiling.num_pictures,
        "num_dropped_segments": ceiling.num_dropped,
        **{
            name: None if np.isnan(group.pq) else round(100.0 * group.pq, 2)
            for name, group in scores.items()
        },
    }
