"""A build in independent parts, one per shard.

Each part depends only on the source and the shard's number. So the parts may run in any order, on
any machine that sees the same folders, and more than once.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.build.build import (
    BuildSettings,
    all_findings,
    choose_num_shards,
    manifest_content,
    new_dataset_folder,
    refuse_bad_pictures,
)
from maskconver_tf.datasets.build.build_counts import BuildCounts
from maskconver_tf.datasets.build.build_summary import BuildSummary
from maskconver_tf.datasets.build.encode_picture import EncodedPicture, encode_picture
from maskconver_tf.datasets.build.record_order import in_record_order
from maskconver_tf.datasets.build.recorded_source import record_source
from maskconver_tf.datasets.findings import Finding, count_pictures
from maskconver_tf.datasets.records.writer import ShardWriter, shard_bounds, write_manifest
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.datasets.sources.source import Source


@dataclasses.dataclass(frozen=True)
class ShardJob:
    """One shard of a build.

    Attributes:
      source, options: arguments of `open_named_source`; the options as JSON text.
      folder: the folder that gets the shard.
      shard, num_shards: number of this shard, from 0, and of all shards.
    """

    source: str
    options: str
    folder: str
    shard: int
    num_shards: int


@dataclasses.dataclass(frozen=True)
class ShardResult:
    """What came of a shard: its entry in the manifest, counts, findings, number of bad pictures."""

    entry: dict[str, Any]
    counts: BuildCounts
    findings: list[Finding]
    num_bad: int


def build_by_shards(
    run: Callable[[list[ShardJob]], None],
    source: str,
    options: Mapping[str, Any],
    out: Path,
    settings: BuildSettings,
) -> BuildSummary:
    """Builds a dataset folder with the same bytes as `build_named_source`.

    Args:
      run: runs `write_shard` on every job, on any machine, and returns when all jobs are done.
      source, options, out: see `build_named_source`.
      settings: how to build. `run` decides what `workers` and `progress` mean.
    """
    start = time.monotonic()
    opened = open_named_source(source, options)
    num_shards = choose_num_shards(opened, settings.num_shards)
    text = json.dumps({name: str(value) for name, value in options.items() if value is not None})
    with new_dataset_folder(Path(out), settings.overwrite) as folder:
        run([ShardJob(source, text, str(folder), i, num_shards) for i in range(num_shards)])
        counts, found = BuildCounts(opened.categories), []
        num_bad, entries = count_pictures(opened.findings), []
        for shard in range(num_shards):
            result = _take_result(folder, shard)
            counts.merge(result.counts)
            found += result.findings
            num_bad += result.num_bad
            entries.append(result.entry)
        findings = all_findings(opened, found)
        refuse_bad_pictures(opened, findings, num_bad, settings.skip_bad)
        recorded = record_source(source, options)
        content = manifest_content(opened, counts, findings, num_bad, recorded)
        manifest = write_manifest(folder, entries, *content)
    return BuildSummary(Path(out), manifest, counts.conversions, findings, time.monotonic() - start)


def write_shard(job: ShardJob) -> None:
    """Writes one shard and, beside it, its `ShardResult`. Each file appears whole or not at all."""
    source = _open(job.source, job.options)
    folder = Path(job.folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".attempt-") as attempt:
        result = _write_shard(source, Path(attempt), job.shard, job.num_shards)
        name = result.entry["name"]
        os.replace(Path(attempt, name), folder / name)
        partial = Path(attempt, "result")
        partial.write_bytes(pickle.dumps(result))
        os.replace(partial, _result_path(folder, job.shard))


def _write_shard(source: Source, folder: Path, shard: int, num_shards: int) -> ShardResult:
    counts, findings, num_bad = BuildCounts(source.categories), [], 0
    writer = ShardWriter(folder, shard, num_shards)
    pictures = in_record_order(source.pictures)
    for picture in pictures.between(*shard_bounds(shard, num_shards, len(pictures))):
        outcome = encode_picture(picture)
        if isinstance(outcome, EncodedPicture):
            writer.write(outcome.features)
            counts.add(outcome)
        else:
            findings.extend(outcome)
            num_bad += 1
    return ShardResult(writer.finish(), counts, findings, num_bad)


@functools.lru_cache(maxsize=1)
def _open(source: str, options: str) -> Source:
    """Opens the source once for all shards that this process writes."""
    return open_named_source(source, json.loads(options))


def _result_path(folder: Path, shard: int) -> Path:
    return folder / f".result-{shard:05d}"


def _take_result(folder: Path, shard: int) -> ShardResult:
    path = _result_path(folder, shard)
    result = pickle.loads(path.read_bytes())
    path.unlink()
    return result
