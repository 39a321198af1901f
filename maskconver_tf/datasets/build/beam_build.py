"""The builder on Apache Beam: local cores, Dataflow, Flink, Spark.

Beam is not among the package's requirements: docs/datasets.md tells how to install it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.build.build import BuildSettings, num_workers
from maskconver_tf.datasets.build.counts import BuildSummary
from maskconver_tf.datasets.build.shard_build import ShardJob, build_by_shards, write_shard
from maskconver_tf.errors import UserError


def build_on_beam(
    source: str,
    options: Mapping[str, Any],
    out: Path,
    runner: str = "DirectRunner",
    pipeline_options: Sequence[str] = (),
    **settings: Any,
) -> BuildSummary:
    """Builds a dataset folder, one Beam element a shard; see `build_from`.

    Source and `out` are paths that every worker sees: on other machines a shared file system.

    Args:
      runner: Beam's name of it.
      pipeline_options: "name=value", of Beam or the runner.
      **settings: those of `BuildSettings`; `workers` is for the direct runner, and Beam shows no
        progress bar.

    Raises:
      UserError: as `build_from`; or Beam is not installed, or the pipeline fails.
    """
    settings = BuildSettings(**settings)
    run = functools.partial(_run, _arguments(runner, settings.workers, pipeline_options))
    return build_by_shards(run, source, options, out, settings)


def _arguments(runner: str, workers: int | None, pipeline_options: Sequence[str]) -> list[str]:
    """Beam's command line; the direct runner uses all cores unless told otherwise."""
    for option in pipeline_options:
        if "=" not in option or option.startswith("-"):
            raise UserError(
                f"--pipeline_option {option}: expected NAME=VALUE, such as direct_num_workers=4."
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
            f"--runner: Apache Beam cannot be imported ({error}); it needs an environment of its "
            "own, which docs/datasets.md describes. Without --runner a build uses all cores of "
            "this machine."
        ) from None
    try:
        with beam.Pipeline(options=PipelineOptions(arguments)) as pipeline:
            shards = pipeline | "Shards" >> beam.Create(jobs)
            # Else a runner may join the steps and write all shards in one place.
            _ = shards | beam.Reshuffle() | "Write" >> beam.Map(write_shard)
    except Exception as error:  # Runners raise what they like.
        last = str(error).strip().splitlines()[-1] if str(error).strip() else repr(error)
        raise UserError(
            f"{arguments[0]}: the pipeline failed: {last}\nSee Beam's messages above; with --debug "
            "there is a traceback. Nothing was written."
        ) from error
