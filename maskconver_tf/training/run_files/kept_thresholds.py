"""The thresholds that somebody chose for a run, in its folder: `thresholds.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError, typed_repr
from maskconver_tf.files.disk_errors import explain_write_errors
from maskconver_tf.files.json_file import read_json, write_json
from maskconver_tf.files.paths import RemotePath

FILE_NAME = "thresholds.json"
CLASS_THRESHOLDS = "class_score_thresholds"
"""The setting with a value for each class. The file has an object of class name -> value."""

_WAY_OUT = (
    "Delete the file: then the run's own thresholds hold. Or choose again with `maskconver tune "
    "--keep always` or `maskconver evaluate --keep`"
)


@dataclasses.dataclass(frozen=True)
class KeptThresholds:
    """A choice for the predictions of a run.

    Attributes:
      fusion: name of the class of the fusion, such as "PanopticFusion".
      settings: name of a setting of that class -> value.
      weights: name of the weights that the choice was made for, such as "weights-3000".
      origin: how it was made; only for people.
    """

    fusion: str
    settings: Mapping[str, Any]
    weights: str
    origin: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def write_kept(
    folder: Path | RemotePath, kept: KeptThresholds, categories: Categories
) -> Path | RemotePath:
    """Writes the choice into the folder of a run, whole or not at all; returns the file."""
    settings = with_class_names(kept.settings, categories)
    file = folder / FILE_NAME
    with explain_write_errors(folder):
        write_json(file, dataclasses.asdict(kept) | {"settings": settings})
    return file


def with_class_names(settings: Mapping[str, Any], categories: Categories) -> dict[str, Any]:
    """Returns settings of a fusion as the file has them: class thresholds by the class's name."""
    found = dict(settings)
    if classes := found.pop(CLASS_THRESHOLDS, ()):
        named = zip(categories.names, classes, strict=True)
        found[CLASS_THRESHOLDS] = {name: own for name, own in named if own is not None}
    return found


def read_kept(folder: Path | RemotePath, categories: Categories) -> KeptThresholds | None:
    """Reads the choice that a run keeps; None if it keeps none.

    Raises:
      UserError: the file is damaged.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        return None
    try:
        content = read_json(file, "the file of kept thresholds")
    except UserError as error:
        raise UserError(f"{error}. {_WAY_OUT}") from None
    _check(file, content)
    settings = dict(content["settings"])
    if CLASS_THRESHOLDS in settings:
        settings[CLASS_THRESHOLDS] = _of_classes(file, settings[CLASS_THRESHOLDS], categories)
    return KeptThresholds(
        content["fusion"], settings, content["weights"], content.get("origin") or {}
    )


def _check(file: Path | RemotePath, content: Any) -> None:
    expected = {"fusion": str, "settings": dict, "weights": str}
    if not isinstance(content, dict):
        raise UserError(f"{file}: found {typed_repr(content)}; expected an object. {_WAY_OUT}")
    for name, kind in expected.items():
        if not isinstance(value := content.get(name), kind):
            what = "an object" if kind is dict else "a text"
            raise UserError(
                f"{file}: {name} is {typed_repr(value)}; expected {what}, so the file is damaged. "
                f"{_WAY_OUT}"
            )
    plain = (bool, int, float, type(None))
    for name, value in content["settings"].items():
        if not name.isidentifier() or (name != CLASS_THRESHOLDS and type(value) not in plain):
            raise UserError(
                f"{file}: the setting {name} is {typed_repr(value)}; expected a number, true, "
                f"false or null, so the file is damaged. {_WAY_OUT}"
            )


def _of_classes(
    file: Path | RemotePath, values: Any, categories: Categories
) -> tuple[float | None, ...]:
    """Makes the list in the order of the class list."""
    if not isinstance(values, dict) or any(type(v) not in (int, float) for v in values.values()):
        raise UserError(
            f"{file}: {CLASS_THRESHOLDS} is {typed_repr(values)}; expected an object of class name "
            f"and number. {_WAY_OUT}"
        )
    if unknown := sorted(set(values) - set(categories.names)):
        raise UserError(
            f"{file}: {CLASS_THRESHOLDS} has the class {unknown[0]!r}, which is not in the class "
            f"list of the run. {_WAY_OUT}"
        )
    return tuple(values.get(name) for name in categories.names)
