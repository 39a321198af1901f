"""A build in parts that know nothing of each other: one for each shard.

What a shard's part writes depends on the source and the shard's number alone, so parts may run in
any order, on any machine that sees the same folders, and more than once.
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
    check_findings,
    manifest_content,
    new_dataset_folder,
    plan_shards,
)
from maskconver_tf.datasets.build.counts import BuildSummary, Tally, num_pictures
from maskconver_tf.datasets.build.examine import Accepted, examine
from maskconver_tf.datasets.findings import Finding
from maskconver_tf.datasets.records.writer import ShardWriter, shard_bounds, write_manifest
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.datasets.sources.source import Source


@dataclasses.dataclass(frozen=True)
class ShardJob:
    """One shard of a build.

    Attributes:
      source, options: what `open_named_source` takes; the options as JSON.
      folder: where the shard goes.
      shard: its number, of `num_shards`.
    """

    source: str
    options: str
    folder: str
    shard: int
    num_shards: int


@dataclasses.dataclass(frozen=True)
class ShardResult:
    """What became of a shard: its entry in the manifest, counts, and what is wrong."""

    entry: dict[str, Any]
    tally: Tally
    findings: list[Finding]
    num_bad: int


def build_by_shards(
    run: Callable[[list[ShardJob]], None],
    source: str,
    options: Mapping[str, Any],
    out: Path,
    settings: BuildSettings,
) -> BuildSummary:
    """Builds a dataset folder, byte for byte as `build_from` does.

    Args:
      run: runs `write_shard` on every job, wherever it likes, and returns when all are done.
      source, options, out: see `build_from`.
      settings: `workers` and `progress` are for `run` to heed.
    """
    start = time.monotonic()
    opened = open_named_source(source, options)
    num_shards = plan_shards(opened, settings.num_shards)
    text = json.dumps({name: str(value) for name, value in options.items() if value is not None})
    with new_dataset_folder(Path(out), settings.overwrite) as folder:
        run([ShardJob(source, text, str(folder), i, num_shards) for i in range(num_shards)])
        tally, findings = Tally(opened.categories), list(opened.findings)
        num_bad, entries = num_pictures(findings), []
        for shard in range(num_shards):
            result = _take_result(folder, shard)
            tally.merge(result.tally)
            findings += result.findings
            num_bad += result.num_bad
            entries.append(result.entry)
        check_findings(opened, findings, num_bad, settings.skip_bad)
        content = manifest_content(opened, tally, findings, num_bad)
        dataset = write_manifest(folder, entries, *content)
    return BuildSummary(Path(out), dataset, tally.oddities, findings, time.monotonic() - start)


def write_shard(job: ShardJob) -> None:
    """Writes one shard and, beside it, its `ShardResult`; each appears whole."""
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
    tally, findings, num_bad = Tally(source.categories), [], 0
    writer = ShardWriter(folder, shard, num_shards)
    for item in source.pictures.between(*shard_bounds(shard, num_shards, len(source.pictures))):
        outcome = examine(item)
        if isinstance(outcome, Accepted):
            writer.write(outcome.features)
            tally.add(outcome)
        else:
            findings.extend(outcome)
            num_bad += 1
    return ShardResult(writer.finish(), tally, findings, num_bad)


@functools.lru_cache(maxsize=1)
def _open(source: str, options: str) -> Source:
    """Once for all shards that a process writes."""
    return open_named_source(source, json.loads(options))


def _result_path(folder: Path, shard: int) -> Path:
    return folder / f".result-{shard:05d}"


def _take_result(folder: Path, shard: int) -> ShardResult:
    path = _result_path(folder, shard)
    result = pickle.loads(path.read_bytes())
    path.unlink()
    return result
