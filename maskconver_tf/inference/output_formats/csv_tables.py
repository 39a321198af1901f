"""`--format csv`: a table with one row a segment, and one with one row a picture."""

from __future__ import annotations

import csv
import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.segment_numbers import number_segments
from maskconver_tf.inference.output_formats.output_format import FinishedPicture, OutputFormat
from maskconver_tf.inference.predictor import Prediction

_COLUMNS = (
    *("picture", "segment", "class", "category_id", "isthing", "score", "area"),
    *("centroid_x", "centroid_y", "box_x", "box_y", "box_width", "box_height"),
    *("perimeter", "eccentricity", "orientation", "mean_intensity"),
    *("mean_red", "mean_green", "mean_blue"),
)
_MEASURES = ("label", "centroid", "perimeter", "eccentricity", "orientation", "intensity_mean")
_DIGITS = 4


class CsvOutput(OutputFormat):
    """Writes `segments.csv` and `pictures.csv` for all pictures together.

    scikit-image measures the segments. Lengths are in pixels. A centroid counts from the top left
    corner of the picture, so the middle of the first pixel is (0.5, 0.5). The perimeter is that of
    `skimage.measure.perimeter`. Eccentricity (0 for a circle, below 1) and orientation are those of
    the ellipse with the same second moments; the orientation is the angle of its long axis to the x
    axis, 0 to 180 degrees, counterclockwise on the screen. Intensities are means of the picture's
    8-bit values, `mean_intensity` over the three channels.

    Raises:
      UserError: scikit-image is not installed.
    """

    name = "csv"
    tables = ("segments.csv", "pictures.csv")

    def __init__(self):
        if importlib.util.find_spec("skimage") is None:
            raise UserError(
                "--format csv: the package scikit-image is not installed, and it measures the "
                "segments; install it, as in pip install 'maskconver_tf[measure]'"
            )

    def files(self, stem: str) -> dict[str, str]:
        return {}

    def write(self, folder: Path, stem: str, source: str, prediction: Prediction) -> dict[str, Any]:
        rows = segment_rows(prediction)
        height, width = prediction.panoptic_map.shape
        counts: dict[str, int] = {}
        for segment in prediction.segments:
            name = prediction.categories[segment.class_id].name
            counts[name] = counts.get(name, 0) + 1
        return {"width": width, "height": height, "counts": counts, "rows": rows}

    def finish(
        self, folder: Path, pictures: list[FinishedPicture], categories: Categories
    ) -> list[Path]:
        paths = [folder / name for name in self.tables]
        rows = [[picture.source, *row] for picture in pictures for row in picture.kept["rows"]]
        _write(paths[0], _COLUMNS, rows)
        header = ["picture", "width", "height", "segments", "things", *categories.names]
        _write(paths[1], header, [_picture_row(picture, categories) for picture in pictures])
        return paths


def segment_rows(prediction: Prediction) -> list[list[Any]]:
    """Returns the values of `segments.csv` without the picture, one row a segment."""
    from skimage.measure import regionprops_table

    segments = [segment for segment in prediction.segments if segment.area]
    index = number_segments(prediction.panoptic_map, prediction.segments, "the predicted map")
    table = regionprops_table(index, prediction.image, properties=_MEASURES)
    place = {int(number): row for row, number in enumerate(table["label"])}
    listed = {segment.id: number for number, segment in enumerate(prediction.segments, start=1)}
    return [
        _segment_row(prediction, segment, table, place[listed[segment.id]]) for segment in segments
    ]


def _segment_row(
    prediction: Prediction, segment: Any, table: dict[str, np.ndarray], row: int
) -> list[Any]:
    category = prediction.categories[segment.class_id]
    y0, x0, y1, x1 = segment.box
    colors = [float(table[f"intensity_mean-{channel}"][row]) for channel in range(3)]
    # skimage measures the angle from the axis of rows; a quarter turn leads to the x axis.
    angle = (math.degrees(table["orientation"][row]) + 90) % 180
    measured = (
        *(table["centroid-1"][row] + 0.5, table["centroid-0"][row] + 0.5),
        *(x0, y0, x1 - x0, y1 - y0),
        *(table["perimeter"][row], table["eccentricity"][row], angle),
        *(sum(colors) / 3, *colors),
    )
    named = segment.id, category.name, category.id, int(category.isthing)
    values = segment.score, segment.area, *measured
    return [*named, *(v if isinstance(v, int) else round(float(v), _DIGITS) for v in values)]


def _picture_row(picture: FinishedPicture, categories: Categories) -> list[Any]:
    kept = picture.kept
    counts = [kept["counts"].get(name, 0) for name in categories.names]
    things = sum(count for count, is_thing in zip(counts, categories.is_thing) if is_thing)
    return [picture.source, kept["width"], kept["height"], sum(counts), things, *counts]


def _write(path: Path, header: Any, rows: list[list[Any]]) -> None:
    # The name of a picture may have bytes that are not UTF-8.
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
