"""The result of a proof, as text for the terminal, as JSON, and as a page."""

from __future__ import annotations

import dataclasses
import html
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.build.build_summary import balance_lines
from maskconver_tf.datasets.findings import Finding, format_findings
from maskconver_tf.datasets.proof.proof import Proof
from maskconver_tf.planning.dataset_check.page import head_section, page_frame, problems_section


@dataclasses.dataclass(frozen=True)
class ProofReport:
    """The result of a proof; `str()` gives the text for the terminal.

    Attributes:
      parts: name of each part -> its proof.
      page_file: the page, if the report was written to a folder.
    """

    parts: dict[str, Proof]
    page_file: Path | None = None

    @property
    def problems(self) -> list[tuple[str, Finding]]:
        """Each difference, as name of the part and finding."""
        return [(name, finding) for name, part in self.parts.items() for finding in part.findings]

    def to_json(self) -> dict[str, Any]:
        """Returns everything."""
        parts = {
            name: {
                "where": part.where,
                "against": part.source,
                "layout": part.description,
                "equals_source": not part.findings,
                **part.counts,
                "balance": balance_lines(part.counts),
            }
            for name, part in self.parts.items()
        }
        problems = [
            {"part": part, "kind": finding.problem.name.lower()} | finding.to_json()
            for part, finding in self.problems
        ]
        return {"parts": parts, "problems": problems}

    def to_page(self) -> str:
        """Returns the HTML text."""
        wheres = [f"{part.where}, against {part.source}" for part in self.parts.values()]
        counts = {f"records in {n}": p.counts["num_examples"] for n, p in self.parts.items()}
        sections = [head_section("Dataset against its source", wheres, counts, len(self.problems))]
        for name, part in self.parts.items():
            lines = "".join(f"<p>{html.escape(line)}</p>" for line in balance_lines(part.counts))
            sections.append(f"<h2>{html.escape(name)}</h2>{lines}")
        return page_frame("Dataset check", [*sections, problems_section(self.problems)])

    def __str__(self) -> str:
        lines = [line for name, part in self.parts.items() for line in _part_lines(name, part)]
        if self.page_file is None:
            lines.append("(Give --out DIR to get this report as a page and as JSON.)")
        else:
            lines.append(f"{self.page_file}: written; open it in a browser")
        return "\n".join(lines)


def _part_lines(name: str, part: Proof) -> list[str]:
    lines = [f"{name}: {part.where} against {part.source}"]
    lines += [f"  {line}" for line in balance_lines(part.counts)]
    if part.findings:
        lines += [f"Differences ({len(part.findings)}):", format_findings(part.findings)]
    else:
        lines.append("  Records and source are equal: classes, pictures, segments, pixels.")
    return lines
