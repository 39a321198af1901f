"""The curves that recalibrate the scores of a run, in its folder: `score_curves.json`.

The file has the form of `maskconver score --out`, with two more fields: the weights for which the
curves were fitted, and how.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError, suggest_name, typed_repr
from maskconver_tf.evaluation.lost_quality.recalibration import Recalibration
from maskconver_tf.files.disk_errors import explain_write_errors
from maskconver_tf.files.json_file import read_json, write_json
from maskconver_tf.files.paths import RemotePath

FILE_NAME = "score_curves.json"

_WAY_OUT = (
    "Delete the file: then the run's own scores hold. Or fit the curves again with `maskconver "
    "evaluate --recalibrate`"
)


@dataclasses.dataclass(frozen=True)
class KeptRecalibration:
    """Curves for the scores of a run.

    Attributes:
      recalibration: the curves.
      weights: name of the weights that they were fitted for, such as "weights-3000".
      settings: settings of the fusion that they were fitted for.
      origin: how they were fitted; only for people.
    """

    recalibration: Recalibration
    weights: str = ""
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    origin: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def write_kept_recalibration(
    folder: Path | RemotePath, kept: KeptRecalibration
) -> Path | RemotePath:
    """Writes the curves into the folder of a run, whole or not at all; returns the file."""
    file = folder / FILE_NAME
    others = {"weights": kept.weights, "settings": kept.settings, "origin": kept.origin}
    with explain_write_errors(folder):
        write_json(file, kept.recalibration.to_json() | others)
    return file


def read_kept_recalibration(
    folder: Path | RemotePath, categories: Categories
) -> KeptRecalibration | None:
    """Reads the curves that a run keeps; None if it keeps none.

    A file of `maskconver score --out` has no weights; then nothing tells whether it fits them.

    Raises:
      UserError: the file is damaged, or has a class that the run lacks.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        return None
    try:
        content = read_json(file, "the file of kept curves")
        recalibration = Recalibration.from_json(content, file)
    except UserError as error:
        raise UserError(f"{error}. {_WAY_OUT}") from None
    _check(file, content)
    if unknown := sorted(set(recalibration.curves) - set(categories.names)):
        hint = suggest_name(unknown[0], categories.names)
        raise UserError(
            f"{file}: found a curve of the class {unknown[0]!r}, which is not in the class list of "
            f"the run{hint}. {_WAY_OUT}"
        )
    others = (content.get(name) or {} for name in ("settings", "origin"))
    return KeptRecalibration(recalibration, content.get("weights", ""), *others)


def _check(file: Path | RemotePath, content: Any) -> None:
    for name, kind, what in (
        ("weights", str, "a text"),
        ("settings", dict, "an object"),
        ("origin", dict, "an object"),
    ):
        if name in content and not isinstance(content[name], kind):
            raise UserError(
                f"{file}: {name} is {typed_repr(content[name])}; expected {what}, so the file is "
                f"damaged. {_WAY_OUT}"
            )
