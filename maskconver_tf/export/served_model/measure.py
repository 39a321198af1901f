"""Checks that a fresh process can load an export and answer, and reports what that costs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from maskconver_tf.errors import UserError
from maskconver_tf.export.served_model import fresh_process

_MARK = "MEASURED "


def measure_export(version: Path, requests: Mapping[str, np.ndarray]) -> str:
    """Measures an export in a fresh process.

    Args:
      version: the folder of the export.
      requests: "SIZE/INPUT" -> the input for that batch size; of encoded pictures the bytes of one.

    Returns:
      Lines with the size on disk, the time to load, and latency and memory for each batch size.

    Raises:
      UserError: the process failed, so a server would fail, too.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requests.npz")
        np.savez(file, **requests)
        # Not with -m: the process must work without this package.
        command = [sys.executable, fresh_process.__file__, str(version), str(file)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in result.stdout.splitlines() if line.startswith(_MARK)]
    found = [json.loads(line.removeprefix(_MARK)) for line in lines]
    if result.returncode:
        raise UserError(_failure(result, found))
    return _report(version, found)


def _failure(result: subprocess.CompletedProcess, found: list[dict]) -> str:
    last = (result.stderr.strip().splitlines() or ["no message"])[-1].rstrip(".")
    if result.returncode < 0:
        last = f"it was killed by signal {-result.returncode}, as happens when memory is short"
    done = f"batch size {found[-1]['batch_size']}" if len(found) > 1 else "loading" * bool(found)
    return (
        "the export was not kept: a fresh process could not load it and answer "
        f"({last}; done before: {done or 'nothing'}). Choose smaller --batch_sizes, free memory, "
        "or export with --skip_measure"
    )


def _report(version: Path, found: list[dict]) -> str:
    load, *sizes = found
    files = [path for path in version.rglob("*") if path.is_file()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    lines = [
        f"size {megabytes:.1f} MB in {len(files)} files, loaded in {load['load_seconds']:.1f} s "
        "(measured in a fresh process)",
        "batch size   first answer   later answers   pictures/s   peak memory",
    ]
    for row in sizes:
        rate = row["batch_size"] / row["median_seconds"]
        lines.append(
            f"{row['batch_size']:10d} {row['first_seconds']:12.2f} s "
            f"{1000 * row['median_seconds']:12.0f} ms {rate:12.1f} {row['peak_megabytes']:10.0f} MB"
        )
    return "\n".join(lines)
