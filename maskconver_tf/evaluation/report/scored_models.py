"""Scores the models of a report with the code of `maskconver score`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from maskconver_tf.evaluation.report.report_truth import Truth
from maskconver_tf.evaluation.scoring.score import Scoring, score_files


class ScoredModel(NamedTuple):
    """The scores of one model.

    Attributes:
      results: what `maskconver score` writes into results.json of this model.
      difference: score -> this model minus the first one, with interval; None for the first model.
      pictures: id as JSON text -> scores of the picture, a row of per_picture.csv.
    """

    results: dict[str, Any]
    difference: dict[str, Any] | None
    pictures: dict[str, dict[str, Any]]


def score_models(
    truth: Truth,
    predictions: Sequence[tuple[Path, Path]],
    workers: int,
    boundary: bool = False,
    allow_missing: bool = False,
) -> list[ScoredModel]:
    """Scores each model; all after the first are also compared with it, on the same resamples.

    Raises:
      UserError: see `score_files`.
    """
    first, *others = predictions

    def score(compared: Sequence[tuple[Path, Path]]) -> Scoring:
        return score_files(truth.pairs(compared, allow_missing), workers, boundary=boundary)

    alone = score([first])
    models = [_scored(alone.results, None, alone.per_picture[0])]
    for other in others:
        scoring = score([other, first])
        results = dict(scoring.results)
        del results["against"]
        models.append(_scored(results, results.pop("difference"), scoring.per_picture[0]))
    return models


def _scored(results: dict, difference: dict | None, rows: list[dict[str, Any]]) -> ScoredModel:
    return ScoredModel(results, difference, {json.dumps(row["image_id"]): row for row in rows})
