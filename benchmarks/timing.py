"""Times functions in turns, so that all of them see the same load of the machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

Seconds = tuple[float, float]
"""Seconds of the clock, and of all processors together. Other programs change the second less."""


def seconds(function: Callable[[], object]) -> Seconds:
    """Calls a function and returns the time that it takes."""
    clock, processors = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - clock, time.process_time() - processors


def in_turns(functions: Sequence[Callable[[], object]], runs: int) -> list[list[Seconds]]:
    """Calls each function `runs` times; every second round goes in reverse order.

    Returns:
      The times of each function.
    """
    times: list[list[Seconds]] = [[] for _ in functions]
    for run in range(runs):
        order = range(len(functions))
        for index in order if run % 2 else reversed(order):
            times[index].append(seconds(functions[index]))
    return times


def summary(times: Sequence[Seconds]) -> list[float]:
    """Returns median and least of the clock, then of the processors."""
    return [f(values) for values in zip(*times, strict=True) for f in (statistics.median, min)]
