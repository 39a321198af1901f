"""Panoptic quality for people and programs: a dictionary in percent, a JSON file, a table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from maskconver_tf.data.categories import Categories
from maskconver_tf.evaluation.atomic_json import write_json_atomically
from maskconver_tf.evaluation.panoptic_quality import GroupQuality, PanopticQualityResult

_GROUPS = ("all", "things", "stuff")
_QUALITIES = ("pq", "sq", "rq")


def results_dict(result: PanopticQualityResult, categories: Categories) -> dict[str, Any]:
    """The result in percent, made of what JSON knows.

    Returns:
      `all`, `things`, `stuff`: `pq`, `sq`, `rq` and `num_classes`, the classes averaged over.
      `per_class`: by name, `pq`, `sq`, `rq`, `tp`, `fp`, `fn`, `isthing`, `source_id`.
      A quality is None where no class occurs in truth or prediction.
    """
    groups = {name: _group_dict(getattr(result, name)) for name in _GROUPS}
    per_class = {
        category.name: _class_dict(result, class_id)
        | {"isthing": category.isthing, "source_id": category.id}
        for class_id, category in enumerate(categories)
    }
    return groups | {"per_class": per_class}


def write_results(path: Path | str, results: dict[str, Any]) -> None:
    """Writes what `results_dict` made to the JSON file `path`, whole or not at all."""
    write_json_atomically(Path(path), results)


def format_table(results: dict[str, Any], max_classes: int = 20) -> str:
    """`results` as an aligned table: groups, then classes from best to worst PQ.

    Args:
      results: from `results_dict`, or a `results.json` read back.
      max_classes: with more classes than this, only the best and the worst are shown.
    """
    groups = [
        [name.capitalize(), *_percents(results[name]), str(results[name]["num_classes"])]
        for name in _GROUPS
    ]
    counted = [item for item in results["per_class"].items() if item[1]["pq"] is not None]
    counted.sort(key=lambda item: (-item[1]["pq"], item[0]))
    tables = [
        _format_rows(["", "PQ", "SQ", "RQ", "classes"], groups),
        _format_rows(
            ["class", "PQ", "SQ", "RQ", "TP", "FP", "FN"], _class_rows(counted, max_classes)
        ),
    ]
    num_absent = len(results["per_class"]) - len(counted)
    notes = [f"Classes that occur nowhere and are not counted: {num_absent}"] if num_absent else []
    return "\n\n".join([*tables, *notes])


def _group_dict(group: GroupQuality) -> dict[str, Any]:
    qualities = {name: _percent(getattr(group, name)) for name in _QUALITIES}
    return qualities | {"num_classes": group.num_classes}


def _class_dict(result: PanopticQualityResult, class_id: int) -> dict[str, Any]:
    qualities = {name: _percent(getattr(result, name)[class_id]) for name in _QUALITIES}
    counts = {name: int(getattr(result, name)[class_id]) for name in ("tp", "fp", "fn")}
    return qualities | counts


def _percent(quality: float) -> float | None:
    return None if math.isnan(quality) else 100.0 * float(quality)


def _percents(qualities: dict[str, Any]) -> list[str]:
    values = [qualities[name] for name in _QUALITIES]
    return ["-" if value is None else f"{value:.1f}" for value in values]


def _class_rows(counted: list[tuple[str, dict[str, Any]]], max_classes: int) -> list[list[str]]:
    """Rows of the classes, best first; with too many, those in the middle become one row."""
    rows = [
        [name, *_percents(entry), *(str(entry[key]) for key in ("tp", "fp", "fn"))]
        for name, entry in counted
    ]
    if len(rows) <= max_classes:
        return rows
    best, worst = (max_classes + 1) // 2, max_classes // 2
    gap = [f"... {len(rows) - best - worst} more", *[""] * 6]
    return [*rows[:best], gap, *rows[len(rows) - worst :]]


def _format_rows(header: list[str], rows: Iterable[list[str]]) -> str:
    """Columns aligned: names to the left, numbers to the right."""
    cells = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_format_row(row, widths) for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _format_row(row: list[str], widths: list[int]) -> str:
    name, *numbers = row
    aligned = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
    return "  ".join([name.ljust(widths[0]), *aligned]).rstrip()
