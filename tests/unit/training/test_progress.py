"""The progress of a run, on a terminal and in a log."""

from __future__ import annotations

import io
import os
import sys

import pytest
import tensorflow as tf

from maskconver_tf.training import progress
from maskconver_tf.training.progress import Progress

OUTPUT = {
    "loss": 12.3456,
    "mask_dice_loss": 0.612,
    "mask_dice_loss/level_3": 0.3,
    "gradient_norm": 5.0,
    "examples_per_second": 40.0,
    "input_bound_share": 0.034,
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run_steps(monkeypatch, stream: io.StringIO, seconds: list[float], visible: bool = True) -> str:
    """Reports ten more steps at each of `seconds`, of 100 steps; returns the output."""
    clock = iter(seconds)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", stream)
    step = tf.Variable(0, dtype=tf.int64)
    line = Progress(step, total_steps=100, batch_size=4, visible=visible)
    for _ in seconds:
        step.assign_add(10)
        line(OUTPUT)
    line.write("step 30: PQ all 41.0 (best so far)")
    line.close()
    return stream.getvalue()


def test_a_log_gets_a_line_every_30_s_and_one_for_the_last_step(monkeypatch):
    seconds = [0, 1, 2, 29, 31, 32, 33, 34, 35, 36]
    lines = run_steps(monkeypatch, io.StringIO(), seconds).splitlines()
    assert lines[0] == (
        "step 10/100 (10%): 00:09 left, 40.0 images/s, 3% waiting for data, "
        "loss 12.346 (mask dice 0.612)"
    )
    assert [line.split()[1] for line in lines[:3]] == ["10/100", "50/100", "100/100"]
    assert lines[3:] == ["step 30: PQ all 41.0 (best so far)"]


def test_a_terminal_without_columns_gets_lines(monkeypatch):
    """`docker run -t` without a window makes such a terminal."""
    monkeypatch.setattr(Terminal, "fileno", lambda self: 2, raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: os.terminal_size((0, 0)))
    assert run_steps(monkeypatch, Terminal(), [0, 1]).startswith("step 10/100 (10%): ")


def test_a_terminal_gets_a_bar(monkeypatch):
    written = run_steps(monkeypatch, Terminal(), [0, 1, 2])
    last = written.split("\r")[-1]
    assert last.startswith("train:  30%|")
    assert "30/100" in last
    assert (
        "00:07 left, 40.0 images/s, 3% waiting for data, loss 12.346 (mask dice 0.612)" in written
    )
    assert "\rstep 30: PQ all 41.0 (best so far)\n" in written


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_other_workers_print_nothing(monkeypatch, stream):
    assert run_steps(monkeypatch, stream, [0, 1, 2], visible=False) == ""
