"""Tells what a path is that a user gave as a model, but that is not the model a command needs."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.errors import UserError, suggest_name
from maskconver_tf.files.paths import RemotePath

_RUN_PARTS = ("checkpoints", "best", "config.gin")
"""Any of them makes a folder a run, complete or not."""


def check_is_folder(path: Path | RemotePath, needed: str) -> None:
    """Raises `UserError` if `path` is no folder; `needed` says which folder it must be."""
    if not path.is_dir():
        raise UserError(f"{path}: {describe_other(path)}; give {needed}")


def describe_other(path: Path | RemotePath) -> str:
    """Says what `path` is, for a message; where possible with the path that was perhaps meant."""
    if path.is_file():
        return "found a file" + _meant(_run_above(path))
    if not path.is_dir():
        return "no such folder" + _similar(path)
    if is_run(path):
        return "found the folder of a run"
    if run := _run_above(path):
        return f"found the folder '{path.name}' of a run" + _meant(run)
    if (path / "dataset.json").is_file():
        return "found a dataset folder, as `maskconver data build` writes"
    if not isinstance(path, RemotePath) and has_lite_files(path):
        return "found LiteRT files, as `maskconver export --to litert` writes"
    if (path / "saved_model.pb").is_file() or (path / "1" / "saved_model.pb").is_file():
        return "found a SavedModel, as `maskconver export` or another tool writes"
    return _describe_content(path)


def is_run(path: Path | RemotePath) -> bool:
    """Whether a folder is a run's `--model_dir`, complete or not."""
    *folders, config = (path / name for name in _RUN_PARTS)
    return config.is_file() or any(folder.is_dir() for folder in folders)


def has_lite_files(path: Path) -> bool:
    """Whether a path names a LiteRT file, or a folder with LiteRT files of an export."""
    if path.suffix == ".tflite":
        return not path.is_dir()
    return any(any(path.glob(f"{kind}_*.tflite")) for kind in ("whole", "heads"))


def _describe_content(path: Path | RemotePath) -> str:
    if isinstance(path, RemotePath):
        return "found a folder without a model"
    names = sorted(entry.name for entry in path.iterdir())
    if runs := [name for name in names if is_run(path / name)]:
        return f"found a folder of runs ({', '.join(runs[:3])})" + _meant(path / runs[0])
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"found a folder with other files ({some})" if names else "found an empty folder"


def _run_above(path: Path | RemotePath) -> Path | None:
    """Returns the run that has `path` among its files, or None."""
    if isinstance(path, RemotePath):
        return None
    return next((folder for folder in list(path.parents)[:2] if is_run(folder)), None)


def _meant(run: Path | None) -> str:
    return f"; perhaps you mean the run {run}" if run else ""


def _similar(path: Path | RemotePath) -> str:
    """Suggests a folder beside a path that does not exist, and says where the names differ."""
    if isinstance(path, RemotePath) or not path.parent.is_dir():
        return ""
    return suggest_name(path.name, [each.name for each in path.parent.iterdir() if each.is_dir()])
