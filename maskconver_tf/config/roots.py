"""Calls the roots: functions of training and planning that get their arguments from Gin."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from maskconver_tf.config import configuration
from maskconver_tf.config.bindings import OptionSetting
from maskconver_tf.config.doubtful_settings.fit_of_settings import warn_of_settings
from maskconver_tf.config.thresholds.chosen_thresholds import (
    add_thresholds,
    keep_thresholds,
    refuse_thresholds,
    report_thresholds,
)
from maskconver_tf.config.thresholds.kept_curves import keep_curves, kept_curves
from maskconver_tf.errors import UserError
from maskconver_tf.files.disk_errors import explain_write_errors
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.files.whole_file import write_text_whole
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.inference.tiles.chosen_tile import GivenTile
from maskconver_tf.planning.preflight import (
    measured_step,
    tpu_check,
    tpu_report,
    training_needs,
)
from maskconver_tf.planning.preflight.step_program import StepProgram, choose_num_classes
from maskconver_tf.planning.show_inputs import show_inputs
from maskconver_tf.training.evaluate import evaluate
from maskconver_tf.training.machines.process_settings import prepare_process, set_precision
from maskconver_tf.training.restore import RestoredNetwork, restore_network, restore_segmenter
from maskconver_tf.training.run_files.kept_thresholds import write_kept
from maskconver_tf.training.run_files.provenance import run_provenance
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.run_settings import Compute
from maskconver_tf.training.tasks.panoptic_task import PanopticTask
from maskconver_tf.training.tasks.task import Task
from maskconver_tf.training.train import train

TRAIN_HOOKS = ("model_dir", "on_built", "on_report")
"""The arguments of `train` that the program supplies."""


def train_run(
    model_dir: str, on_report: Callable[[int, dict], None] | None = None
) -> dict[str, dict[str, float]]:
    """Trains with the loaded configuration and saves it in the run folder.

    Args:
      model_dir: the run's folder.
      on_report: called with the step and the report of each loop of steps; None for nothing.

    Raises:
      UserError: `model_dir` is empty; or see `train`.
    """
    if not model_dir:
        raise UserError("--model_dir is empty; expected the run's folder, such as runs/demo")

    def on_built(folder: RunFolder) -> None:
        configuration.check_all_used(other_roots=[evaluate, restore_segmenter, show_inputs])
        with explain_write_errors(folder.path):
            folder.save_config(configuration.bound_config())
            task = configuration.arguments_of(train, supplied=TRAIN_HOOKS)["task"]
            warn_of_settings(task)
            write_text_whole(folder.operative_config, configuration.operative_config())
            seed = configuration.argument(train, "seed")
            data = getattr(task.train_input, "data_dir", None)
            write_text_whole(folder.provenance, run_provenance(seed, data))
            with tf.summary.create_file_writer(str(folder.summaries)).as_default(step=0):
                tf.summary.text("operative_config", f"```\n{configuration.operative_config()}\n```")

    hooks = {"on_built": on_built} | ({"on_report": on_report} if on_report else {})
    return configuration.configurable(train)(model_dir=model_dir, **hooks)


def preflight_run(
    num_classes: int | None,
    per_core_batch: int | None,
    tpu: str | None,
    cache: str | None,
    minutes: float,
    search: bool,
    to_code: bool,
    measure: bool = False,
) -> None:
    """Prints what a training with the loaded configuration needs; see `planning.preflight`.

    Args:
      num_classes: number of classes C; None for that of the configuration's dataset.
      per_core_batch: pictures per replica. None: the configured batch size divided by the cores of
        `tpu`.
      tpu: topology to compile for, such as "v5e:2x2"; None to compile nothing.
      cache: folder of earlier compilations; None for `tpu_check.DEFAULT_CACHE`.
      minutes: time limit of one compilation, in minutes.
      search: whether to search for the largest batch that fits.
      to_code: whether to compile the step also to machine code.
      measure: whether to compute some steps on this machine, and print their time.
    """
    cores = tpu_check.check_topology(tpu) if tpu else 1
    arguments = configuration.arguments_of(train, supplied=TRAIN_HOOKS)
    train_input = arguments["task"].train_input
    size = per_core_batch or training_needs.batch_size_per_core(train_input.batch_size, cores)
    classes = choose_num_classes(train_input, num_classes)
    program = configuration.call(StepProgram, arguments, classes)
    configuration.check_all_used(other_roots=[train, evaluate, restore_segmenter, show_inputs])
    print(training_needs.format_needs(training_needs.count_needs(program, size)), flush=True)
    warn_of_settings(arguments["task"])
    if measure:
        step = measured_step.measure_step(program, size, arguments["compute"].jit_compile)
        length = arguments["length"]
        lengths = (length.total_steps, length.minutes)
        print("\n" + measured_step.format_step(step, train_input.batch_size, *lengths))
    if tpu:
        folder = Path(cache) if cache else tpu_check.DEFAULT_CACHE
        print()
        tpu_report.print_tpu_memory(program, size, tpu, folder, minutes, search, to_code)


def load_run(
    model_dir: str, bindings: Iterable[str] = (), thresholds: Mapping[str, Any] | None = None
) -> PanopticSegmenter:
    """Restores the best weights of a run, with its configuration and the thresholds it keeps.

    Args:
      model_dir: the run's folder.
      bindings: Gin settings that override it, such as `PanopticFusion.score_threshold=0.5`.
      thresholds: settings of the run's fusion that override it, whatever its class.

    Raises:
      UserError: the folder has no run, or a run of an earlier stage.
    """
    folder = RunFolder(local_or_remote_path(model_dir))
    kind = _load_config(folder, bindings)
    if not issubclass(kind, PanopticTask):
        raise UserError(
            f"{model_dir}: this is a run of {kind.kind}, but a run of panoptic segmentation is "
            "needed. `maskconver evaluate` scores this run, and a panoptic run can start from it: "
            f"`maskconver train --init_from {model_dir}`"
        )
    _load_config(folder, add_thresholds(folder, bindings, thresholds or {}))
    segmenter = configuration.configurable(restore_segmenter)(model_dir=model_dir)
    report_thresholds(segmenter.fusion)
    segmenter.recalibration = kept_curves(folder, segmenter.categories, segmenter.fusion)
    return segmenter


def evaluate_run(
    model_dir: str,
    data_dir: str | None,
    out: str,
    bindings: Iterable[str | OptionSetting] = (),
    thresholds: Mapping[str, Any] | None = None,
    keep: bool = False,
    tile: GivenTile | None = None,
    recalibrate: bool = False,
) -> dict:
    """Scores a run of any task.

    Args:
      model_dir: the run's folder.
      data_dir: the dataset to score on; None for the evaluation dataset of the run.
      out: folder for the results.
      bindings: Gin settings that override the run's configuration.
      thresholds: settings of the fusion that override it, for panoptic segmentation.
      keep: write the thresholds of this evaluation into the run, for all later predictions.
      tile: predict in these windows, for panoptic segmentation.
      recalibrate: score with the scores of the network, fit curves to them, and keep the curves in
        the run if they help; for panoptic segmentation.

    Raises:
      UserError: the run is not one of panoptic segmentation, and thresholds, `tile` or
        `recalibrate` are given.
    """
    folder = RunFolder(local_or_remote_path(model_dir))
    arguments = load_evaluation(folder, data_dir, bindings, thresholds or {}, keep)
    task = arguments["task"]
    _refuse_options(task, {"tile": tile is not None, "recalibrate": recalibrate})
    restored = restore_task(model_dir, task, arguments["compute"])
    if isinstance(task, PanopticTask) and not recalibrate:
        curves = kept_curves(folder, restored.categories, task.fusion)
        restored = dataclasses.replace(restored, recalibration=curves)
    hook = {"on_scored": functools.partial(keep_curves, folder, task.fusion)} if recalibrate else {}
    results = configuration.configurable(evaluate)(
        task=task, restored=restored, out=out, tile=tile, **hook
    )
    if keep:
        data = getattr(task.eval_input, "data_dir", data_dir)
        origin = {"chosen_by": "maskconver evaluate --keep", "data": data, "scores": results["all"]}
        kept = keep_thresholds(folder, task.fusion, origin)
        print(f"{write_kept(folder.path, kept, restored.categories)}: thresholds kept")
    return results


def _refuse_options(task: Task, is_given: Mapping[str, bool]) -> None:
    for name, given in is_given.items():
        if given and not isinstance(task, PanopticTask):
            raise UserError(
                f"--{name}: this is a run of {task.kind}, but the option needs the segments of "
                "panoptic segmentation; remove the option"
            )


def load_evaluation(
    folder: RunFolder,
    data_dir: str | None,
    bindings: Iterable[str | OptionSetting],
    thresholds: Mapping[str, Any],
    keep: bool = False,
) -> dict[str, Any]:
    """Loads what an evaluation of a run needs; returns the arguments of `train`."""
    kind = _load_config(folder, bindings)
    if data_dir:
        bindings = [f"{kind.eval_input_class}.data_dir={data_dir!r}", *bindings]
        _load_config(folder, bindings)
    if issubclass(kind, PanopticTask):
        _load_config(folder, add_thresholds(folder, bindings, thresholds))
    else:
        refuse_thresholds(kind.kind, dict(thresholds) | ({"keep": keep} if keep else {}))
    arguments = configuration.arguments_of(train, supplied=TRAIN_HOOKS)
    task = arguments["task"]
    if not data_dir:
        _check_own_data(folder, getattr(task.eval_input, "data_dir", None))
    if isinstance(task, PanopticTask):
        report_thresholds(task.fusion)
    return arguments


def _check_own_data(folder: RunFolder, data: str | None) -> None:
    """Checks that the evaluation dataset of the run's own configuration is still at its path.

    Raises:
      UserError: it is not; for instance because the path is relative to another folder.
    """
    if not isinstance(data, str) or not data or local_or_remote_path(data).is_dir():
        return
    relative = not Path(data).is_absolute() and "://" not in data
    seen_from = f"seen from this folder, {Path.cwd()}; the path is relative" if relative else "here"
    raise UserError(
        f"{data}: the run's own evaluation dataset ({folder.config}) does not exist {seen_from}. "
        "Give --eval_data DIR" + (", or run this from the folder of the training" * relative)
    )


def restore_task(model_dir: str, task: Task, compute: Compute) -> RestoredNetwork:
    """Restores a run's network.

    A panoptic run uses the settings of its predictions and exports. Runs of earlier stages have no
    predictions or exports. They use their training settings.
    """
    if isinstance(task, PanopticTask):
        bound = configuration.arguments_of(restore_segmenter, supplied=["model_dir"])
        set_precision("restore_segmenter", bound["precision"])
        size, jit_compile = bound["input_size"], bound["jit_compile"]
    else:
        prepare_process(compute.precision)
        size, jit_compile = task.train_input.input_size, compute.jit_compile
    return restore_network(model_dir, task.model, size, jit_compile)


def _load_config(folder: RunFolder, bindings: Iterable[str | OptionSetting]) -> type[Task]:
    """Loads the configuration of a run and returns the class of its task."""
    folder.check_config()
    try:
        configuration.load([folder.config], bindings, note_renamed=False)
    except UserError as error:
        if not str(error).startswith(str(folder.config)):
            raise
        raise UserError(f"{error} (if the file was damaged, copy it again)") from error
    return configuration.bound_class(train, "task")


def show_run_inputs(out: str, num_pictures: int, seed: int | None) -> None:
    """Draws the training inputs of the loaded configuration. It does not build the model.

    Raises:
      UserError: the configuration trains an earlier stage.
    """
    if not issubclass(kind := configuration.bound_class(train, "task"), PanopticTask):
        raise UserError(
            f"this configuration trains {kind.kind}; `maskconver data show` draws the inputs of "
            "panoptic segmentation: its segments, centers and levels"
        )
    model = configuration.bound_class(PanopticTask, "model")
    configuration.configurable(show_inputs)(
        center_levels=center_levels_of(model), out=out, num_pictures=num_pictures, seed=seed
    )


def center_levels_of(model: Callable) -> Sequence[int]:
    """Returns the center levels of a panoptic model of the loaded configuration, without a call."""
    fixed = getattr(model, "center_levels", None)  # Of a model without such a setting.
    return configuration.argument(model, "center_levels") if fixed is None else fixed
