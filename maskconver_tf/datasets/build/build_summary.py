"""The report of a build for the user."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.findings import Finding, format_findings, shortened_list


@dataclasses.dataclass(frozen=True)
class BuildSummary:
    """Describes what a build wrote; `str()` gives the text for the user.

    Attributes:
      out: the dataset folder.
      manifest: the content of its dataset.json.
      conversions: for each kind of picture that was not plain RGB, the names of those pictures.
      dropped: the findings of the pictures that were left out.
      seconds: how long the build took.
    """

    out: Path
    manifest: dict[str, Any]
    conversions: dict[str, list[str]]
    dropped: Sequence[Finding]
    seconds: float

    def __str__(self) -> str:
        return "\n".join([*self._counts(), *self._converted(), *self._left_out()])

    def _counts(self) -> list[str]:
        manifest = self.manifest
        num_present = sum(entry["num_segments"] > 0 for entry in manifest["classes"])
        lines = [
            f"{self.out}: {manifest['num_examples']} pictures, {len(manifest['shards'])} TFRecord "
            f"files, {self.seconds:.0f} s",
            f"{manifest['num_segments']} segments ({manifest['num_crowds']} crowds) of "
            f"{num_present} of {len(manifest['classes'])} classes; {manifest['void_share']:.1%} of "
            "pixels void",
        ]
        if manifest["num_merged_stuff_segments"]:
            lines.append(
                f"{manifest['num_merged_stuff_segments']} segments of stuff joined another of "
                "their class in the same picture"
            )
        if manifest["num_hidden_segments"]:
            lines.append(
                f"{manifest['num_hidden_segments']} segments are hidden: others cover them wholly"
            )
        return lines

    def _converted(self) -> list[str]:
        if not self.conversions:
            return []
        return ["Pictures that were not plain RGB (converted.json names them all):"] + [
            f"  {conversion}: {shortened_list(names)}"
            for conversion, names in sorted(self.conversions.items())
        ]

    def _left_out(self) -> list[str]:
        if not self.dropped:
            return []
        num_dropped = self.manifest["num_dropped"]
        return [
            f"Left out {num_dropped} pictures (see dropped.json):",
            format_findings(self.dropped),
        ]
