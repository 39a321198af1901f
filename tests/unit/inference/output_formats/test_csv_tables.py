"""Measured tables: shapes whose values are known."""

from __future__ import annotations

import csv
import importlib.util
import json
import math

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.inference.output_formats.csv_tables import CsvOutput
from maskconver_tf.inference.output_formats.output_format import FinishedPicture
from tests.unit.inference.output_formats.predictions import (
    CATEGORIES,
    make_prediction,
    random_prediction,
)


def tables(tmp_path, *predictions):
    output = CsvOutput()
    finished = [
        FinishedPicture(
            f"{i}.png", str(i), json.loads(json.dumps(output.write(tmp_path, "", "", p)))
        )
        for i, p in enumerate(predictions)
    ]
    read = []
    for path in output.finish(tmp_path, finished, CATEGORIES):
        with path.open(encoding="utf-8", newline="") as file:
            read.append(list(csv.DictReader(file)))
    return read


@pytest.mark.parametrize(
    ("bar", "angle"),
    [
        (np.s_[20:23, 5:35], 0),
        (np.s_[5:35, 20:23], 90),
    ],
)
def test_a_bar_has_the_angle_of_its_long_axis(tmp_path, bar, angle):
    index = np.zeros((40, 40), int)
    index[bar] = 1
    [row], _ = tables(tmp_path, make_prediction(index, [12]))
    assert float(row["orientation"]) == pytest.approx(angle, abs=0.1)
    assert float(row["eccentricity"]) > 0.99


def test_a_rising_bar_has_an_angle_below_ninety(tmp_path):
    y, x = np.mgrid[:60, :60]
    index = ((abs(x + y - 59) <= 3) & (abs(x - y) < 40)).astype(int)
    [row], _ = tables(tmp_path, make_prediction(index, [1]))
    assert float(row["orientation"]) == pytest.approx(45, abs=0.5)


def test_a_disc(tmp_path):
    y, x = np.mgrid[:50, :70] + 0.5
    index = (np.hypot(x - 30, y - 20) < 12).astype(int)
    prediction = make_prediction(index, [70_000])
    [row], [picture] = tables(tmp_path, prediction)
    assert (row["picture"], row["segment"], row["class"]) == ("0.png", "70000", 'pré, "vert"')
    assert (float(row["centroid_x"]), float(row["centroid_y"])) == (30, 20)
    assert float(row["perimeter"]) == pytest.approx(2 * math.pi * 12, rel=0.05)
    assert float(row["eccentricity"]) == 0
    assert int(row["area"]) == index.sum()
    box = [int(row[f"box_{side}"]) for side in ("x", "y", "width", "height")]
    assert box == [18, 8, 24, 24]
    pixels = prediction.image[index == 1]
    assert float(row["mean_intensity"]) == pytest.approx(pixels.mean(), abs=1e-3)
    assert float(row["mean_green"]) == pytest.approx(pixels[:, 1].mean(), abs=1e-3)
    assert (picture["segments"], picture["things"]) == ("1", "0")


def test_counts_by_class_and_rows_agree(tmp_path):
    predictions = [random_prediction(seed, large_ids=False) for seed in range(4)]
    predictions.append(make_prediction(np.zeros((4, 6), int), []))
    segments, pictures = tables(tmp_path, *predictions)
    assert len(segments) == sum(len(p.segments) for p in predictions)
    for number, (row, prediction) in enumerate(zip(pictures, predictions, strict=True)):
        mine = [s for s in segments if s["picture"] == f"{number}.png"]
        assert int(row["segments"]) == len(prediction.segments)
        for name in CATEGORIES.names:
            assert int(row[name]) == sum(s["class"] == name for s in mine)
        assert int(row["things"]) == sum(s["isthing"] == "1" for s in mine)
        height, width = prediction.panoptic_map.shape
        assert (row["height"], row["width"]) == (str(height), str(width))
        for s, segment in zip(mine, prediction.segments, strict=True):
            ys, xs = np.nonzero(prediction.panoptic_map == segment.id)
            assert float(s["centroid_y"]) == pytest.approx(ys.mean() + 0.5, abs=1e-3)
            assert float(s["centroid_x"]) == pytest.approx(xs.mean() + 0.5, abs=1e-3)


def test_a_missing_package_is_named_before_any_work(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'maskconver_tf\[measure\]'"):
        CsvOutput()
