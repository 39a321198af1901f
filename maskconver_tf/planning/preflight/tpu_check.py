"""Compiles a training step for a TPU core with Google's compiler; no TPU is needed."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from maskconver_tf.errors import UserError
from maskconver_tf.planning.preflight.tpu_compile import USABLE_MIB

GIB = 2**30

DEFAULT_CACHE = Path("~/.cache/maskconver_tf/tpu")
NO_DEVICE = {
    "TPU_SKIP_MDS_QUERY": "1",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "JAX_PLATFORMS": "cpu",
}
"""Environment in which the compiler neither looks for a TPU nor locks one. By default only one
process of a machine may load the compiler at a time."""


@dataclasses.dataclass(frozen=True)
class MemoryPlan:
    """The memory that the compiler plans for a step with one batch size.

    Attributes:
      batch_size: pictures per core.
      needed_bytes: of the core's memory, for weights, optimizer, batch and temporaries. After
        compilation to code it includes the code.
      fits: whether the step fits the core.
      cached: whether the result comes from the cache.
    """

    batch_size: int
    needed_bytes: int
    fits: bool
    cached: bool = False


def check_topology(topology: str) -> int:
    """Checks that a step can be compiled for a topology such as "v5e:2x2".

    Returns:
      The number of the topology's cores.

    Raises:
      UserError: the topology is unknown, or the compiler is not installed.
    """
    kind, _, layout = topology.partition(":")
    if kind not in USABLE_MIB or not re.fullmatch(r"\d+x\d+", layout):
        raise UserError(
            f"--tpu {topology}: unknown; expected {' or '.join(USABLE_MIB)} in lower case with a "
            "layout of chips, such as v5e:2x2 or v6e:4x4"
        )
    missing = [name for name in ("jax", "libtpu") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"--tpu needs Google's TPU compiler, and {' and '.join(missing)} cannot be imported; "
            "install it: pip install 'maskconver_tf[tpu-check]'"
        )
    rows, columns = map(int, layout.split("x"))
    return rows * columns


def usable_bytes(topology: str) -> int:
    """Returns the memory of a core that a program may use."""
    return USABLE_MIB[topology.partition(":")[0]] * 2**20


def compile_step(
    hlo: bytes, batch_size: int, topology: str, cache: Path, minutes: float, to_code: bool
) -> MemoryPlan | None:
    """Compiles a step in a separate process.

    Args:
      hlo: from `StepProgram.hlo`.
      batch_size: the batch size of `hlo`.
      topology: see `check_topology`.
      cache: folder of earlier results.
      minutes: time limit.
      to_code: whether to compile to code. Otherwise the compiler stops when it has planned the
        memory, which takes a tenth of the time.

    Returns:
      The plan, or None if the compiler ran out of time.

    Raises:
      UserError: the compiler failed for a reason other than memory.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, log_path = Path(folder) / "step.hlo", Path(folder) / "log"
        path.write_bytes(hlo)
        program = [sys.executable, "-m", "maskconver_tf.planning.preflight.tpu_compile"]
        depth, doing = ("code", "compiling") if to_code else ("plan", "planning memory")
        with log_path.open("w") as log:
            process = subprocess.Popen(
                [*program, str(path), topology, str(cache.expanduser()), depth],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=_environment(),
            )
            output = _wait(process, f"{doing} for {topology}, batch {batch_size}", minutes)
        words = log_path.read_text(errors="replace")
    if output is None:
        return None
    return _memory_plan(_result(output, words, topology), batch_size)


def _environment() -> dict[str, str]:
    """This process's environment with `NO_DEVICE`, in which this package can be imported."""
    package = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return os.environ | NO_DEVICE | {"PYTHONPATH": path}


def _wait(process: subprocess.Popen, what: str, minutes: float) -> str | None:
    """Waits and shows progress; returns the process's output, or None if it took too long."""
    start = time.monotonic()
    is_terminal = sys.stderr.isatty()
    try:
        while time.monotonic() - start < 60 * minutes:
            try:
                return process.communicate(timeout=1 if is_terminal else 30)[0]
            except subprocess.TimeoutExpired:
                _show_progress(what, time.monotonic() - start, is_terminal)
        return None
    finally:
        process.kill()
        process.wait()
        if is_terminal:
            print(f"\r{'':79}\r", end="", file=sys.stderr, flush=True)


def _show_progress(what: str, seconds: float, is_terminal: bool) -> None:
    """Prints the elapsed time: on a terminal over the last line, otherwise as a new line."""
    line = f"{what}: {int(seconds) // 60}:{int(seconds) % 60:02d} elapsed"
    if is_terminal:
        print(f"\r{line}", end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)


def _result(output: str, words: str, topology: str) -> dict[str, Any]:
    try:
        result = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        last = (words.strip().splitlines() or ["no message"])[-1]
        raise UserError(
            f"--tpu {topology}: the TPU compiler's process ended without a result ({last}); "
            "install the versions of jax and libtpu that constraints.txt lists, and free some GiB "
            "of memory"
        ) from None
    if "fits" not in result:
        message = result["error"].splitlines()[0]
        raise UserError(
            f"--tpu {topology}: the TPU compiler refused the step: {message}. Name another layout "
            "that exists, or another batch size"
        )
    return result


def _memory_plan(result: dict[str, Any], batch_size: int) -> MemoryPlan:
    needed_bytes = result.get("needed_bytes")
    if needed_bytes is None:
        parts = result["bytes"]
        needed_bytes = sum(parts.values()) - 2 * parts["aliased"]
    return MemoryPlan(batch_size, needed_bytes, result["fits"], result["cached"])
