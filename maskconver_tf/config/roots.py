"""Calls the roots: functions of training and planning that get their arguments from Gin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf

from maskconver_tf.config import configuration
from maskconver_tf.config.bindings import OptionSetting
from maskconver_tf.errors import UserError
from maskconver_tf.files.disk_errors import explain_write_errors
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.files.whole_file import write_text_whole
from maskconver_tf.inference.segmenter import PanopticSegmenter
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
from maskconver_tf.training.run_files.provenance import run_provenance
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.run_settings import Compute
from maskconver_tf.training.tasks.panoptic_task import PanopticTask
from maskconver_tf.training.tasks.task import Task
from maskconver_tf.training.train import train


def train_run(model_dir: str) -> dict[str, dict[str, float]]:
    """Trains with the loaded configuration and saves it in the run folder.

    Raises:
      UserError: `model_dir` is empty; or see `train`.
    """
    if not model_dir:
        raise UserError("--model_dir is empty; expected the run's folder, such as runs/demo")

    def on_built(folder: RunFolder) -> None:
        configuration.check_all_used(other_roots=[evaluate, restore_segmenter, show_inputs])
        with explain_write_errors(folder.path):
            folder.save_config(configuration.bound_config())
            write_text_whole(folder.operative_config, configuration.operative_config())
            write_text_whole(
                folder.provenance, run_provenance(configuration.argument(train, "seed"))
            )
            with tf.summary.create_file_writer(str(folder.summaries)).as_default(step=0):
                tf.summary.text("operative_config", f"```\n{configuration.operative_config()}\n```")

    return configuration.configurable(train)(model_dir=model_dir, on_built=on_built)


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
    arguments = configuration.arguments_of(train, supplied=["model_dir", "on_built"])
    train_input = arguments["task"].train_input
    size = per_core_batch or training_needs.batch_size_per_core(train_input.batch_size, cores)
    classes = choose_num_classes(train_input, num_classes)
    program = configuration.call(StepProgram, arguments, classes)
    configuration.check_all_used(other_roots=[train, evaluate, restore_segmenter, show_inputs])
    print(training_needs.format_needs(training_needs.count_needs(program, size)), flush=True)
    if measure:
        step = measured_step.measure_step(program, size, arguments["compute"].jit_compile)
        total_steps = arguments["length"].total_steps
        print("\n" + measured_step.format_step(step, train_input.batch_size, total_steps))
    if tpu:
        folder = Path(cache) if cache else tpu_check.DEFAULT_CACHE
        print()
        tpu_report.print_tpu_memory(program, size, tpu, folder, minutes, search, to_code)


def load_run(
    model_dir: str, bindings: Iterable[str] = (), score_threshold: float | None = None
) -> PanopticSegmenter:
    """Restores the best weights of a run, with the configuration of that run.

    Args:
      model_dir: the run's folder.
      bindings: Gin settings that override it, such as `PanopticFusion.score_threshold=0.5`.
      score_threshold: `score_threshold` of the run's fusion, whatever its class; None for the run's
        own.

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
    if score_threshold is not None:
        fusion = configuration.bound_class(restore_segmenter, "fusion").__name__
        _load_config(folder, [*bindings, f"{fusion}.score_threshold={score_threshold}"])
    return configuration.configurable(restore_segmenter)(model_dir=model_dir)


def evaluate_run(
    model_dir: str, data_dir: str | None, out: str, bindings: Iterable[str | OptionSetting] = ()
) -> dict:
    """Scores a run of any task.

    Args:
      model_dir: the run's folder.
      data_dir: the dataset to score on; None for the evaluation dataset of the run.
      out: folder for the results.
      bindings: Gin settings that override the run's configuration.
    """
    folder = RunFolder(local_or_remote_path(model_dir))
    kind = _load_config(folder, bindings)
    if data_dir:
        data = f"{kind.eval_input_class}.data_dir={data_dir!r}"
        _load_config(folder, [data, *bindings])
    arguments = configuration.arguments_of(train, supplied=["model_dir", "on_built"])
    task = arguments["task"]
    if not data_dir:
        _check_own_data(folder, getattr(task.eval_input, "data_dir", None))
    restored = _restore(model_dir, task, arguments["compute"])
    return configuration.configurable(evaluate)(task=task, restored=restored, out=out)


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


def _restore(model_dir: str, task: Task, compute: Compute) -> RestoredNetwork:
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
    center_levels = getattr(model, "center_levels", None)  # Of a model without such a setting.
    if center_levels is None:
        center_levels = configuration.argument(model, "center_levels")
    configuration.configurable(show_inputs)(
        center_levels=center_levels, out=out, num_pictures=num_pictures, seed=seed
    )
