"""The report of a build for the user."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.dark_pictures import dark_advice
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
        return lines + balance_lines(manifest)

    def _converted(self) -> list[str]:
        if not self.conversions:
            return []
        return (
            ["Pictures that were not plain RGB (converted.json names them all):"]
            + [
                f"  {conversion}: {shortened_list(names)}"
                for conversion, names in sorted(self.conversions.items())
            ]
            + dark_advice({text: len(names) for text, names in self.conversions.items()})
        )

    def _left_out(self) -> list[str]:
        if not self.dropped:
            return []
        num_dropped = self.manifest["num_dropped"]
        return [
            f"Left out {num_dropped} pictures (see dropped.json):",
            format_findings(self.dropped),
        ]


def balance_lines(counts: Mapping[str, Any]) -> list[str]:
    """Says what came in, what went into records, and where the difference went.

    Args:
      counts: the counts of dataset.json. A proof adds `num_missing_...` (of the source, and not in
        the records) and `num_extra_...` (in the records only), for pictures and segments. Then
        `num_examples` and `num_segments` are those of the records.
    """
    left_out = counts["num_left_out_segments"]
    came_in = [
        (counts["num_listed_segments"], "came in"),
        (counts["num_made_segments"], "made of unlabelled pixels or of the files of stuff"),
        (counts.get("num_extra_segments", 0), "too many in records"),
    ]
    went = [
        (counts["num_segments"], "in records"),
        (counts["num_merged_stuff_segments"], "joined stuff of their class"),
        (counts["num_hidden_segments"], "hidden, others cover them wholly"),
        (left_out, "left out with their pictures"),
        (counts.get("num_missing_segments", 0), "missing in the records"),
    ]
    unknown = ""
    if left_out is None and counts["num_dropped"]:
        unknown = "; the segments of the pictures that were left out are not known"
    pictures_in = [
        (counts["num_source_pictures"], "came in"),
        (counts.get("num_extra_pictures", 0), "too many in records"),
    ]
    pictures_went = [
        (counts["num_examples"], "in records"),
        (counts["num_dropped"], "left out"),
    ]
    if missing := counts.get("num_missing_pictures", 0):
        pictures_went.append((missing, "missing in the records"))
    return [
        f"Pictures: {_sum(pictures_in[:1])}{_plus(pictures_in[1:])} = {_sum(pictures_went)}",
        f"Segments: {_sum(came_in[:1])}{_plus(came_in[1:])} = "
        f"{_sum([term for term in went if term[0]]) or '0 in records'}{unknown}",
    ]


def _sum(terms: Sequence[tuple[int, str]]) -> str:
    return " + ".join(f"{count} {what}" for count, what in terms)


def _plus(terms: Sequence[tuple[int, str]]) -> str:
    """Returns the terms that are not 0, each after a plus."""
    return "".join(f" + {count} {what}" for count, what in terms if count)
