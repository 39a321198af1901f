"""What a check found: for the terminal, as JSON, and as a page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from maskconver_tf.datasets.findings import Finding, report
from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import utf8_safe, write_json

_JSON_FILE, _PAGE_FILE = "check.json", "check.html"


class Drawing(NamedTuple):
    """JPEG of a picture beside its truth, and the names of classes in it."""

    name: str
    jpeg: bytes
    classes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Report:
    """What a check found; `str()` of it is for the terminal.

    Attributes:
      grid: input sizes, slots and strides that were assumed.
      parts: name -> counts, classes, histograms and ceilings.
      problems: part and finding.
      pairs: some pictures that are there twice.
      drawings: name -> pictures beside their truth.
      colors: name -> uint8 `[C, 3]` of its classes.
    """

    grid: dict[str, Any]
    parts: dict[str, dict[str, Any]]
    problems: list[tuple[str, Finding]]
    pairs: list[tuple[Drawing, Drawing]]
    drawings: dict[str, list[Drawing]]
    colors: dict[str, np.ndarray]

    def to_json(self) -> dict[str, Any]:
        """All but the pictures."""
        problems = [
            {"part": part, "kind": finding.problem.name.lower()} | finding.to_json()
            for part, finding in self.problems
        ]
        return {"grid": self.grid, "parts": self.parts, "problems": problems}

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Writes the JSON and the page; returns their paths."""
        from maskconver_tf.planning.dataset_check.page import page

        paths = folder / _JSON_FILE, folder / _PAGE_FILE
        make_folder(folder)
        try:
            write_json(paths[0], self.to_json())
            paths[1].write_text(utf8_safe(page(self)), encoding="utf-8")
        except OSError as error:
            raise _refusal(folder, error) from None
        return paths

    def __str__(self) -> str:
        lines = [line for name, part in self.parts.items() for line in _part_lines(name, part)]
        if not self.problems:
            return "\n".join([*lines, "No problems found."])
        findings = [finding for _, finding in self.problems]
        return "\n".join([*lines, f"Problems ({len(findings)}):", report(findings)])


def make_folder(folder: Path) -> None:
    """Makes the folder of a report; raises `UserError` where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(folder, error) from None


def _refusal(folder: Path, error: OSError) -> UserError:
    return UserError(f"{folder}: cannot be written ({error.strerror}); choose another --out.")


def _part_lines(name: str, part: dict[str, Any]) -> list[str]:
    seen = [entry for entry in part["classes"] if entry["num_segments"]]
    lines = [
        f"{name}: {part['num_pictures']} pictures that can be used of {part['num_listed']}",
        f"  {part['num_segments']} segments ({part['num_crowds']} crowds) of {len(seen)} of "
        f"{len(part['classes'])} classes; {part['void_share']:.1%} of pixels void",
    ]
    if part["sizes"]:
        height, width = part["sizes"]["height"], part["sizes"]["width"]
        lines.append(
            f"  height {height[0]} to {height[1]}, width {width[0]} to {width[1]} pixels; "
            f"{part['sizes']['num_different']} sizes"
        )
    for ceiling in part["ceilings"]:
        lines.append(
            "  PQ ceiling at {} x {}: {}".format(*ceiling["input_size"], ceiling_text(ceiling))
        )
    return lines


def ceiling_text(ceiling: dict[str, Any]) -> str:
    """ "98.1 (things 97.0, stuff 99.2), 12 of the segments of 200 pictures dropped"."""
    pq, things, stuff = (
        "none" if ceiling[key] is None else f"{ceiling[key]:.1f}"
        for key in ("pq", "pq_things", "pq_stuff")
    )
    return (
        f"{pq} (things {things}, stuff {stuff}); without slot "
        f"{ceiling['num_dropped_segments']} segments of {ceiling['num_pictures']} pictures"
    )
