"""Shows the progress of a run: as a bar on a terminal, as a line every 30 s in a log."""

from __future__ import annotations

import os
import sys
import time

import tensorflow as tf
from tqdm import tqdm

_LINE_EVERY_S = 30.0


class Progress:
    """Shows steps, losses, speed and the time left. An Orbit train action.

    Args:
      global_step: the run's step counter.
      total_steps: length of the run.
      batch_size: examples per step.
      visible: whether to show anything. True on one worker only.
    """

    def __init__(
        self, global_step: tf.Variable, total_steps: int, batch_size: int, visible: bool = True
    ):
        self._step = global_step
        self._total_steps = total_steps
        self._batch_size = batch_size
        self._visible = visible
        self._next_line = -float("inf")
        self._bar = tqdm(
            total=total_steps,
            initial=int(global_step.numpy()),
            desc="train",
            unit="step",
            dynamic_ncols=True,
            bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]",
            disable=not (visible and _has_room_for_a_bar()),
        )

    def __call__(self, output: dict) -> None:
        step, now = int(self._step.numpy()), time.monotonic()
        text = self._describe(output, step)
        if not self._bar.disable:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(step - self._bar.n)
        elif now >= self._next_line or step == self._total_steps:
            self._next_line = now + _LINE_EVERY_S
            share = 100 * step // self._total_steps
            self.write(f"step {step}/{self._total_steps} ({share}%): {text}")

    def _describe(self, output: dict, step: int) -> str:
        """Formats a report.

        For example "02:05 left, 31.0 images/s, 2% waiting for data, loss 12.100 (mask dice 0.61)".
        The time left assumes the speed of the last steps and does not include evaluations.
        """
        rate = float(output["examples_per_second"])
        seconds = (self._total_steps - step) * self._batch_size / max(rate, 1e-9)
        terms = [
            f"{name.removesuffix('_loss').replace('_', ' ')} {float(value):.3g}"
            for name, value in output.items()
            if name.endswith("_loss")
        ]
        losses = f"loss {float(output['loss']):.3f}" + (f" ({', '.join(terms)})" if terms else "")
        waited = f"{float(output['input_bound_share']):.0%} waiting for data"
        return f"{tqdm.format_interval(seconds)} left, {rate:.1f} images/s, {waited}, {losses}"

    def set_total(self, total_steps: int) -> None:
        """Takes another length of the run."""
        self._total_steps = self._bar.total = total_steps

    def write(self, message: str) -> None:
        """Prints a line. It goes above the bar if there is one."""
        if self._visible:
            tqdm.write(message, file=sys.stderr)

    def close(self) -> None:
        self._bar.close()


def _has_room_for_a_bar() -> bool:
    """Whether the output is a terminal that can show a bar.

    Terminals of some containers have 0 columns, and would show nothing.
    """
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        columns = None  # Unknown.
    return sys.stderr.isatty() and columns != 0
