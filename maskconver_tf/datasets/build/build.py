"""From a dataset as its authors publish it to a dataset folder that training reads.

Each picture is checked and encoded in one of several processes; this one writes the records in the
source's order, so the same input gives the same bytes however many processes there are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from maskconver_tf.datasets.build.counts import BuildSummary, Tally, num_pictures
from maskconver_tf.datasets.build.examine import Accepted, examine
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, report
from maskconver_tf.datasets.processes import examiner
from maskconver_tf.datasets.records.folder import is_dataset_folder
from maskconver_tf.datasets.records.writer import DatasetWriter
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.datasets.sources.source import Source
from maskconver_tf.errors import UserError
from maskconver_tf.files.whole_folder import whole_folder

_PICTURES_PER_SHARD = 256
"""About 40 MB of COCO: small enough to shuffle shards, large enough to read at speed."""


@dataclasses.dataclass(frozen=True)
class BuildSettings:
    """How to build, whatever the source.

    Attributes:
      num_shards: TFRecord files; by default one for every 256 pictures.
      workers: processes that check and encode; by default one for each CPU.
      skip_bad: leave bad pictures out and record them in dropped.json.
      progress: show a progress bar on standard error.
      overwrite: replace the dataset folder at `out`, if there is one.
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
      panoptic: folder of RGB PNG files with segment ids.
      annotations: the JSON file.
      out: the folder to write; it appears whole, at the end, or not at all.
      **settings: those of `BuildSettings`.

    Raises:
      UserError: the input is not in this layout, a picture is bad (without `skip_bad`), all are,
        or `out` cannot be written.
    """
    source = CocoPanoptic(Path(images), Path(panoptic), Path(annotations))
    return write_dataset(source, Path(out), BuildSettings(**settings))


def build_from(source: str, options: Mapping[str, Any], out: Path, **settings: Any) -> BuildSummary:
    """Builds a dataset folder from any source; see `build_dataset`.

    Args:
      source: its name, one of `source_options.SOURCES`.
      options: where it is, as the command line has it: {"root": "cityscapes", "split": "val"}.
    """
    return write_dataset(open_named_source(source, options), Path(out), BuildSettings(**settings))


def write_dataset(source: Source, out: Path, settings: BuildSettings) -> BuildSummary:
    """Writes the pictures of any source to a dataset folder; see `build_dataset`."""
    start = time.monotonic()
    num_items = len(source.pictures)
    num_shards = plan_shards(source, settings.num_shards)
    workers = num_workers(settings.workers, num_items)
    findings, num_bad = list(source.findings), num_pictures(source.findings)
    tally = Tally(source.categories)
    with (
        new_dataset_folder(out, settings.overwrite) as folder,
        contextlib.closing(DatasetWriter(folder, num_shards, num_items)) as writer,
        examiner(workers, examine) as examine_all,
        _progress_bar(num_items, settings.progress) as bar,
    ):
        for index, outcome in enumerate(examine_all(source.pictures)):
            if not isinstance(outcome, Accepted):
                findings.extend(outcome)
                num_bad += 1
            elif settings.skip_bad or not findings:
                writer.write(index, outcome.features)
                tally.add(outcome)
            bar.update()
        check_findings(source, findings, num_bad, settings.skip_bad)
        dataset = writer.finish(*manifest_content(source, tally, findings, num_bad))
    return BuildSummary(out, dataset, tally.oddities, findings, time.monotonic() - start)


def _progress_bar(num_items: int, is_shown: bool) -> tqdm:
    return tqdm(total=num_items, unit=" pictures", disable=not is_shown, dynamic_ncols=True)


def plan_shards(source: Source, num_shards: int | None) -> int:
    """Shards for a source; `UserError` where it has no picture, or fewer than shards."""
    num_items = len(source.pictures)
    if num_items == 0:
        raise _refusal(source, source.findings, num_bad=num_pictures(source.findings))
    return _checked("num_shards", num_shards, -(-num_items // _PICTURES_PER_SHARD), num_items)


def check_findings(
    source: Source, findings: Sequence[Finding], num_bad: int, skip_bad: bool
) -> None:
    """Raises `UserError` where pictures are bad and may not be skipped, or all are bad."""
    if findings and (not skip_bad or num_bad == _num_entries(source)):
        raise _refusal(source, findings, num_bad)


def manifest_content(
    source: Source, tally: Tally, findings: Sequence[Finding], num_bad: int
) -> tuple[Categories, dict[str, Any], dict[str, list[str]], list[dict[str, str]]]:
    """What `write_manifest` takes after the shards."""
    counts = {"source": source.description, "num_dropped": num_bad} | tally.to_json()
    dropped = [finding.to_json() for finding in findings]
    return source.categories, counts, tally.oddities, dropped


def _num_entries(source: Source) -> int:
    """Pictures of a source, those that make no work item too."""
    return len(source.pictures) + num_pictures(source.findings)


def _refusal(source: Source, findings: Sequence[Finding], num_bad: int) -> UserError:
    """What a user reads who has bad pictures."""
    num_entries = _num_entries(source)
    if num_bad == num_entries:
        way_out = "Not one picture is left to build from."
    else:
        way_out = (
            f"Correct them, or build from the other {num_entries - num_bad} with --skip-bad, which "
            "records in dropped.json what it leaves out."
        )
    return UserError(
        f"{source.where}: {num_bad} of {num_entries} pictures cannot be used; nothing was "
        f"written.\n{report(findings)}\n{way_out}"
    )


def _checked(name: str, value: int | None, default: int, most: int | None = None) -> int:
    """`value` or else `default`; refuses a number below 1 or above `most`."""
    if value is None:
        return default
    if value < 1 or (most is not None and value > most):
        expected = f"1 to {most}, the number of pictures" if most else "1 or more"
        raise UserError(f"--{name}: found {value}, expected {expected}.")
    return value


def num_workers(workers: int | None, num_items: int) -> int:
    """Processes for so many pictures: `workers`, or one for each CPU this process may use."""
    # In a container those are fewer than the machine has.
    has_affinity = hasattr(os, "sched_getaffinity")
    num_cpus = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, min(_checked("workers", workers, num_cpus), num_items))


def new_dataset_folder(out: Path, overwrite: bool) -> contextlib.AbstractContextManager[Path]:
    """Gives an empty folder that becomes `out` when the block ends without an error."""
    return whole_folder(out, overwrite, is_dataset_folder, "a dataset folder")
