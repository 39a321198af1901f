"""The result of a check, with its text for the terminal and its JSON."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from maskconver_tf.datasets.findings import Finding, format_findings


class ReportPicture(NamedTuple):
    """A picture that the report shows beside its truth.

    Attributes:
      name: the caption.
      jpeg: the encoded drawing of picture and truth.
      classes: names of the classes in the picture.
    """

    name: str
    jpeg: bytes
    classes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Report:
    """The result of a check; `str()` gives the text for the terminal.

    Attributes:
      grid: fields of the `ModelGrid` that the dataset was checked for.
      parts: name of each part -> counts, classes, histograms and ceilings.
      problems: each problem, as name of the part and finding.
      pairs: some pairs of equal pictures.
      drawings: name of each part -> some pictures beside their truth.
      colors: name of each part -> colors of its classes, uint8 `[C, 3]`.
      page_file: the page, if the report was written to a folder.
    """

    grid: dict[str, Any]
    parts: dict[str, dict[str, Any]]
    problems: list[tuple[str, Finding]]
    pairs: list[tuple[ReportPicture, ReportPicture]]
    drawings: dict[str, list[ReportPicture]]
    colors: dict[str, np.ndarray]
    page_file: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns everything except pictures and colors."""
        problems = [
            {"part": part, "kind": finding.problem.name.lower()} | finding.to_json()
            for part, finding in self.problems
        ]
        return {"grid": self.grid, "parts": self.parts, "problems": problems}

    def __str__(self) -> str:
        lines = [line for name, part in self.parts.items() for line in _part_lines(name, part)]
        if self.problems:
            findings = [finding for _, finding in self.problems]
            lines += [f"Problems ({len(findings)}):", format_findings(findings)]
        else:
            lines.append("No problems found.")
        if self.page_file is None:
            lines.append("(Give --out DIR to get this report as a page with pictures and as JSON.)")
        else:
            lines.append(f"{self.page_file}: written; open it in a browser")
        return "\n".join(lines)


def _part_lines(name: str, part: dict[str, Any]) -> list[str]:
    seen = [entry for entry in part["classes"] if entry["num_segments"]]
    lines = [
        f"{name}: {part['num_pictures']} of {part['num_listed']} pictures can be used",
        f"  {part['num_segments']} segments ({part['num_crowds']} crowds) of {len(seen)} of "
        f"{len(part['classes'])} classes; {part['void_share']:.1%} of the pixels are void",
    ]
    if part["sizes"]:
        height, width = part["sizes"]["height"], part["sizes"]["width"]
        lines.append(
            f"  height {height[0]} to {height[1]}, width {width[0]} to {width[1]} pixels; "
            f"{part['sizes']['num_different']} sizes"
        )
    several = len(part["ceilings"]) > 1
    for ceiling in part["ceilings"]:
        size = ceiling["input_size"]
        lines.append("  PQ ceiling at {} x {}: {}".format(*size, _ceiling_text(ceiling)))
        lines.append("    " + _time_text(ceiling) * several + _grid_text(ceiling))
    if several:
        lines.append("  (Time: a multiple of the first size, by the number of input pixels.)")
    return lines + advice_lines(part)


def advice_lines(part: dict[str, Any]) -> list[str]:
    """What a user should know about a part: the scores of baselines, then warnings with "!"."""
    return _baseline_lines(part["baselines"]) + [f"  ! {each}" for each in part["warnings"]]


def _time_text(ceiling: dict[str, Any]) -> str:
    return f"time of a picture x {ceiling['relative_time']:.3g}; "


def _grid_text(ceiling: dict[str, Any]) -> str:
    """Returns, say, "grid as it lies 98.1, half a cell beside it 96.3; labels at stride 1: 99"."""
    aligned, shifted, fine = (
        "none" if ceiling[key] is None else f"{ceiling[key]:.1f}"
        for key in ("pq_aligned", "pq_shifted", "pq_label_stride_1")
    )
    return f"grid as it lies {aligned}, half a cell beside it {shifted}; labels at stride 1: {fine}"


def _baseline_lines(baselines: dict[str, Any]) -> list[str]:
    constant, threshold = baselines["constant"], baselines["threshold"]
    lines = []
    if constant:
        lines.append(f"  PQ of the answer '{constant['class']}' everywhere: {constant['pq']:.1f}")
    if threshold:
        lines.append(
            f"  PQ of a brightness threshold with connected parts ({threshold['things_are']} "
            f"things): {threshold['pq']:.1f} (things {threshold['pq_things']:.1f})"
        )
    return lines


def _ceiling_text(ceiling: dict[str, Any]) -> str:
    """Returns, say, "98.1 (things 97.0, stuff 99.2); 12 segments of 200 pictures have no slot"."""
    pq, things, stuff = (
        "none" if ceiling[key] is None else f"{ceiling[key]:.1f}"
        for key in ("pq", "pq_things", "pq_stuff")
    )
    return (
        f"{pq} (things {things}, stuff {stuff}); {ceiling['num_dropped_segments']} segments of "
        f"{ceiling['num_pictures']} pictures have no slot"
    )
