"""The root of `maskconver data check --against`: proves built folders against their sources."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from maskconver_tf.datasets.proof.proof import prove
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.sources.options import ALL_SOURCES_OPTIONS
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import make_out_folder
from maskconver_tf.planning.dataset_check.write_report import write_files
from maskconver_tf.planning.dataset_proof.open_source import SourceChoice, open_source
from maskconver_tf.planning.dataset_proof.proof_report import ProofReport


def prove_dataset(
    folder: str | None,
    val: str | None,
    place: str,
    kind: str | None,
    options: Mapping[str, str | None],
    val_options: Mapping[str, str | None],
    out: str | None,
    workers: int | None = None,
    progress: bool = True,
) -> ProofReport:
    """Compares dataset folders with their sources; writes the report to `out` if it is given.

    Args:
      folder: the dataset folder.
      val: another dataset folder, or None.
      place, kind: value of `--against`, and value of `--source` or None (see `SourceChoice`).
      options: options of the source of `folder`; None for those that were not given.
      val_options: the same for `val`.
      workers: number of processes; None for one per CPU.

    Raises:
      UserError: a folder or source cannot be opened, or two arguments exclude each other.
    """
    if folder is None:
        raise UserError(
            "--against: DIR is missing; expected the folder that `data build` wrote. Give it "
            "before --against: maskconver data check DIR --against"
        )
    if val is None and (extra := [name for name, value in val_options.items() if value]):
        raise UserError(f"--val_{extra[0]}: there is no --val DIR to compare; give it, or remove")
    limit = {name: options.get(name) for name in ALL_SOURCES_OPTIONS}
    given = {name: value for name, value in val_options.items() if value is not None}
    pairs = [(folder, options)] + ([(val, limit | given)] if val is not None else [])
    opened = {}
    for path, own_options in pairs:
        built = DatasetFolder(path, check_files=False)
        name = built.path.name if built.path.name not in opened else str(built.path)
        opened[name] = built, open_source(built, SourceChoice(place, kind, own_options))
    if out is not None:
        make_out_folder(out)  # A proof may take hours: fail now, not at its end.
    proofs = {
        name: prove(built, source, workers, progress) for name, (built, source) in opened.items()
    }
    report = ProofReport(proofs)
    if out is None:
        return report
    page_file = write_files(report.to_json(), report.to_page(), Path(out))
    return dataclasses.replace(report, page_file=page_file)
