"""Results of an evaluation: a dictionary in percent, a JSON file and tables for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.panoptic_quality import GroupQuality, PanopticQualityResult
from maskconver_tf.evaluation.thing_scores import ThingScores
from maskconver_tf.files.json_file import write_json

_GROUPS = ("all", "things", "stuff")
_QUALITIES = ("pq", "sq", "rq")


def results_dict(result: PanopticQualityResult, categories: Categories) -> dict[str, Any]:
    """Returns panoptic quality in percent, as a dictionary that JSON can store.

    Returns:
      `all`, `things` and `stuff`, each with `pq`, `sq`, `rq` and `num_classes`, the number of
      classes in the mean; and `per_class`, which maps each class name to `pq`, `sq`, `rq`, `tp`,
      `fp`, `fn`, `isthing` and `source_id`. `pq`, `sq` and `rq` are None if no class occurs in
      truth or prediction.
    """
    groups = {name: _group_dict(getattr(result, name)) for name in _GROUPS}
    per_class = {
        category.name: _class_dict(result, class_id)
        | {"isthing": category.isthing, "source_id": category.id}
        for class_id, category in enumerate(categories)
    }
    return groups | {"per_class": per_class}


def add_thing_scores(
    results: dict[str, Any], things: ThingScores, categories: Categories
) -> dict[str, Any]:
    """Adds the scores of `ThingScores.results` to `things` and to each thing class."""
    total, classes = things.results()
    per_class = {
        name: entry | classes.get(class_id, {})
        for class_id, (name, entry) in enumerate(results["per_class"].items())
    }
    return results | {"things": results["things"] | total, "per_class": per_class}


def write_results(path: Path | str, results: dict[str, Any]) -> None:
    """Writes results to the JSON file `path`, whole or not at all, and makes its folder."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, results)


def format_table(results: dict[str, Any], max_classes: int = 20) -> str:
    """Formats panoptic results as aligned tables: groups, then classes from best to worst PQ.

    Args:
      results: the dictionary of `results_dict`, or a `results.json` that was read back.
      max_classes: most classes to show. If there are more, the middle ones are left out.
    """
    groups = [
        [name.capitalize(), *_percents(results[name]), str(results[name]["num_classes"])]
        for name in _GROUPS
    ]
    counted = [item for item in results["per_class"].items() if item[1]["pq"] is not None]
    counted.sort(key=lambda item: (-item[1]["pq"], item[0]))
    classes = [
        [name, *_percents(entry), *(str(entry[key]) for key in ("tp", "fp", "fn"))]
        for name, entry in counted
    ]
    tables = [
        format_rows(["", "PQ", "SQ", "RQ", "classes"], groups),
        format_rows(["class", "PQ", "SQ", "RQ", "TP", "FP", "FN"], _elided(classes, max_classes)),
    ]
    if (things := results["things"]).get("num_true"):
        tables.insert(1, _thing_table(things))
    return _join(tables, num_absent=len(results["per_class"]) - len(counted))


def _thing_table(things: dict[str, Any]) -> str:
    """AP at some IoUs, and counts of things."""
    at = [things["ap_at"][iou] for iou in ("0.50", "0.75", "0.90")]
    counts = [str(things["num_true"]), str(things["num_predicted"])]
    errors = [_number(things["count_error"]), f"{things['count_bias']:+.1f} %"]
    header = ["", "AP 50-90", "AP 50", "AP 75", "AP 90", "true", "predicted"]
    row = ["Things", _number(things["ap"]), *map(_number, at), *counts, *errors]
    return format_rows([*header, "count error", "bias"], [row])


def format_scores(results: dict[str, Any], max_classes: int = 20) -> str:
    """Formats scores of any task as aligned tables: groups, then classes from best to worst.

    Args:
      results: group -> metric -> percent. The metrics of `all` are the columns. `per_class`, if
        present, maps each class name to one metric and its percent, None if the class is absent.
      max_classes: most classes to show. If there are more, the middle ones are left out.
    """
    groups = {name: scores for name, scores in results.items() if name != "per_class"}
    if not groups:
        return "No score: nothing is labelled."
    metrics = list(results["all"])
    rows = [
        [name.capitalize(), *(_number(scores.get(metric)) for metric in metrics)]
        for name, scores in groups.items()
    ]
    tables = [format_rows(["", *metrics], rows)]
    found = [(name, *scores.items()) for name, scores in results.get("per_class", {}).items()]
    counted = sorted((-value, name) for name, (_, value) in found if value is not None)
    if counted:
        [metric] = results["per_class"][counted[0][1]]
        classes = [[name, _number(-value)] for value, name in counted]
        tables.append(format_rows(["class", metric], _elided(classes, max_classes)))
    return _join(tables, num_absent=len(found) - len(counted))


def _group_dict(group: GroupQuality) -> dict[str, Any]:
    qualities = {name: _percent(getattr(group, name)) for name in _QUALITIES}
    return qualities | {"num_classes": group.num_classes}


def _class_dict(result: PanopticQualityResult, class_id: int) -> dict[str, Any]:
    qualities = {name: _percent(getattr(result, name)[class_id]) for name in _QUALITIES}
    counts = {name: int(getattr(result, name)[class_id]) for name in ("tp", "fp", "fn")}
    return qualities | counts


def _percent(quality: float) -> float | None:
    return 100.0 * float(quality) if math.isfinite(quality) else None


def _percents(qualities: dict[str, Any]) -> list[str]:
    return [_number(qualities[name]) for name in _QUALITIES]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _join(tables: list[str], num_absent: int) -> str:
    """Joins the tables, and adds how many classes are absent."""
    notes = [f"Classes that occur nowhere and are not counted: {num_absent}"] if num_absent else []
    return "\n\n".join([*tables, *notes])


def _elided(rows: list[list[str]], most: int) -> list[list[str]]:
    """Keeps at most `most` rows; one row replaces the middle ones."""
    if len(rows) <= most:
        return rows
    best, worst = (most + 1) // 2, most // 2
    gap = [f"... {len(rows) - best - worst} more", *[""] * (len(rows[0]) - 1)]
    return [*rows[:best], gap, *rows[len(rows) - worst :]]


def format_rows(header: list[str], rows: Iterable[list[str]]) -> str:
    """Formats a table: names to the left, numbers to the right, a line below the header."""
    cells = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_format_row(row, widths) for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _format_row(row: list[str], widths: list[int]) -> str:
    name, *numbers = row
    aligned = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
    return "  ".join([name.ljust(widths[0]), *aligned]).rstrip()
