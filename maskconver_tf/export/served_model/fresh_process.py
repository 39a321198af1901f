"""Loads an export in a process of its own, and measures it with its own warm-up requests.

`python fresh_process.py VERSION REQUESTS.npz` prints a line of JSON for the loading, and one for
each batch size. It imports only TensorFlow and NumPy, as a server has them.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from pathlib import Path

_MOST_RUNS = 20
_SECONDS = 3.0


def main(version: str, requests: str) -> None:
    start = time.perf_counter()
    import numpy as np
    import tensorflow as tf

    imported = _peak_megabytes()
    begin = time.perf_counter()
    loaded = tf.saved_model.load(version)
    answer = loaded.signatures["serving_default"]
    seconds = time.perf_counter() - begin
    _print(load_seconds=seconds, import_seconds=begin - start, import_megabytes=imported)
    arrays = np.load(requests, allow_pickle=False)
    for name in sorted(arrays.files, key=lambda name: int(name.split("/")[0])):
        size, key = name.split("/")
        value = arrays[name]
        if key.startswith("encoded"):
            value = np.array([value.tobytes()] * int(size), dtype=object)
        _measure_batch(answer, {key: tf.constant(value)}, int(size))


def _measure_batch(answer, inputs, size: int) -> None:
    _reset_peak()
    begin = time.perf_counter()
    answer(**inputs)
    first = time.perf_counter() - begin
    times: list[float] = []
    while not times or (len(times) < _MOST_RUNS and sum(times) < _SECONDS):
        begin = time.perf_counter()
        answer(**inputs)
        times.append(time.perf_counter() - begin)
    _print(
        batch_size=size,
        first_seconds=first,
        median_seconds=statistics.median(times),
        runs=len(times),
        peak_megabytes=_peak_megabytes(),
    )


def _reset_peak() -> None:
    """Makes the peak that Linux reports start anew; elsewhere it stays the peak so far."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_megabytes() -> float:
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError, ValueError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _print(**numbers: float) -> None:
    print("MEASURED " + json.dumps(numbers), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
