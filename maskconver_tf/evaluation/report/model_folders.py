"""Finds the predictions of a model: in the folder of a run, of an evaluation, or a JSON file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.evaluation_record import (
    EvaluationRecord,
    best_weights,
    read_evaluation_record,
)
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.json_file import read_json

PREDICTIONS = "predictions.json"
_RUN_PARTS = ("config.gin", "checkpoints", "best")
_FOR_SOME_CLASSES = ("class_score_thresholds",)
"""Settings that files leave out if no class has one."""


@dataclasses.dataclass(frozen=True)
class ReportModel:
    """One model of a report.

    Attributes:
      name: what the page calls it.
      predictions: the JSON file and the folder of its PNG files.
      record: what `maskconver evaluate` noted beside the predictions; None if it did not.
      run: folder of the training, for curves and facts; None if it is not known.
    """

    name: str
    predictions: tuple[Path, Path]
    record: EvaluationRecord | None = None
    run: Path | None = None


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a training."""
    return any((folder / name).exists() for name in _RUN_PARTS)


def why_evaluate(folder: Path, needs_record: bool) -> str | None:
    """Says why a run must be evaluated before a report; None if its predictions can be used.

    Args:
      needs_record: whether the record of the evaluation has to tell where the truth is.
    """
    if not is_run(folder):
        return None
    if not (folder / PREDICTIONS).is_file():
        return "it has no predictions"
    record = read_evaluation_record(folder)
    if record is None:
        return "nothing tells on which dataset its predictions were made" if needs_record else None
    weights = best_weights(folder)
    if record.weights and weights and record.weights != weights:
        return f"its predictions are those of {record.weights}, and now {weights} is best"
    return None


def find_models(paths: Sequence[Path], names: Sequence[str] | None = None) -> list[ReportModel]:
    """Finds the predictions of each path.

    Args:
      names: what the page calls each model; None to take the names of folders and files.

    Raises:
      UserError: a path holds no predictions, two models have one name, or the number of names is
        wrong.
    """
    if names and len(names) != len(paths):
        raise UserError(
            f"--names: found {len(names)} names for {len(paths)} models; expected one for each. "
            "Give as many names as models, or leave --names out"
        )
    models = [_find_model(path) for path in paths]
    chosen = list(names or _different_names([Path(path) for path in paths]))
    for name in chosen:
        if chosen.count(name) > 1:
            raise UserError(
                f"--names: found {name} {chosen.count(name)} times; expected a name of its own for "
                "each model. Give different names"
            )
    return [
        dataclasses.replace(model, name=name) for model, name in zip(models, chosen, strict=True)
    ]


def other_thresholds(model: ReportModel) -> str | None:
    """Says how the thresholds that a run keeps differ from those of the predictions.

    Returns:
      None if they are equal, or if one of them is not known.
    """
    file = model.run / "thresholds.json" if model.run is not None else None
    used = model.record.thresholds if model.record is not None else None
    if used is None or file is None or not file.is_file():
        return None
    content = read_json(file, "the file of kept thresholds")
    kept = content.get("settings") if isinstance(content, dict) else None
    if not isinstance(kept, dict) or content.get("fusion") != model.record.fusion:
        return None
    names = [name for name, value in kept.items() if value != used.get(name)]
    names += [name for name in _FOR_SOME_CLASSES if name in used and name not in kept]
    if not names:
        return None
    shown = ", ".join(f"{name} {used.get(name)}, now {kept.get(name)}" for name in names)
    return (
        f"{model.predictions[0]}: made with other thresholds than {file} has now ({shown}); "
        f"`maskconver evaluate --model {model.run}` makes predictions with those"
    )


def run_mapping(models: Sequence[ReportModel]) -> ChannelMapping | None:
    """Returns the channel mapping of the first run that has one; None if no run has."""
    files = [model.run / "categories.json" for model in models if model.run is not None]
    found = [Categories.load(file).pictures for file in files if file.is_file()]
    return next((mapping for mapping in found if mapping is not None), None)


def _find_model(path: Path) -> ReportModel:
    json_path = path / PREDICTIONS if path.is_dir() else path
    if not json_path.is_file():
        raise UserError(
            f"{path}: {_instead(path)}. Give a run, or the folder or JSON file of "
            "predictions that `maskconver evaluate --out` writes"
        )
    folder = json_path.parent
    record = read_evaluation_record(folder) if json_path.name == PREDICTIONS else None
    noted = [Path(record.model)] if record and record.model else []
    near = [path for path in (folder, *noted, folder.parent) if is_run(path)]
    return ReportModel(
        path.name, (json_path, json_path.with_suffix("")), record, near[0] if near else None
    )


def _instead(path: Path) -> str:
    if not path.exists():
        return "found nothing; expected a run or predictions"
    if is_run(path):
        return f"found a run without {PREDICTIONS}; only runs of panoptic segmentation have one"
    if path.is_dir():
        return f"found a folder without {PREDICTIONS}; expected a run or the folder of predictions"
    return "found no file; expected a run or predictions"


def _different_names(paths: Sequence[Path]) -> list[str]:
    """Names paths by their last parts; takes as many parts as make the names differ."""
    parts = [
        path.resolve().with_suffix("" if path.suffix == ".json" else path.suffix).parts
        for path in paths
    ]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{part[-1]} ({number})" for number, part in enumerate(parts, start=1)]
