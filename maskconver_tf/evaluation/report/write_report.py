"""Makes a report: scores the models, writes the files of all pictures, and the page."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.process_pool import num_workers, process_pool
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.report.learning_curves import read_curves
from maskconver_tf.evaluation.report.model_facts import model_facts
from maskconver_tf.evaluation.report.model_folders import ReportModel
from maskconver_tf.evaluation.report.page_files import is_report, write_data, write_page
from maskconver_tf.evaluation.report.picture_content import (
    PictureContent,
    PictureWork,
    Refusal,
    write_picture,
)
from maskconver_tf.evaluation.report.report_truth import Truth, photo_of
from maskconver_tf.evaluation.report.scored_models import ScoredModel, score_models
from maskconver_tf.evaluation.report.segment_rows import PAIR_COLUMNS, ROW_COLUMNS
from maskconver_tf.evaluation.report.thumbnails import KIND_COLORS
from maskconver_tf.files.whole_folder import whole_folder

FORMAT, VERSION = "maskconver report", 1


class ReportOptions(NamedTuple):
    """How to make a report.

    Attributes:
      title: heading of the page.
      workers: number of processes; None for one per CPU.
      boundary: also boundary PQ.
      allow_missing: count a missing prediction as empty.
      longest_side: most pixels of a side of the photos and maps on the page.
    """

    title: str
    workers: int | None = None
    boundary: bool = False
    allow_missing: bool = False
    longest_side: int = 640


class MadeReport(NamedTuple):
    """What was written: the page, the number of pictures, and the scores of each model."""

    page: Path
    num_pictures: int
    scored: list[ScoredModel]


def write_report(
    models: Sequence[ReportModel], truth: Truth, out: Path, options: ReportOptions
) -> MadeReport:
    """Writes a report, whole or not at all. It replaces an older report in `out`.

    Raises:
      UserError: a picture cannot be read or scored, or `out` holds something else.
    """
    predictions = [model.predictions for model in models]
    with whole_folder(out, True, is_report, "a report") as folder:
        pairs = truth.pairs(predictions, options.allow_missing)
        workers = num_workers(options.workers, pairs.count)
        scored = score_models(truth, predictions, workers, options.boundary, options.allow_missing)
        for name in ("pictures", *(f"thumbnails/{i}" for i in range(len(models)))):
            (folder / name).mkdir(parents=True)
        categories = pairs.categories
        numbers = {key: number for number, key in enumerate(scored[0].pictures)}
        contents = _write_pictures(pairs, truth, folder, numbers, (workers, options.longest_side))
        write_data(folder, "report", _report(models, scored, categories, truth, options))
        write_data(folder, "pictures", _pictures(scored, contents))
        write_data(folder, "segments", _tables(contents, "rows", ROW_COLUMNS))
        write_data(folder, "pairs", _tables(contents, "pairs", PAIR_COLUMNS))
        page = write_page(folder, options.title)
    return MadeReport(out / page.name, len(contents), scored)


def _write_pictures(
    pairs: Any, truth: Truth, folder: Path, numbers: dict[str, int], how: tuple[int, int]
) -> list[PictureContent]:
    """Writes the files of all pictures; returns their contents by number."""
    photos = truth.photos()
    workers, longest_side = how
    is_thing, colors = pairs.categories.is_thing, pairs.categories.colors

    def works() -> Iterator[PictureWork]:
        for pair in pairs.pairs:
            yield PictureWork(
                numbers[json.dumps(pair.image_id)],
                pair,
                photo_of(photos, pair.image_id, truth),
                folder,
                is_thing,
                colors,
                longest_side,
            )

    contents: dict[int, PictureContent] = {}
    work_list = list(works())
    with process_pool(workers, write_picture) as mapped:
        answers = zip(work_list, mapped(work_list), strict=True)
        for work, answer in tqdm(answers, "report", len(work_list), unit="image", file=sys.stderr):
            if isinstance(answer, Refusal):
                raise UserError(answer.message)
            contents[work.number] = answer
    return [contents[number] for number in sorted(contents)]


def _report(
    models: Sequence[ReportModel],
    scored: Sequence[ScoredModel],
    categories: Categories,
    truth: Truth,
    options: ReportOptions,
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "title": options.title,
        "truth": _shown(truth.where),
        "kinds": [{"name": kind, "color": KIND_COLORS[kind]} for kind in KINDS],
        "classes": [
            {"name": category.name, "isthing": bool(category.isthing), "color": color}
            for category, color in zip(categories, categories.colors.tolist(), strict=True)
        ],
        "models": [_model(model, found) for model, found in zip(models, scored, strict=True)],
    }


def _shown(path: str) -> str:
    """Returns a path as people read it: from the current folder, if it is below."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _model(model: ReportModel, found: ScoredModel) -> dict[str, Any]:
    curves = read_curves(model.run / "summaries") if model.run is not None else {}
    return {
        "name": model.name,
        "predictions": _shown(str(model.predictions[0])),
        "results": found.results,
        "difference": found.difference,
        "curves": curves,
        "facts": model_facts(model, curves),
    }


def _pictures(scored: Sequence[ScoredModel], contents: Sequence[PictureContent]) -> dict[str, Any]:
    """Returns columns with a value for each picture."""
    rows = [list(model.pictures.values()) for model in scored]
    return {
        "id": [row["image_id"] for row in rows[0]],
        "name": [content.name for content in contents],
        "height": [content.size[0] for content in contents],
        "width": [content.size[1] for content in contents],
        "photo": [int(content.has_photo) for content in contents],
        "models": [
            {name: [row[name] for row in of_model] for name in ("pq", "sq", "rq", "tp", "fp", "fn")}
            for of_model in rows
        ],
    }


def _tables(
    contents: Sequence[PictureContent], field: str, columns: Sequence[str]
) -> list[dict[str, list[int]]]:
    """Joins the rows of all pictures; returns column -> values for each model."""
    tables = []
    for model in range(len(contents[0].compared)):
        parts = [getattr(content.compared[model], field) for content in contents]
        joined = np.concatenate(parts).reshape(-1, len(columns))
        pictures = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        table = {name: joined[:, i].tolist() for i, name in enumerate(columns)}
        tables.append({"picture": pictures.tolist()} | table)
    return tables
