"""Builds on Apache Beam: on local cores, Dataflow, Flink or Spark.

The package does not require Beam; docs/datasets.md explains how to install it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.build.build import BuildSettings
from maskconver_tf.datasets.build.build_summary import BuildSummary
from maskconver_tf.datasets.build.shard_build import ShardJob, build_by_shards, write_shard
from maskconver_tf.datasets.process_pool import num_workers
from maskconver_tf.errors import UserError


def build_on_beam(
    source: str,
    options: Mapping[str, Any],
    out: Path,
    runner: str = "DirectRunner",
    pipeline_options: Sequence[str] = (),
    **settings: Any,
) -> BuildSummary:
    """Builds a dataset folder with one Beam element per shard; see `build_named_source`.

    Every worker must see the paths of the source and `out`. Workers on other machines need a shared
    file system.

    Args:
      runner: Beam's name of the runner.
      pipeline_options: options of Beam or the runner, as "name=value".
      **settings: the fields of `BuildSettings`. Only the direct runner uses `workers`, and Beam
        shows no progress bar.

    Raises:
      UserError: as for `build_named_source`; or Beam is not installed, or the pipeline fails.
    """
    settings = BuildSettings(**settings)
    run = functools.partial(_run, _arguments(runner, settings.workers, pipeline_options))
    return build_by_shards(run, source, options, out, settings)


def _arguments(runner: str, workers: int | None, pipeline_options: Sequence[str]) -> list[str]:
    """Beam's command line. The direct runner uses all cores by default."""
    for option in pipeline_options:
        if "=" not in option or option.startswith("-"):
            raise UserError(
                f"--pipeline_option {option}: expected NAME=VALUE without dashes before NAME, such "
                "as direct_num_workers=4"
            )
    given = [f"--{option}" for option in pipeline_options]
    direct = []
    if runner == "DirectRunner":
        count = num_workers(workers, 2**20)
        direct = [f"--direct_num_workers={count}", "--direct_running_mode=multi_processing"]
    return [f"--runner={runner}", *direct, *given]


def _run(arguments: list[str], jobs: list[ShardJob]) -> None:
    """Runs `write_shard` on every job."""
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError as error:
        raise UserError(
            f"--runner: Apache Beam cannot be imported ({error}). Make an environment of its own "
            "for it, as docs/datasets.md explains, or omit --runner: then a build uses all cores "
            "of this machine"
        ) from None
    try:
        with beam.Pipeline(options=PipelineOptions(arguments)) as pipeline:
            shards = pipeline | "Shards" >> beam.Create(jobs)
            # Without this a runner may join the steps and write all shards on one worker.
            _ = shards | beam.Reshuffle() | "Write" >> beam.Map(write_shard)
    except Exception as error:  # Each runner raises errors of its own.
        last = str(error).strip().splitlines()[-1] if str(error).strip() else repr(error)
        raise UserError(
            f"{arguments[0]}: the pipeline failed: {last}\nRead Beam's messages above, or run the "
            "command with --debug to see a traceback. Nothing was written"
        ) from error
