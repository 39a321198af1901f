"""Runs jobs on the model: joins pictures to one batch and takes the answer apart again."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from maskconver_tf.inference import signatures
from maskconver_tf.serving.batching.jobs import CallJob, Job, PictureJob
from maskconver_tf.serving.refusals import Refusal

_log = logging.getLogger("maskconver.serve")


def run_jobs(jobs: Sequence[Job]) -> None:
    """Runs jobs of one version and gives each its outputs, or a refusal.

    If a batch fails, each of its jobs runs alone, so that one cannot spoil the others.
    """
    try:
        outputs = _run_pictures(jobs) if isinstance(jobs[0], PictureJob) else _run_call(jobs[0])
    except Exception as error:  # Whatever TensorFlow raises, the server must live.
        if len(jobs) > 1:
            for job in jobs:
                run_jobs([job])
            return
        _log.exception("the model failed")
        jobs[0].refuse(_failure(jobs[0], error))
        return
    for job, found in zip(jobs, outputs):
        job.finish(found)


def _run_call(job: CallJob) -> list[dict[str, np.ndarray]]:
    return [job.version.run(job.signature, job.inputs)]


def _run_pictures(jobs: Sequence[PictureJob]) -> list[dict[str, np.ndarray]]:
    version = jobs[0].version
    inputs = {signatures.ENCODED_IMAGES: np.array([job.encoded for job in jobs], object)}
    name = signatures.SERVING_DEFAULT
    if any(job.thresholds for job in jobs):
        name = signatures.SERVING_WITH_THRESHOLDS
        known = version.signatures[name].inputs
        for threshold in version.threshold_names:
            own = known[threshold].default
            rows = [job.thresholds.get(threshold, own[0]) for job in jobs]
            inputs[threshold] = np.array(rows, own.dtype)
    found = version.run(name, inputs)
    return [{name: value[i] for name, value in found.items()} for i in range(len(jobs))]


def _failure(job: Job, error: Exception) -> Refusal:
    if isinstance(job, CallJob) and type(error).__name__ == "InvalidArgumentError":
        return Refusal(400, "The model cannot take tensors of these values or shapes", "tensors")
    return Refusal(500, "The model failed; the log of the server says why", "model_failed")
