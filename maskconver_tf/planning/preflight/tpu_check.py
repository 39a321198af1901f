"""Whether a training step fits a TPU core, asked of Google's compiler where there is no TPU."""

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
from collections.abc import Callable
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
"""Environment of a compiler that shall look for no TPU, and lock none: by default one process of a
machine may load it at a time."""

MAX_PLANS = 8
"""In a search for the largest batch."""


@dataclasses.dataclass(frozen=True)
class Fit:
    """What the compiler found for one batch size.

    Attributes:
      batch_size: pictures per core.
      needed: bytes of the core's memory, for weights, optimizer, batch and temporaries; of a
        program compiled to the end its code, too.
      fits: whether the compiler can make a program of it.
      cached: whether it had done so before.
    """

    batch_size: int
    needed: int
    fits: bool
    cached: bool = False


def check_ready(topology: str) -> int:
    """Number of cores of a topology such as "v5e:2x2".

    Raises:
      UserError: the topology is none that is known here, or the compiler is not installed.
    """
    kind, _, layout = topology.partition(":")
    if kind not in USABLE_MIB or not re.fullmatch(r"\d+x\d+", layout):
        raise UserError(
            f"--tpu {topology}: unknown; expected {' or '.join(USABLE_MIB)} with a layout of "
            "chips, such as v5e:2x2 or v6e:4x4"
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
    """What a program may take of a core's memory."""
    return USABLE_MIB[topology.partition(":")[0]] * 2**20


def compile_step(
    hlo: bytes, batch_size: int, topology: str, cache: Path, minutes: float, to_code: bool
) -> Fit | None:
    """Compiles a step in a process of its own.

    Args:
      hlo: from `StepProgram.hlo`.
      batch_size: that it was made for.
      topology: see `check_ready`.
      cache: folder of earlier results.
      minutes: how long it may take.
      to_code: to the end; else until the memory is laid out, a tenth of the time.

    Returns:
      What was found; None where the time was too short.

    Raises:
      UserError: the compiler failed for another reason than memory.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, log_path = Path(folder) / "step.hlo", Path(folder) / "log"
        path.write_bytes(hlo)
        program = [sys.executable, "-m", "maskconver_tf.planning.preflight.tpu_compile"]
        depth, doing = ("code", "compiling") if to_code else ("plan", "laying out memory")
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
    return _fit(_result(output, words, topology), batch_size)


def largest_batch(
    asked: int, capacity: int, fit: Callable[[int], Fit | None]
) -> tuple[Fit | None, list[Fit]]:
    """Searches the largest batch whose step fits, until one more is found not to.

    The need of two sizes gives that of others, as good as a line through them: not quite, for near
    the limit the compiler computes again what it would have kept.

    Args:
      asked: where to begin.
      capacity: bytes of the core's memory.
      fit: finds the need of a batch size; None when it ran out of time.

    Returns:
      The largest found to fit, or None; and all that was asked for.
    """
    found: dict[int, Fit] = {}
    size = asked
    while size not in found and len(found) < MAX_PLANS:
        if (result := fit(size)) is None:
            break
        found[size] = result
        size = _next_size(sorted(found.values(), key=lambda f: f.batch_size), capacity)
    fitting = [f for f in found.values() if f.fits]
    return max(fitting, key=lambda f: f.batch_size, default=None), list(found.values())


def _next_size(found: list[Fit], capacity: int) -> int:
    """The size worth asking for next; one of `found` when the search is over."""
    largest = max((f.batch_size for f in found if f.fits), default=0)
    too_large = min((f.batch_size for f in found if not f.fits), default=sys.maxsize)
    if too_large == largest + 1:
        return too_large
    if len(found) == 1:
        return 2 * largest or max(1, too_large // 2)
    place = max(1, min(len(found) - 1, sum(f.fits for f in found)))
    below, above = found[place - 1], found[place]
    slope = (above.needed - below.needed) / (above.batch_size - below.batch_size)
    guess = below.batch_size + int((capacity - below.needed) // max(slope, 1.0))
    return min(max(guess, largest + 1), too_large - 1)


def _environment() -> dict[str, str]:
    """`NO_DEVICE`, and the package where this one is."""
    package = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return os.environ | NO_DEVICE | {"PYTHONPATH": path}


def _wait(process: subprocess.Popen, what: str, minutes: float) -> str | None:
    """The output of a process, and a line on what it does meanwhile; None when it took too long."""
    start = time.monotonic()
    is_terminal = sys.stderr.isatty()
    try:
        while time.monotonic() - start < 60 * minutes:
            try:
                return process.communicate(timeout=1 if is_terminal else 30)[0]
            except subprocess.TimeoutExpired:
                _say(what, time.monotonic() - start, is_terminal)
        return None
    finally:
        process.kill()
        process.wait()
        if is_terminal:
            print(f"\r{'':79}\r", end="", file=sys.stderr, flush=True)


def _say(what: str, seconds: float, is_terminal: bool) -> None:
    """One line that keeps changing on a terminal, else a line each time."""
    line = f"{what}: {int(seconds) // 60}:{int(seconds) % 60:02d} elapsed"
    if is_terminal:
        print(f"\r{line}", end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)


def _result(output: str, words: str, topology: str) -> dict[str, Any]:
    try:
        result = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        last = (words.strip().splitlines() or ["no word"])[-1]
        raise UserError(
            f"the TPU compiler's process ended without a result ({last}); check the versions of "
            "jax and libtpu against constraints.txt, and free memory: it takes some GiB"
        ) from None
    if "fits" not in result:
        message = result["error"].splitlines()[0]
        raise UserError(f"the TPU compiler refused the step for {topology}: {message}")
    return result


def _fit(result: dict[str, Any], batch_size: int) -> Fit:
    needed = result.get("needed_bytes")
    if needed is None:
        parts = result["bytes"]
        needed = sum(parts.values()) - 2 * parts["aliased"]
    return Fit(batch_size, needed, result["fits"], result["cached"])
