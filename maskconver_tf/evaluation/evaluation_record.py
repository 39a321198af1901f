"""The file evaluation.json beside predictions: which model predicted which dataset, and how fast.

`maskconver evaluate` writes it. `maskconver report` finds the truth with it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from maskconver_tf.errors import UserError, typed_repr
from maskconver_tf.files.json_file import read_json, write_json
from maskconver_tf.files.paths import RemotePath, local_or_remote_path

RECORD_FILE = "evaluation.json"


@dataclasses.dataclass(frozen=True)
class EvaluationRecord:
    """What an evaluation was made of.

    Attributes:
      dataset: the dataset folder: an absolute path, or an address in a bucket.
      model: the folder of the run, as `dataset`; "" if unknown.
      weights: name of the best weights, such as "weights-3000"; "" if unknown.
      num_parameters: number of weights of the network, with statistics; None if unknown.
      input_size: height and width of the network's input; None if unknown.
      milliseconds: time of one picture after the first batch, with reading, network, fusion and
        writing; None if there was only one batch.
      device: kind of the device, such as "CPU"; "" if unknown.
      fusion: name of the class of the fusion, such as "PanopticFusion"; "" if unknown.
      thresholds: its settings, as the thresholds.json of a run has them; None if unknown.
    """

    dataset: str
    model: str = ""
    weights: str = ""
    num_parameters: int | None = None
    input_size: tuple[int, int] | None = None
    milliseconds: float | None = None
    device: str = ""
    fusion: str = ""
    thresholds: dict[str, Any] | None = None


def absolute(path: Path | RemotePath | str) -> str:
    """Returns a path that other folders understand too; an address in a bucket stays."""
    found = local_or_remote_path(path)
    return str(found.absolute()) if isinstance(found, Path) else str(path)


def best_weights(run: Path | RemotePath) -> str:
    """Returns the name of a run's best weights, such as "weights-3000"; "" if it is not known."""
    if not isinstance(run, Path):
        return ""
    names = [path.stem for path in (run / "best").glob("*.index")]
    return max(names, key=lambda name: (len(name), name), default="")


def write_evaluation_record(folder: Path, record: EvaluationRecord) -> None:
    """Writes the record into the folder of the predictions."""
    write_json(folder / RECORD_FILE, dataclasses.asdict(record))


def read_evaluation_record(folder: Path) -> EvaluationRecord | None:
    """Reads the record of a folder; None if the folder has none.

    Raises:
      UserError: the file is damaged.
    """
    path = folder / RECORD_FILE
    if not path.is_file():
        return None
    content = read_json(path, "the record of the evaluation")
    dataset = content.get("dataset") if isinstance(content, dict) else content
    if not isinstance(dataset, str):
        raise UserError(
            f"{path}: found dataset {typed_repr(dataset)}; expected the path of a dataset folder. "
            "Remove the file and run `maskconver evaluate` again"
        )
    known = {field.name for field in dataclasses.fields(EvaluationRecord)}
    values: dict[str, Any] = {name: value for name, value in content.items() if name in known}
    size = values.get("input_size")
    return EvaluationRecord(**values | {"input_size": tuple(size) if size else None})
