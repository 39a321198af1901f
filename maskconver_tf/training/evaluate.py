"""Scores a trained model: the root of `maskconver evaluate`."""

from __future__ import annotations

from PIL import Image
from tqdm import tqdm

from maskconver_tf.evaluation.coco_results import CocoPanopticWriter
from maskconver_tf.evaluation.results import format_table, results_dict, write_results
from maskconver_tf.inference.drawing.panoptic_drawing import contact_sheet
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.input.pipeline import EvaluationInput
from maskconver_tf.training.machines.strategy import make_strategy
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.tasks.evaluation_checks import check_same_classes, local_folder
from maskconver_tf.training.tasks.evaluator import Scored, picture_row, score, segment_examples


def evaluate(
    segmenter: PanopticSegmenter,
    eval_input: EvaluationInput,
    out: str,
    strategy: str = "auto",
    num_pictures: int = 8,
) -> dict:
    """Scores, writes what was found, and prints the table.

    Into the folder go `results.json`; `predictions.json` and `predictions/*.png` as COCO's own
    evaluation reads them; and `overview.png`, the first pictures beside truth and prediction.

    Args:
      segmenter: restored from a run.
      eval_input: dataset to score on; its class list must be the model's.
      out: folder to write into.
      strategy: see `make_strategy`.
      num_pictures: pictures in the overview.

    Returns:
      What `results.json` holds.

    Raises:
      UserError: the dataset has other classes than the model.
    """
    categories = segmenter.categories
    check_same_classes(categories, eval_input, "the model")
    folder, rows = local_folder(out), []
    with CocoPanopticWriter(folder, categories) as writer:

        def write(index: int, picture: Scored) -> None:
            if index < num_pictures:
                rows.append(picture_row(picture, categories))
            writer.add(picture.image_id, picture.file_name, picture.panoptic_map, picture.predicted)

        pictures = segment_examples(segmenter, eval_input, Workers(make_strategy(strategy)))
        pictures = tqdm(pictures, "evaluate", eval_input.num_examples, unit="image")
        results = results_dict(score(pictures, categories, write), categories)
    write_results(folder / "results.json", results)
    if rows:
        Image.fromarray(contact_sheet(rows)).save(folder / "overview.png")
    print(format_table(results))
    print(f"{folder}: results.json, overview.png, predictions.json and its id maps")
    return results
