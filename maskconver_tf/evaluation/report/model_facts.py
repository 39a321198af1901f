"""What a run's folder tells about a model: its size, its speed and how it was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskconver_tf.evaluation.evaluation_record import best_weights
from maskconver_tf.evaluation.report.model_folders import ReportModel
from maskconver_tf.files.json_file import read_json

Curves = dict[str, dict[str, list[float]]]


def model_facts(model: ReportModel, curves: Curves) -> list[dict[str, str]]:
    """Returns what is known, each as `name` and `value`, both texts for people."""
    facts: list[tuple[str, str | None]] = []
    if record := model.record:
        count = record.num_parameters
        size = record.input_size
        facts += [
            ("parameters", count and f"{count:,}"),
            ("input size", size and f"{size[0]} x {size[1]}"),
            ("speed of the evaluation", _speed(record.milliseconds)),
            ("device of the evaluation", record.device),
            ("weights", record.weights),
            ("thresholds", _thresholds(record.thresholds)),
        ]
    if model.run is not None:
        facts += _facts_of_run(model.run, curves)
    return [{"name": name, "value": str(value)} for name, value in facts if value]


def _speed(milliseconds: float | None) -> str | None:
    if not milliseconds:
        return None
    return f"{milliseconds:,.0f} ms a picture, with reading, fusion and writing"


def _thresholds(settings: dict[str, Any] | None) -> str | None:
    """Returns the settings of a fusion that are on; None if they are not known."""
    if settings is None:
        return None
    return ", ".join(
        f"{name} for {', '.join(value)}" if isinstance(value, dict) else f"{name} {value}"
        for name, value in settings.items()
        if value is not None and value is not False
    )


def _facts_of_run(run: Path, curves: Curves) -> list[tuple[str, str | None]]:
    steps = curves.get("steps_per_second", {}).get("values", [])
    middle = sorted(steps)[len(steps) // 2] if steps else None
    started = _provenance(run)
    devices = started.get("devices") or []
    return [
        ("size of the weights", _megabytes(run / "best", best_weights(run))),
        ("steps of the training", _last_step(curves)),
        ("speed of the training", middle and f"{middle:.2f} steps a second (median)"),
        ("devices of the training", ", ".join(map(str, devices))),
        ("started", started.get("started")),
        ("command", started.get("command")),
        ("revision", started.get("git_revision")),
    ]


def _last_step(curves: Curves) -> str | None:
    steps = [curve["steps"][-1] for curve in curves.values() if curve["steps"]]
    return f"{int(max(steps)):,}" if steps else None


def _megabytes(folder: Path, name: str) -> str | None:
    if not name:
        return None
    total = sum(path.stat().st_size for path in folder.glob(f"{name}.data-*"))
    return f"{total / 1e6:.1f} MB on disk" if total else None


def _provenance(run: Path) -> dict[str, Any]:
    path = run / "run.json"
    content = read_json(path, "the record of the run") if path.is_file() else {}
    return content if isinstance(content, dict) else {}
