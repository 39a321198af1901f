"""Scores a run of a stage before panoptic segmentation: `maskconver evaluate` for those."""

from __future__ import annotations

from PIL import Image

from maskconver_tf.evaluation.results import format_scores, write_results
from maskconver_tf.inference.drawing.panoptic_drawing import contact_sheet
from maskconver_tf.inference.segmenter import built
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.training.machines.strategy import make_strategy
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.tasks.evaluation_checks import check_same_classes, local_folder
from maskconver_tf.training.tasks.network_evaluator import NUM_PICTURES, Results
from maskconver_tf.training.tasks.task import Task


def score_run(
    task: Task, folder: RunFolder, out: str, strategy: str = "auto", jit_compile: bool = False
) -> Results:
    """Scores a run's best weights, writes what was found, and prints the table.

    Into the folder goes `results.json`, and of segmentation `overview.png`, the first pictures
    beside truth and prediction.

    Args:
      task: of the run; its evaluation input is what to score on.
      folder: of the run.
      out: folder to write into.
      strategy: see `make_strategy`.
      jit_compile: compile the network with XLA.

    Returns:
      What `results.json` holds: group -> metric -> percent, and perhaps `per_class`.

    Raises:
      UserError: the dataset has other classes than the model, or there are no weights.
    """
    categories, path, rows = folder.categories(), local_folder(out), []
    check_same_classes(categories, task.eval_input, "the model")
    with random_weights():
        network = built(task.model(num_classes=len(categories)), task.eval_input.input_size)
    folder.restore(network)
    evaluator = task.evaluator(network, Workers(make_strategy(strategy)), jit_compile=jit_compile)

    def keep(index, example, found) -> None:
        if index < NUM_PICTURES and (row := evaluator.row(example, found)) is not None:
            rows.append(row)

    results = evaluator.results(keep)
    write_results(path / "results.json", results)
    if rows:
        Image.fromarray(contact_sheet(rows)).save(path / "overview.png")
    print(format_scores(results))
    print(f"{path}: results.json{', overview.png' if rows else ''}")
    return results
