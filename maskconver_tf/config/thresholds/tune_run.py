"""Chooses the thresholds of a run: what `maskconver tune` calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from maskconver_tf.config.bindings import OptionSetting
from maskconver_tf.config.roots import load_evaluation, restore_task
from maskconver_tf.config.thresholds.chosen_thresholds import keep_thresholds
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.training.evaluators.checks import check_local_folder, check_same_classes
from maskconver_tf.training.run_files.kept_thresholds import write_kept
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.tasks.panoptic_task import PanopticTask
from maskconver_tf.training.tuning.network_state import network_state
from maskconver_tf.training.tuning.tune import TuneOptions, tune


def tune_run(
    model_dir: str,
    data_dir: str | None,
    out: str | None,
    bindings: Iterable[str | OptionSetting],
    thresholds: Mapping[str, Any],
    options: TuneOptions,
) -> None:
    """Chooses the thresholds of a panoptic run; see `training.tuning.tune`.

    Args:
      model_dir: the run's folder.
      data_dir: the dataset to choose on; None for the evaluation dataset of the run.
      out: folder for the results; None for `tuning` in the run's folder.
      bindings: Gin settings that override the run's configuration.
      thresholds: where the search starts, in place of the run's thresholds.
      options: see `TuneOptions`.
    """
    folder = RunFolder(local_or_remote_path(model_dir))
    arguments = load_evaluation(folder, data_dir, bindings, thresholds)
    task = arguments["task"]
    if not isinstance(task, PanopticTask):
        raise UserError(
            f"{model_dir}: this is a run of {task.kind}, which has no thresholds; `maskconver "
            "tune` needs a run of panoptic segmentation"
        )
    restored = restore_task(model_dir, task, arguments["compute"])
    check_same_classes(restored.categories, task.eval_input, "the model")
    segmenter = PanopticSegmenter(
        restored.network,
        task.fusion,
        restored.categories,
        task.eval_input.input_size,
        restored.jit_compile,
    )
    results = check_local_folder(out or str(folder.path / "tuning"))
    source = network_state(folder, task.eval_input, restored.network)
    tuned = tune(segmenter, task.eval_input, results, source, options)
    if not options.keeps(tuned):
        print("The run keeps its thresholds as they are")
        return
    origin = {
        "chosen_by": "maskconver tune",
        "data": task.eval_input.data_dir,
        "held_out": tuned.held_out._asdict(),
    }
    kept = keep_thresholds(folder, tuned.fusion, origin)
    print(f"{write_kept(folder.path, kept, restored.categories)}: thresholds kept")
