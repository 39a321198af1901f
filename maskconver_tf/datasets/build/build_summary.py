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
        return lines + self._balance()

    def _balance(self) -> list[str]:
        """Says what came in, what went into records, and where the difference went."""
        manifest = self.manifest
        left_out = manifest["num_left_out_segments"]
        made = manifest["num_made_segments"]
        came_in = f"{manifest['num_listed_segments']} came in"
        if made:
            came_in += f" + {made} made of unlabelled pixels or of the files of stuff"
        went = [
            (manifest["num_segments"], "in records"),
            (manifest["num_merged_stuff_segments"], "joined stuff of their class"),
            (manifest["num_hidden_segments"], "hidden, others cover them wholly"),
            (left_out, "left out with their pictures"),
        ]
        went = " + ".join(f"{count} {what}" for count, what in went if count)
        unknown = ""
        if left_out is None and manifest["num_dropped"]:
            unknown = "; the segments of the pictures that were left out are not known"
        return [
            f"Pictures: {manifest['num_source_pictures']} came in = {manifest['num_examples']} in "
            f"records + {manifest['num_dropped']} left out",
            f"Segments: {came_in} = {went or '0 in records'}{unknown}",
        ]

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
