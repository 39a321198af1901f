"""What a build counts, and what it tells about it."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.build.examine import Accepted
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, listed, report


class Tally:
    """Counts over the pictures a build accepted.

    Attributes:
      oddities: for each kind of picture that was not plain RGB, the names of those pictures.
    """

    def __init__(self, categories: Categories):
        self._categories = categories
        self._num_segments = np.zeros(len(categories), np.int64)
        self._num_crowds = np.zeros(len(categories), np.int64)
        self._num_pixels = np.zeros(len(categories), np.int64)
        self._num_void_pixels = 0
        self._num_merged = 0
        self._num_hidden = 0
        self.oddities: dict[str, list[str]] = collections.defaultdict(list)

    def add(self, picture: Accepted) -> None:
        """Counts one picture."""
        np.add.at(self._num_segments, picture.class_ids, 1)
        np.add.at(self._num_crowds, picture.class_ids, picture.is_crowd)
        np.add.at(self._num_pixels, picture.class_ids, picture.areas[1:])
        self._num_void_pixels += int(picture.areas[0])
        self._num_merged += picture.num_merged
        self._num_hidden += picture.num_hidden
        if picture.oddity is not None:
            self.oddities[picture.oddity].append(picture.name)

    def merge(self, other: Tally) -> None:
        """Adds the counts of later pictures of the same class list."""
        self._num_segments += other._num_segments
        self._num_crowds += other._num_crowds
        self._num_pixels += other._num_pixels
        self._num_void_pixels += other._num_void_pixels
        self._num_merged += other._num_merged
        self._num_hidden += other._num_hidden
        for oddity, names in other.oddities.items():
            self.oddities[oddity].extend(names)

    def to_json(self) -> dict[str, Any]:
        """As dataset.json has it; segments and pixels count crowds, `num_crowds` is how many."""
        num_pixels = self._num_void_pixels + int(self._num_pixels.sum())
        return {
            "num_segments": int(self._num_segments.sum()),
            "num_crowds": int(self._num_crowds.sum()),
            "num_merged_stuff_segments": self._num_merged,
            "num_hidden_segments": self._num_hidden,
            "void_share": round(self._num_void_pixels / num_pixels, 6),
            "converted": {oddity: len(names) for oddity, names in sorted(self.oddities.items())},
            "classes": [
                {
                    "id": category.id,
                    "name": category.name,
                    "isthing": int(category.isthing),
                    "num_segments": int(self._num_segments[class_id]),
                    "num_crowds": int(self._num_crowds[class_id]),
                    "num_pixels": int(self._num_pixels[class_id]),
                }
                for class_id, category in enumerate(self._categories)
            ],
        }


@dataclasses.dataclass(frozen=True)
class BuildSummary:
    """What a build did; `str()` of it is for people.

    Attributes:
      out: the dataset folder.
      dataset: the content of its dataset.json.
      oddities: for each kind of picture that was not plain RGB, the names of those pictures.
      dropped: findings for which pictures were left out.
      seconds: how long it took.
    """

    out: Path
    dataset: dict[str, Any]
    oddities: dict[str, list[str]]
    dropped: Sequence[Finding]
    seconds: float

    def __str__(self) -> str:
        lines = [*self._counted(), *self._converted(), *self._left_out()]
        return "\n".join(lines)

    def _counted(self) -> list[str]:
        dataset = self.dataset
        seen = sum(entry["num_segments"] > 0 for entry in dataset["classes"])
        counted = [
            f"{self.out}: {dataset['num_examples']} pictures, {len(dataset['shards'])} TFRecord "
            f"files, {self.seconds:.0f} s",
            f"{dataset['num_segments']} segments ({dataset['num_crowds']} crowds) of {seen} of "
            f"{len(dataset['classes'])} classes; {dataset['void_share']:.1%} of pixels void",
        ]
        if dataset["num_merged_stuff_segments"]:
            counted.append(
                f"{dataset['num_merged_stuff_segments']} segments of stuff joined another of their "
                "class in the same picture"
            )
        if dataset["num_hidden_segments"]:
            counted.append(
                f"{dataset['num_hidden_segments']} segments are hidden: others cover them wholly"
            )
        return counted

    def _converted(self) -> list[str]:
        if not self.oddities:
            return []
        return ["Pictures that were not plain RGB (converted.json names them all):"] + [
            f"  {oddity}: {listed(names)}" for oddity, names in sorted(self.oddities.items())
        ]

    def _left_out(self) -> list[str]:
        if not self.dropped:
            return []
        num_dropped = self.dataset["num_dropped"]
        return [f"Left out {num_dropped} pictures (see dropped.json):", report(self.dropped)]


def num_pictures(findings: Iterable[Finding]) -> int:
    """How many pictures the findings are about."""
    return len({finding.picture for finding in findings})
