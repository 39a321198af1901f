"""PQ around the chosen settings: curves of single settings and a map of two, as CSV and PNG."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from maskconver_tf.inference.drawing.fonts import font_and_text
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training.tuning.sweep import Sweep, changed

PAIR = ("score_threshold", "overlap_threshold")
"""The two settings of the map."""
_SIZE, _MARGIN = (420, 300), 56
_LINES = ((0, (0, 90, 181), "chosen on"), (1, (220, 50, 32), "held out"))
"""Half, color and name. The colors differ for every kind of color vision."""


@dataclasses.dataclass(frozen=True)
class Surface:
    """PQ in percent around the chosen settings.

    Attributes:
      curves: setting -> values `[n]` and PQ of both halves `[n, 2]`.
      map_pq: float64 `[scores, overlaps]`, PQ of the held-out half for each pair of `PAIR`.
      chosen: the chosen value of each setting.
    """

    curves: dict[str, tuple[Sequence[Any], np.ndarray]]
    map_pq: np.ndarray
    chosen: dict[str, Any]


def surface_size(grid: dict[str, Sequence[Any]]) -> int:
    """How many settings `measure_surface` scores at most."""
    return sum(len(values) for values in grid.values()) + len(grid[PAIR[0]]) * len(grid[PAIR[1]])


def measure_surface(sweep: Sweep, best: PanopticFusion, grid: dict[str, Sequence[Any]]) -> Surface:
    """Scores the settings around `best`."""

    def both(fusion: PanopticFusion) -> list[float]:
        return [sweep.pq(fusion, half) for half in (0, 1)]

    curves = {
        name: (values, np.array([both(changed(best, name, value)) for value in values]))
        for name, values in grid.items()
    }
    rows = [
        [sweep.pq(changed(changed(best, PAIR[0], s), PAIR[1], o), 1) for o in grid[PAIR[1]]]
        for s in grid[PAIR[0]]
    ]
    return Surface(curves, np.array(rows), {name: getattr(best, name) for name in grid})


def write_surface(surface: Surface, folder: Path) -> list[Path]:
    """Writes `tune.csv` and `tune.png`; returns the paths."""
    table, picture = folder / "tune.csv", folder / "tune.png"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["setting", "value", "pq_chosen_on", "pq_held_out"])
        writer.writerows(_rows(surface))
    draw_surface(surface).save(picture)
    return [table, picture]


def _rows(surface: Surface) -> Iterator[list[Any]]:
    for name, (values, pq) in surface.curves.items():
        for value, (chosen, held_out) in zip(values, pq, strict=True):
            yield [name, value, f"{chosen:.4f}", f"{held_out:.4f}"]
    scores, overlaps = (surface.curves[name][0] for name in PAIR)
    for score, row in zip(scores, surface.map_pq, strict=True):
        for overlap, pq in zip(overlaps, row, strict=True):
            yield [" and ".join(PAIR), f"{score} and {overlap}", "", f"{pq:.4f}"]


# ---- The picture ---------------------------------------------------------------------------------
def draw_surface(surface: Surface) -> Image.Image:
    """Draws a panel for each setting and one for the map, three in a row."""
    panels = [_curve_panel(surface, name) for name in surface.curves] + [_map_panel(surface)]
    columns = min(3, len(panels))
    width, height = _SIZE
    sheet = Image.new("RGB", (columns * width, -(-len(panels) // columns) * height), "white")
    for number, panel in enumerate(panels):
        sheet.paste(panel, (number % columns * width, number // columns * height))
    return sheet


def _curve_panel(surface: Surface, name: str) -> Image.Image:
    values, pq = surface.curves[name]
    low, high = np.floor(pq.min() - 0.5), np.ceil(pq.max() + 0.5)
    panel, draw = _panel(f"{name} (chosen: {surface.chosen[name]})")
    x = np.linspace(_MARGIN, _SIZE[0] - 24, len(values))
    y = _SIZE[1] - _MARGIN - (pq - low) / (high - low) * (_SIZE[1] - 2 * _MARGIN)
    for level in np.linspace(low, high, 4):
        at = _SIZE[1] - _MARGIN - (level - low) / (high - low) * (_SIZE[1] - 2 * _MARGIN)
        draw.line([(_MARGIN, at), (_SIZE[0] - 24, at)], (225, 225, 225))
        _write(draw, (8, at - 6), f"{level:.1f}")
    chosen = list(values).index(surface.chosen[name])
    draw.line([(x[chosen], _MARGIN), (x[chosen], _SIZE[1] - _MARGIN)], (150, 150, 150))
    for half, color, label in _LINES:
        points = list(zip(x.tolist(), y[:, half].tolist(), strict=True))
        draw.line(points, color, 2)
        for px, py in points:
            draw.ellipse([px - 3, py - 3, px + 3, py + 3], color if half else "white", color)
        _write(draw, (_MARGIN + half * 120, _SIZE[1] - 18), f"PQ, {label}", color)
    for at, value in zip(x[:: max(1, len(x) // 7)], values[:: max(1, len(x) // 7)]):
        _write(draw, (at - 8, _SIZE[1] - _MARGIN + 6), f"{value:g}")
    return panel


def _map_panel(surface: Surface) -> Image.Image:
    """PQ of the held-out half as brightness, with the number in each cell that has room."""
    panel, draw = _panel(f"held-out PQ: {PAIR[0]} (down), {PAIR[1]} (right)")
    pq = surface.map_pq
    low, high = pq.min(), max(pq.max(), pq.min() + 1e-9)
    rows, columns = pq.shape
    cell = (_SIZE[0] - _MARGIN - 24) / columns, (_SIZE[1] - _MARGIN - 36) / rows
    values = [surface.curves[name][0] for name in PAIR]
    for r in range(rows):
        _write(draw, (8, 36 + r * cell[1]), f"{values[0][r]:g}", size=10)
        for c in range(columns):
            share = (pq[r, c] - low) / (high - low)
            color = tuple(int(v) for v in (255 - 235 * share, 250 - 150 * share, 255 - 90 * share))
            x, y = _MARGIN + c * cell[0], 36 + r * cell[1]
            draw.rectangle([x, y, x + cell[0] - 1, y + cell[1] - 1], color)
            ink = "white" if share > 0.6 else "black"
            _write(draw, (x + 2, y + 1), f"{pq[r, c]:.1f}", ink, size=9)
    for c in range(columns):
        _write(draw, (_MARGIN + c * cell[0], _SIZE[1] - 18), f"{values[1][c]:g}", size=10)
    place = [list(v).index(surface.chosen[n]) for v, n in zip(values, PAIR, strict=True)]
    x, y = _MARGIN + place[1] * cell[0], 36 + place[0] * cell[1]
    draw.rectangle([x, y, x + cell[0] - 1, y + cell[1] - 1], outline=(220, 50, 32), width=2)
    return panel


def _panel(title: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    panel = Image.new("RGB", _SIZE, "white")
    draw = ImageDraw.Draw(panel)
    _write(draw, (12, 10), title, size=13)
    return panel, draw


def _write(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, ink: Any = "black", size=11
) -> None:
    font, text = font_and_text(text, size)
    draw.text(place, text, ink, font)
