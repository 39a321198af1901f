"""Proves a dataset folder against its source: the same pictures, segments and classes in both.

The source is read again by the rules of a build. Each picture is compared with its record in
several processes. This process keeps the places of the records and what differs, no pictures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

from maskconver_tf.datasets.build.build import manifest_content
from maskconver_tf.datasets.build.build_counts import BuildCounts
from maskconver_tf.datasets.build.recorded_source import BUILT_FROM
from maskconver_tf.datasets.findings import Finding, count_pictures
from maskconver_tf.datasets.process_pool import num_workers, process_pool
from maskconver_tf.datasets.proof.compare_classes import compare_classes
from maskconver_tf.datasets.proof.compare_record import (
    ComparedPicture,
    CompareRequest,
    compare_picture,
)
from maskconver_tf.datasets.proof.differences import Difference
from maskconver_tf.datasets.proof.read_shards import StoredRecords
from maskconver_tf.datasets.records.codec import picture_key
from maskconver_tf.datasets.records.folder import MANIFEST_FILE, DatasetFolder
from maskconver_tf.datasets.records.writer import read_dropped
from maskconver_tf.datasets.sources.source import Source

_NOT_COMPARED = {"source", BUILT_FROM, "converted"}
"""Entries of dataset.json in words; a newer version may word them otherwise."""


@dataclasses.dataclass(frozen=True)
class Proof:
    """The result of a proof.

    Attributes:
      where: the dataset folder.
      source: name of the source in messages.
      description: what the source says about itself.
      counts: counts as in dataset.json, but `num_examples` and `num_segments` are those of the
        records, with `num_missing_...` and `num_extra_...` (see `balance_lines`).
      findings: every difference.
    """

    where: str
    source: str
    description: dict[str, str]
    counts: dict[str, Any]
    findings: list[Finding]


def prove(
    folder: DatasetFolder, source: Source, workers: int | None = None, progress: bool = True
) -> Proof:
    """Compares a dataset folder, opened with `check_files=False`, with its source.

    Args:
      workers: number of processes; None for one per CPU.
      progress: whether to show progress bars on standard error.
    """
    records = StoredRecords(folder, workers, progress)
    comparison = _Comparison(folder, source, records)
    count = len(source.pictures)
    with process_pool(num_workers(workers, max(1, count)), compare_picture) as compare_all:
        outcomes = compare_all(comparison.requests())
        bar = tqdm(outcomes, folder.path.name, count, unit=" pictures", disable=not progress)
        for outcome in bar:
            comparison.add(outcome)
    return comparison.finish()


class _Comparison:
    """What a proof has found so far."""

    def __init__(self, folder: DatasetFolder, source: Source, records: StoredRecords):
        self._folder = folder
        self._source = source
        self._records = records
        self._counts = BuildCounts(source.categories)
        self._dropped = read_dropped(folder.path)
        self._unexplained = dict.fromkeys(self._dropped)
        self._num_bad = count_pictures(source.findings)
        self._bad: list[Finding] = list(source.findings)
        self._num_taken = 0
        self._missing = {"pictures": 0, "segments": 0}
        self._extra_segments = 0
        self._findings = compare_classes(folder, source) + records.findings

    def requests(self) -> Iterator[CompareRequest]:
        names = self._folder.categories.names, self._source.categories.names
        for picture in self._source.pictures:
            place = self._records.take(picture_key(picture.image_id, picture.name))
            shard = str(self._folder.shard_paths[place.shard]) if place else ""
            yield CompareRequest(picture, place, shard, names)

    def add(self, outcome: ComparedPicture) -> None:
        """Takes the outcome of one picture over."""
        self._findings.extend(outcome.differences)
        self._missing["segments"] += outcome.num_missing
        self._extra_segments += outcome.num_extra
        if outcome.counts is None:
            self._add_bad(outcome)
            return
        self._counts.add(outcome.counts)
        if outcome.place is not None:
            self._num_taken += 1
            return
        self._missing["pictures"] += 1
        reason = self._dropped.get(outcome.name)
        if reason is None:
            kind, found = Difference.NO_RECORD, f"{outcome.num_missing} segments"
        else:
            kind, found = Difference.OLD_REASON, f"dropped.json says: {reason}"
            self._unexplained.pop(outcome.name, None)
        self._note(outcome.name, outcome.image_file, kind, found)

    def finish(self) -> Proof:
        """Compares what concerns the whole folder, and returns the proof."""
        self._note_lost_entries()
        for key, was_taken, places in self._records.rest():
            self._note_rest(key, was_taken, places)
        for name in self._unexplained:
            found = f"dropped.json lists {name}, and the source has no such bad picture"
            self._note(name, str(self._folder.path / "dropped.json"), Difference.OLD_REASON, found)
        content = manifest_content(self._source, self._counts, self._bad, self._num_bad, {})[1]
        if not self._findings:
            self._compare_manifest(content)
        return Proof(
            where=str(self._folder.path),
            source=self._source.where,
            description=self._source.description,
            counts=content | self._record_counts(),
            findings=self._findings,
        )

    def _record_counts(self) -> dict[str, int]:
        return {
            "num_examples": self._records.num_records,
            "num_segments": self._records.num_segments,
            "num_missing_pictures": self._missing["pictures"],
            "num_extra_pictures": self._records.num_records - self._num_taken,
            "num_missing_segments": self._missing["segments"],
            "num_extra_segments": self._extra_segments,
        }

    def _note(self, picture: str, file: str, kind: Difference, found: str) -> None:
        self._findings.append(Finding(picture, file, kind, found))

    # ---- Pictures that cannot be used ------------------------------------------------------------

    def _add_bad(self, outcome: ComparedPicture) -> None:
        self._num_bad += 1
        self._unexplained.pop(outcome.name, None)
        reasons = "; ".join(f"{r.problem.title}: {r.found}" for r in outcome.reasons)
        if outcome.place is not None:
            self._note(outcome.name, outcome.image_file, Difference.UNUSABLE, reasons)
        elif outcome.name not in self._dropped:
            self._note(outcome.name, outcome.image_file, Difference.NO_REASON, reasons)

    def _note_lost_entries(self) -> None:
        """Notes entries of the source that give no picture and that dropped.json does not name."""
        for finding in self._source.findings:
            self._unexplained.pop(finding.picture, None)
            if finding.picture not in self._dropped:
                found = f"{finding.problem.title}: {finding.found}"
                self._note(finding.picture, finding.file, Difference.NO_REASON, found)

    # ---- What only the folder has ----------------------------------------------------------------

    def _note_rest(self, key: tuple[bytes, bytes], was_taken: bool, places: list) -> None:
        image_id, name = (part.decode(errors="backslashreplace") for part in key)
        for place in places:
            self._extra_segments += place.num_segments
            kind = Difference.REPEATED if was_taken else Difference.NO_SOURCE
            found = f"{name} (id {image_id}) is record {place.number}, counted from 0"
            if was_taken:
                found += ", and another record"
            self._note(name, str(self._folder.shard_paths[place.shard]), kind, found)

    def _compare_manifest(self, content: dict[str, Any]) -> None:
        """Compares dataset.json with the counts of a source that equals the records."""
        manifest = self._folder.manifest
        expected = {"num_examples": self._records.num_records} | content
        for name in expected.keys() - _NOT_COMPARED:
            if name in manifest and manifest[name] != expected[name]:
                found = f"{name}: dataset.json says {manifest[name]}, it is {expected[name]}"
                path = self._folder.path / MANIFEST_FILE
                self._note(MANIFEST_FILE, str(path), Difference.COUNTS, found)
