"""Builds a dataset folder, which training reads, from a dataset as its authors publish it.

Several processes check and encode the pictures. This process writes the records in a random order
that depends on their number alone. So the same input gives the same bytes with any number of
processes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from maskconver_tf.datasets.build.build_counts import BuildCounts
from maskconver_tf.datasets.build.build_summary import BuildSummary
from maskconver_tf.datasets.build.encode_picture import EncodedPicture, encode_picture
from maskconver_tf.datasets.build.record_order import in_record_order
from maskconver_tf.datasets.build.recorded_source import BUILT_FROM, record_source
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, count_pictures, format_findings
from maskconver_tf.datasets.process_pool import num_workers, process_pool
from maskconver_tf.datasets.records.folder import is_dataset_folder
from maskconver_tf.datasets.records.writer import DatasetWriter
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.datasets.sources.source import Source
from maskconver_tf.errors import UserError
from maskconver_tf.files.whole_folder import whole_folder

_PICTURES_PER_SHARD = 256
"""About 40 MB of COCO: small enough to shuffle shards, large enough to read fast."""


@dataclasses.dataclass(frozen=True)
class BuildSettings:
    """How to build; the same for every source.

    Attributes:
      num_shards: number of TFRecord files; by default one per 256 pictures.
      workers: number of processes that check and encode; by default one per CPU.
      skip_bad: whether to leave bad pictures out and record them in dropped.json.
      progress: whether to show a progress bar on standard error.
      overwrite: whether to replace a dataset folder at `out`.
    """

    num_shards: int | None = None
    workers: int | None = None
    skip_bad: bool = False
    progress: bool = True
    overwrite: bool = False


def build_dataset(
    images: Path,
    panoptic: Path,
    annotations: Path,
    out: Path,
    **settings: Any,
) -> BuildSummary:
    """Builds a dataset folder from a dataset in COCO panoptic layout.

    Args:
      images: folder of pictures.
      panoptic: folder of RGB PNG files that hold segment ids.
      annotations: the annotations file, JSON.
      out: the folder to write. It appears at the end, whole, or not at all.
      **settings: the fields of `BuildSettings`.

    Raises:
      UserError: the input is not in this layout; any picture is bad and `skip_bad` is False; all
        pictures are bad; or `out` cannot be written.
    """
    options = {"images": images, "panoptic": panoptic, "annotations": annotations}
    return build_named_source("coco_panoptic", options, out, **settings)


def build_named_source(
    source: str, options: Mapping[str, Any], out: Path, **settings: Any
) -> BuildSummary:
    """Builds a dataset folder from any kind of source; see `build_dataset`.

    Args:
      source: name of the source's kind, one of `options.SOURCES`.
      options: where the data is, as on the command line: {"root": "cityscapes", "split": "val"}.
    """
    opened = open_named_source(source, options)
    recorded = record_source(source, options)
    return build_source(opened, Path(out), BuildSettings(**settings), recorded)


def build_source(
    source: Source, out: Path, settings: BuildSettings, recorded: Mapping[str, Any]
) -> BuildSummary:
    """Builds a dataset folder from an open source; see `build_dataset`.

    Args:
      recorded: what `record_source` returns for the source.
    """
    start = time.monotonic()
    num_items = len(source.pictures)
    num_shards = choose_num_shards(source, settings.num_shards)
    workers = num_workers(settings.workers, num_items)
    found, num_bad = [], count_pictures(source.findings)
    counts = BuildCounts(source.categories)
    with (
        new_dataset_folder(out, settings.overwrite) as folder,
        contextlib.closing(DatasetWriter(folder, num_shards, num_items)) as writer,
        process_pool(workers, encode_picture) as encode_all,
        _progress_bar(out, num_items, settings.progress) as bar,
    ):
        for index, outcome in enumerate(encode_all(in_record_order(source.pictures))):
            if not isinstance(outcome, EncodedPicture):
                found.extend(outcome)
                num_bad += 1
            elif settings.skip_bad or not (found or source.findings):
                writer.write(index, outcome.features)
                counts.add(outcome)
            bar.update()
        findings = all_findings(source, found)
        refuse_bad_pictures(source, findings, num_bad, settings.skip_bad)
        content = manifest_content(source, counts, findings, num_bad, recorded)
        manifest = writer.finish(*content)
    return BuildSummary(out, manifest, counts.conversions, findings, time.monotonic() - start)


def _progress_bar(out: Path, num_items: int, is_shown: bool) -> tqdm:
    options = {"unit": " pictures", "disable": not is_shown, "dynamic_ncols": True}
    return tqdm(desc=f"build {out.name}", total=num_items, **options)


def choose_num_shards(source: Source, num_shards: int | None) -> int:
    """`num_shards` or its default. `UserError` if there is no picture, or fewer than shards."""
    num_items = len(source.pictures)
    if num_items == 0:
        raise _refusal(source, source.findings, num_bad=count_pictures(source.findings))
    if num_shards is None:
        return -(-num_items // _PICTURES_PER_SHARD)
    if not 1 <= num_shards <= num_items:
        raise UserError(
            f"--num_shards {num_shards}: expected 1 to {num_items}, the number of pictures; omit "
            "--num_shards for the default"
        )
    return num_shards


def all_findings(source: Source, found: Sequence[Finding]) -> list[Finding]:
    """Returns the findings of the source's lists, then those of its pictures, sorted by name."""
    return [*source.findings, *sorted(found, key=lambda finding: finding.picture)]


