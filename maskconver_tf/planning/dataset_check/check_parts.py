"""Reads each part of a dataset once, and reports what it contains and what is wrong with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from maskconver_tf.datasets.census.measure_picture import PictureMeasures, measure_picture
from maskconver_tf.datasets.class_difference import class_difference
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.process_pool import num_workers, process_pool
from maskconver_tf.datasets.sources.source import Source
from maskconver_tf.files.paths import same_file_key
from maskconver_tf.planning.dataset_check.advice.settings_advice import TrainingView
from maskconver_tf.planning.dataset_check.checked_part import CheckedPart
from maskconver_tf.planning.dataset_check.model_grid import ModelGrid
from maskconver_tf.planning.dataset_check.repeated_pictures import RepeatedPictures
from maskconver_tf.planning.dataset_check.report import Report


def check_parts(
    parts: dict[str, Source],
    grid: ModelGrid,
    make_ceiling: Callable[..., Any] | None,
    ceiling_pictures: int = 200,
    workers: int | None = None,
    progress: bool = True,
    view: TrainingView | None = None,
) -> Report:
    """Checks the parts of a dataset. The first part is the one that a model trains on.

    Args:
      parts: name of each part -> its source.
      grid: the model that the dataset is checked for.
      make_ceiling: makes `SizeCeilings` from a class list and an input size; None to measure none.
      ceiling_pictures: number of pictures of each part on which PQ ceilings are measured. They are
        evenly spread.
      workers: number of processes; None for one per CPU.
      progress: whether to show a progress bar on standard error.
      view: what the training sees; None for the defaults.
    """
    repeated = RepeatedPictures()
    checked = []
    for name, source in parts.items():
        sizes = grid.input_sizes if make_ceiling else ()
        ceilings = [make_ceiling(source.categories, size) for size in sizes]
        part = CheckedPart(name, source, grid, ceilings, ceiling_pictures, view or TrainingView())
        count = len(source.pictures)
        with process_pool(num_workers(workers, count), measure_picture) as measure_all:
            outcomes = measure_all(part.requests())
            for outcome in tqdm(outcomes, name, count, unit=" pictures", disable=not progress):
                _take(part, outcome, repeated)
        _note_stray_files(part, [other for other in parts.values() if other is not source])
        checked.append(part)
    _note_differences(checked)
    return _report(grid, checked, repeated)


def _take(
    part: CheckedPart, outcome: PictureMeasures | tuple[Finding, ...], repeated: RepeatedPictures
) -> None:
    """Adds the outcome of one picture: its measures, or the findings that make it unusable."""
    part.num_listed += 1
    if not isinstance(outcome, PictureMeasures):
        part.findings.extend(outcome)
        return
    part.count(outcome)
    repeated.add(part, outcome)
    part.note_small_segments(outcome)
    part.keep_drawing(outcome)
    part.add_to_ceilings(outcome)


def _report(grid: ModelGrid, checked: list[CheckedPart], repeated: RepeatedPictures) -> Report:
    return Report(
        grid=dataclasses.asdict(grid),
        parts={part.name: part.to_json() for part in checked},
        problems=[(part.name, finding) for part in checked for finding in part.findings],
        pairs=repeated.draw_pairs(),
        drawings={part.name: part.drawings for part in checked},
        colors={part.name: part.source.categories.colors for part in checked},
    )


# ---- Between files and parts ---------------------------------------------------------------------


def _note_stray_files(part: CheckedPart, others: list[Source]) -> None:
    """Notes files in the folders of the part that no entry of any part names."""
    source = part.source
    if not _lists_files(source):
        return
    known = source.known_files().union(*(o.known_files() for o in others if _lists_files(o)))
    unnamed = source.stored_files() - known
    # The JSON may write a path in another way: absolute, through a link, in composed letters.
    keys = set(map(same_file_key, known)) if unnamed else set()
    for file in sorted(file for file in unnamed if same_file_key(file) not in keys):
        part.note(Path(file).name, file, Problem.STRAY_FILE, "no entry names it")


def _lists_files(source: Source) -> bool:
    """Returns whether the source can tell the files it names from the files it finds."""
    return hasattr(source, "known_files") and hasattr(source, "stored_files")


def _note_differences(parts: list[CheckedPart]) -> None:
    """Notes differences in classes between the first part and each later one."""
    first, *later = parts
    for part in later:
        where = part.source.where
        if part.source.categories != first.source.categories:
            differs = class_difference(part.source.categories, first.source.categories)
            found = f"not the classes of {first.name}: {differs}"
            part.note(part.name, where, Problem.CLASS_LISTS, found)
            continue
        unseen = (first.census.num_segments == 0) & (part.census.num_segments > 0)
        for class_id in np.flatnonzero(unseen).tolist():
            count = part.census.num_segments[class_id]
            found = f"{part.source.categories.names[class_id]}, {count} segments in {part.name}"
            part.note(part.name, where, Problem.UNSEEN_CLASS, found)
