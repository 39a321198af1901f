"""Monotone recalibration: curves from score to the share that is right, for each class.

Isotonic regression by pooling adjacent violators (Zadrozny and Elkan, KDD 2002): the curve that
never falls and has the least squared error. Half of the pictures fit the curves, the other half
tells how good they are. The order of scores is kept within a class, so AP of a class changes only
by ties.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError, typed_repr
from maskconver_tf.evaluation.lost_quality.calibration import (
    ScoredSegments,
    expected_calibration_error,
)
from maskconver_tf.files.json_file import read_json, write_json

FORMAT = "maskconver score recalibration"
VERSION = 1
FEWEST_SEGMENTS = 20
"""A class with fewer segments in the fitting half gets the curve of all classes."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """A curve that never falls. Between its points it is straight, beyond them it is flat.

    Attributes:
      scores: rising scores of the points, 0..1.
      shares: the share that is right at each of them, 0..1.
    """

    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        return np.interp(scores, self.scores, self.shares)


@dataclasses.dataclass(frozen=True)
class Recalibration:
    """Curves by the name of the class, and the curve of all other classes."""

    curves: dict[str, Curve]
    others: Curve

    def apply(self, scores: np.ndarray, class_names: list[str]) -> np.ndarray:
        """Returns the new score of each segment, float64 `[n]`."""
        scores, names = np.asarray(scores, np.float64), np.array(class_names, object)
        changed = np.empty_like(scores)
        for name in set(class_names):
            here = names == name
            changed[here] = self.curve(name)(scores[here])
        return changed

    def curve(self, class_name: str) -> Curve:
        """Returns the curve of a class: its own, or that of all other classes."""
        return self.curves.get(class_name, self.others)

    def table(self, class_names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the points of the curve of each class: scores and shares, float32 `[C, P]`.

        A curve with fewer than P points repeats its last one.
        """
        curves = [self.curve(name) for name in class_names]
        most = max((len(curve.scores) for curve in curves), default=1)
        columns = ([curve.scores for curve in curves], [curve.shares for curve in curves])
        return tuple(
            np.array([[*row, *row[-1:] * (most - len(row))] for row in rows], np.float32)
            for rows in columns
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the content of the file that `load` reads."""
        content = {"format": FORMAT, "version": VERSION, "others": dataclasses.asdict(self.others)}
        curves = {name: dataclasses.asdict(curve) for name, curve in self.curves.items()}
        return content | {"classes": curves}

    def save(self, path: Path) -> None:
        """Writes the curves as JSON; `load` reads them."""
        write_json(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> Recalibration:
        """Reads the file of `save`; raises `UserError` if it is missing or malformed."""
        return cls.from_json(read_json(path, "the recalibration file"), path)

    @classmethod
    def from_json(cls, content: Any, path: Path) -> Recalibration:
        """Reads the content of a file; raises `UserError` if it is malformed."""
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise UserError(
                f"{path}: found no recalibration; expected format {FORMAT!r}. Give the "
                "recalibration.json of `maskconver score --out`"
            )
        if content.get("version") != VERSION:
            raise UserError(
                f"{path}: found version {typed_repr(content.get('version'))}; expected {VERSION}. "
                "Write it again with this version of maskconver"
            )
        classes = content.get("classes")
        if not isinstance(classes, dict):
            raise UserError(
                f"{path}: classes is {typed_repr(classes)}; expected an object of curves. Write "
                "the file again"
            )
        curves = {name: _read_curve(entry, f"{path}: {name}") for name, entry in classes.items()}
        return cls(curves, _read_curve(content.get("others"), f"{path}: others"))


def fits(image_id: int | str) -> bool:
    """Returns whether a picture fits the curves; the others test them. The id decides."""
    return hashlib.sha256(json.dumps(image_id).encode()).digest()[0] % 2 == 0


def fit_and_test(
    segments: ScoredSegments, is_fitting: np.ndarray, categories: Categories
) -> tuple[Recalibration | None, dict[str, Any] | None]:
    """Fits curves to some of the segments and tests them on the others.

    Args:
      segments: n segments. Their order changes no bit.
      is_fitting: bool `[n]`, those of the pictures that `fits` chooses.

    Returns:
      The curves and the `recalibration_results`; both None without a segment to fit.
    """
    fitted, tested = segments.chosen(is_fitting), segments.chosen(~is_fitting)
    found = fit_recalibration(fitted, categories)
    if found is None:
        return None, None
    return found, recalibration_results(found, tested, len(fitted.scores), categories)


def fit_recalibration(segments: ScoredSegments, categories: Categories) -> Recalibration | None:
    """Fits a curve for each class that has enough segments; None without segments."""
    if not len(segments.scores):
        return None
    curves = {}
    for class_id, category in enumerate(categories):
        chosen = segments.chosen(segments.class_ids == class_id)
        if len(chosen.scores) >= FEWEST_SEGMENTS:
            curves[category.name] = fit_curve(chosen)
    return Recalibration(curves, fit_curve(segments))


def fit_curve(segments: ScoredSegments) -> Curve:
    """Returns the isotonic regression of right (1) and wrong (0) on the score."""
    scores, at = np.unique(segments.scores, return_inverse=True)
    counts = np.bincount(at).tolist()
    right = np.bincount(at, segments.is_right).tolist()
    blocks: list[list[float]] = []  # first score, last score, right, all
    for score, part, count in zip(scores.tolist(), right, counts, strict=True):
        blocks.append([score, score, part, count])
        while len(blocks) > 1 and blocks[-2][2] * blocks[-1][3] >= blocks[-1][2] * blocks[-2][3]:
            _, last, *sums = blocks.pop()
            blocks[-1][1] = last
            blocks[-1][2] += sums[0]
            blocks[-1][3] += sums[1]
    points = [
        (score, part / count)
        for first, last, part, count in blocks
        for score in dict.fromkeys((first, last))
    ]
    return Curve(*zip(*points, strict=True))


def recalibration_results(
    recalibration: Recalibration, tested: ScoredSegments, num_fitted: int, categories: Categories
) -> dict[str, Any]:
    """Returns `recalibration` of `calibration` in results.json: errors before and after, percent.

    Args:
      tested: segments of the pictures that did not fit the curves.
      num_fitted: number of segments that fitted them.
    """
    names = [categories[class_id].name for class_id in tested.class_ids.tolist()]
    after = tested._replace(scores=recalibration.apply(tested.scores, names))
    errors = [expected_calibration_error(segments) for segments in (tested, after)]
    before, now = (None if error is None else 100 * error for error in errors)
    return {
        "classes": len(recalibration.curves),
        "fitted_segments": num_fitted,
        "tested_segments": len(tested.scores),
        "ece_before": before,
        "ece_after": now,
    }


def _read_curve(entry: Any, where: str) -> Curve:
    columns = [
        entry.get(name) if isinstance(entry, dict) else None for name in ("scores", "shares")
    ]
    for name, column in zip(("scores", "shares"), columns, strict=True):
        is_list = isinstance(column, list) and len(column) > 0
        if not is_list or not all(type(v) in (int, float) and 0 <= v <= 1 for v in column):
            raise UserError(
                f"{where}: {name} is {typed_repr(column)}; expected a list of numbers from 0 to 1. "
                "Write the file again"
            )
        if any(b < a for a, b in itertools.pairwise(column)):
            raise UserError(
                f"{where}: {name} falls; expected numbers that never fall. Write the file again"
            )
    if len(columns[0]) != len(columns[1]):
        raise UserError(
            f"{where}: found {len(columns[0])} scores and {len(columns[1])} shares; expected as "
            "many of both. Write the file again"
        )
    return Curve(*map(tuple, columns))
