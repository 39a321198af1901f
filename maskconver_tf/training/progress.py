"""The line that people watch while a run trains."""

from __future__ import annotations

import sys
import time

import tensorflow as tf
from tqdm import tqdm


class ProgressLine:
    """A bar with steps, images per second, time left and the latest losses; an Orbit train action.

    Args:
      global_step: the run's step counter.
      total_steps: where it ends.
      batch_size: images per step.
      visible: False on all workers but one.
    """

    def __init__(
        self, global_step: tf.Variable, total_steps: int, batch_size: int, visible: bool = True
    ):
        self._step = global_step
        self._batch_size = batch_size
        self._last = (int(global_step.numpy()), time.monotonic())
        self._bar = tqdm(
            total=total_steps,
            initial=self._last[0],
            desc="train",
            unit="step",
            dynamic_ncols=True,
            smoothing=0.1,
            disable=not visible,
        )

    def __call__(self, output: dict) -> None:
        step, now = int(self._step.numpy()), time.monotonic()
        last_step, last_time = self._last
        rate = (step - last_step) * self._batch_size / max(now - last_time, 1e-9)
        self._last = (step, now)
        self._bar.set_postfix_str(
            f"loss {float(output['loss']):.3f}, {rate:.1f} images/s", refresh=False
        )
        self._bar.update(step - last_step)

    def forget_pause(self) -> None:
        """Leaves the time since the last update (an evaluation, say) out of the next rate."""
        self._last = (self._last[0], time.monotonic())

    def write(self, message: str) -> None:
        """Prints a line above the bar."""
        if not self._bar.disable:
            tqdm.write(message, file=sys.stderr)

    def close(self) -> None:
        self._bar.close()