def refuse_bad_pictures(
    source: Source, findings: Sequence[Finding], num_bad: int, skip_bad: bool
) -> None:
    """Raises `UserError` if pictures are bad and may not be skipped, or if all are bad."""
    all_bad = num_bad == _num_entries(source)
    if findings and (not skip_bad or all_bad or not _can_skip(findings)):
        raise _refusal(source, findings, num_bad)


def manifest_content(
    source: Source,
    counts: BuildCounts,
    findings: Sequence[Finding],
    num_bad: int,
    recorded: Mapping[str, Any],
) -> tuple[Categories, dict[str, Any], dict[str, list[str]], list[dict[str, str]]]:
    """Returns the arguments that `write_manifest` takes after the shards."""
    content = {
        "source": source.description,
        BUILT_FROM: dict(recorded),
        "num_source_pictures": _num_entries(source),
        "num_dropped": num_bad,
        **counts.to_json(getattr(source, "num_listed_segments", None)),
    }
    dropped = [finding.to_json() for finding in findings]
    return source.categories, content, counts.conversions, dropped


def _can_skip(findings: Sequence[Finding]) -> bool:
    """Returns whether no object is without truth in the pictures that have no finding."""
    return all(finding.problem.can_be_skipped for finding in findings)


def _num_entries(source: Source) -> int:
    """Counts the pictures of a source, including those for which only a finding exists."""
    return len(source.pictures) + count_pictures(source.findings)


def _refusal(source: Source, findings: Sequence[Finding], num_bad: int) -> UserError:
    """Makes the error for a source with bad pictures."""
    num_all = _num_entries(source)
    if num_bad == num_all:
        way_out = "No picture is left to build from: correct them"
    elif not _can_skip(findings):
        way_out = (
            "--skip_bad cannot help: an annotation names no picture, so any picture may show its "
            "object. Correct the annotation"
        )
    else:
        way_out = (
            f"Correct them, or build from the other {num_all - num_bad} with --skip_bad. "
            "dropped.json then lists the pictures that were left out"
        )
    return UserError(
        f"{source.where}: {num_bad} of {num_all} pictures cannot be used; nothing was "
        f"written.\n{format_findings(findings)}\n{way_out}"
    )


def new_dataset_folder(out: Path, overwrite: bool) -> contextlib.AbstractContextManager[Path]:
    """Gives an empty folder that becomes `out` when the block ends without an error."""
    return whole_folder(out, overwrite, is_dataset_folder, "a dataset folder")
