"""What waits for the model: one encoded picture, or a call of another signature."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import Future
from typing import Any

import numpy as np

from maskconver_tf.serving.refusals import Refusal
from maskconver_tf.serving.versions.model_version import ModelVersion


@dataclasses.dataclass(eq=False)
class Job:
    """Work for the model.

    Attributes:
      version: the version that must answer.
      deadline: `time.monotonic()` after which nobody waits for the answer.
      pixels: number of pixels, as far as known.
      future: gets the outputs, name -> array; of a picture without the batch axis.
      queued: when the job came.
    """

    version: ModelVersion
    deadline: float
    pixels: int
    future: Future[dict[str, np.ndarray]] = dataclasses.field(default_factory=Future)
    queued: float = dataclasses.field(default_factory=time.monotonic)

    def is_wanted(self) -> bool:
        """Whether somebody still waits; an expired job gets its refusal here."""
        if self.future.cancelled():
            return False
        if time.monotonic() < self.deadline:
            return True
        self.refuse(too_late())
        return False

    def finish(self, outputs: dict[str, np.ndarray]) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(outputs)

    def refuse(self, refusal: Refusal) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(refusal)


@dataclasses.dataclass(eq=False, kw_only=True)
class PictureJob(Job):
    """One encoded picture.

    Attributes:
      encoded: the file.
      thresholds: name -> value, only those that the request sets.
    """

    encoded: bytes
    thresholds: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(eq=False, kw_only=True)
class CallJob(Job):
    """A call of a signature with tensors; it is not joined with others."""

    signature: str
    inputs: dict[str, np.ndarray]


def too_late() -> Refusal:
    """The refusal of a request whose time is over."""
    return Refusal(
        504, "The answer was not ready in time; send fewer requests at a time", "deadline"
    )
