"""Scores panoptic predictions from files and writes the results: the work of `maskconver score`."""

from __future__ import annotations

import csv
import dataclasses
import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from maskconver_tf.evaluation.scoring.ap_resamples import resampled_average_precision
from maskconver_tf.evaluation.scoring.counting.scoring_rules import ScoringRules
from maskconver_tf.evaluation.scoring.intervals import draw_weights, resampled_scores
from maskconver_tf.evaluation.scoring.loss_results import (
    SEGMENT_COLUMNS,
    LossResults,
    loss_results,
)
from maskconver_tf.evaluation.scoring.reading.picture_pairs import PicturePairs
from maskconver_tf.evaluation.scoring.score_pictures import score_pictures
from maskconver_tf.evaluation.scoring.score_results import (
    Results,
    difference,
    model_results,
    panoptic_result,
    picture_rows,
)
from maskconver_tf.evaluation.scoring.score_tables import collect
from maskconver_tf.files.json_file import write_json
from maskconver_tf.files.whole_file import write_text_whole

FORMAT = "maskconver panoptic scores"
VERSION = 1


@dataclasses.dataclass(frozen=True)
class Scoring:
    """What a scoring found.

    Attributes:
      results: the content of results.json.
      per_picture: a row of scores of each picture, for each scored model.
      losses: where quality is lost, for each scored model.
    """

    results: Results
    per_picture: tuple[list[dict[str, Any]], ...]
    losses: tuple[LossResults, ...]


def score_files(
    pairs: PicturePairs, workers: int, strict: bool = False, boundary: bool = False
) -> Scoring:
    """Scores one model, or two models on the same truth.

    Args:
      pairs: the pictures; the second prediction of each, if any, is that of the model to compare
        with.
      workers: number of processes; the scores do not depend on it.
      strict: panoptic quality as COCO's program computes it, also where it is odd.
      boundary: also count boundary quality, which takes twice the time.

    Raises:
      UserError: a picture cannot be scored; the message names picture and file.
    """
    rules = ScoringRules(pairs.categories.is_thing, strict, boundary)
    scored = score_pictures(pairs.pairs, rules, workers)
    shown = tqdm(scored, "score", pairs.count, unit="image", file=sys.stderr)
    models = collect(shown, rules.is_thing)
    weights = draw_weights(pairs.count)
    samples = [resampled_scores(tables, weights, boundary) for tables in models]
    for known, tables in zip(samples, models, strict=True):
        if tables.evaluation is not None:
            known |= resampled_average_precision(tables.evaluation, weights)
    found = [panoptic_result(tables, pairs.categories, strict) for tables in models]
    losses = tuple(
        loss_results(tables, panoptic, pairs.categories, weights)
        for tables, panoptic in zip(models, found, strict=True)
    )
    contents = [
        model_results(tables, panoptic, pairs.categories, resampled, boundary) | lost.results
        for tables, panoptic, resampled, lost in zip(models, found, samples, losses, strict=True)
    ]
    results = {
        "format": FORMAT,
        "version": VERSION,
        "mode": "strict" if strict else "default",
        "pictures": pairs.count,
        "missing_predictions": pairs.num_missing[0],
        "unused_predictions": pairs.num_unused[0],
        **contents[0],
    }
    if len(models) > 1:
        results["against"] = contents[1]
        results["difference"] = difference(*samples, *contents)
    rows = tuple(picture_rows(tables, pairs.categories) for tables in models)
    return Scoring(results, rows, losses)


def write_scoring(folder: Path, scoring: Scoring) -> list[str]:
    """Writes results.json, tables as CSV and recalibration.json; returns the names of the files.

    Files of the model to compare with begin with "against_". Without scores of the segments there
    is no recalibration.json; one of an earlier scoring is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    models = [("", scoring.results)]
    if "against" in scoring.results:
        models.append(("against_", scoring.results["against"]))
    names = ["results.json"]
    write_json(folder / names[0], scoring.results)
    for (prefix, results), pictures, losses in zip(
        models, scoring.per_picture, scoring.losses, strict=True
    ):
        classes = [{"class": name} | entry for name, entry in results["per_class"].items()]
        tables = {
            f"{prefix}per_class.csv": csv_of_dictionaries(classes),
            f"{prefix}per_picture.csv": csv_of_dictionaries(pictures),
            f"{prefix}per_segment.csv": csv_of_rows(SEGMENT_COLUMNS, losses.segments()),
        }
        for name, text in tables.items():
            write_text_whole(folder / name, text)
        names += [*tables, *_write_recalibration(folder, prefix, losses)]
    return names


def _write_recalibration(folder: Path, prefix: str, losses: LossResults) -> list[str]:
    name = f"{prefix}recalibration.json"
    if losses.recalibration is None:
        (folder / name).unlink(missing_ok=True)
        return []
    losses.recalibration.save(folder / name)
    return [name]


def csv_of_dictionaries(rows: list[dict[str, Any]]) -> str:
    """Formats rows as CSV (RFC 4180); an unknown value is empty, numbers have all digits."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return csv_of_rows(names, ([row.get(name, "") for name in names] for row in rows))


def csv_of_rows(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Formats rows whose values stand in the order of `names`; None is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()
