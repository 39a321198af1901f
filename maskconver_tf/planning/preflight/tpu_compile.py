"""Compiles an XLA module for a TPU that is not there: a program of its own, without TensorFlow.

    python -m maskconver_tf.planning.preflight.tpu_compile step.hlo v5e:2x2 cache_dir plan

prints one JSON object, that of `plan_memory`; with `code` in place of `plan` that of
`compile_module`. Google's compiler comes with the package `libtpu`; `jax` knows how to ask it for a
topology and a client that only compiles.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

CACHE_VERSION = 2
"""Goes into the program's hash: results of another way of compiling are not reused."""

LOW_EFFORT = -1.0
"""Of -1 to 1. A mobile step at 256 px compiles in a minute instead of more than six, and needs up
to a tenth more memory than at the default of 0; docs/tpu.md has the figures."""

USABLE_MIB = {"v5e": 16128, "v6e": 32000}
"""Kind of chip -> what the compiler lets a program have of a core's 16 or 32 GiB."""

_FULL_PERCENT = 95
"""Of that memory, by default: beyond, results are computed again rather than kept."""


def main() -> None:
    path, topology, cache, depth = sys.argv[1:]
    module = to_stablehlo(Path(path).read_bytes())
    entry = Path(cache) / f"{program_hash(module, topology)}.{depth}.json"
    with contextlib.suppress(OSError, ValueError):
        print(json.dumps(json.loads(entry.read_text(encoding="utf-8")) | {"cached": True}))
        return
    result = {"plan": plan_memory, "code": compile_module}[depth](module, topology)
    if "fits" in result:
        _write(entry, json.dumps(result))
    print(json.dumps(result | {"cached": False}))


def to_stablehlo(hlo: bytes) -> Any:
    """A serialized XLA module as StableHLO, without the copies that only other dialects have."""
    from jax._src.interpreters import mlir
    from jaxlib import _jax
    from jaxlib.mlir import ir

    with mlir.make_ir_context():
        module = ir.Module.parse(_jax.mlir.hlo_to_stablehlo(hlo))
        for operation in _operations(module.operation):
            if operation.name == "mhlo.copy":  # An identity, but for the memory layout.
                operation.results[0].replace_all_uses_with(operation.operands[0])
                operation.erase()
    return module


def _operations(operation: Any) -> list[Any]:
    """All operations below one, in regions of regions too."""
    found = []
    for region in operation.regions:
        for block in region.blocks:
            for child in block.operations:
                found += [*_operations(child.operation), child.operation]
    return found


def program_hash(module: Any, topology: str) -> str:
    """The same for the same computation, topology and compiler, whatever its functions are called
    and wherever its source lines are."""
    import libtpu

    text = module.operation.get_asm(enable_debug_info=False)
    text = re.sub(r"^module @\S+", "module", text, count=1)
    parts = [str(CACHE_VERSION), libtpu.__version__, topology, text]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def plan_memory(module: Any, topology: str) -> dict[str, Any]:
    """What a program needs of one core, as the compiler lays it out before it makes code.

    It is asked for a core of 1 MiB, refuses, and says how much was needed. What comes before, such
    as computing again what does not fit, is told to count with the whole memory.

    Returns:
      "fits" and "needed_bytes"; for a program that 1 MiB is enough for, and for an error of another
      kind, what `compile_module` returns.
    """
    usable = USABLE_MIB[topology.partition(":")[0]]
    percent = str(_FULL_PERCENT * usable)
    options = {
        "xla_tpu_max_hbm_size_mib": "1",
        "xla_jf_rematerialization_percent_shared_memory_limit": percent,
        "xla_tpu_scheduler_percent_shared_memory_limit": percent,
    }
    found = compile_module(module, topology, options)
    if needed := found.get("needed_bytes"):
        return {"fits": needed <= usable * 2**20, "needed_bytes": needed}
    return found


def compile_module(
    module: Any, topology: str, overrides: dict[str, str] | None = None
) -> dict[str, Any]:
    """Compiles for one core of a topology, to the end.

    Args:
      module: StableHLO.
      topology: kind of chip and layout, such as "v5e:2x2".
      overrides: the compiler's own options.

    Returns:
      "fits"; and where it does "bytes": those of "arguments", "outputs", "aliased" (outputs in the
      place of arguments), "temporaries" and "code"; else "needed_bytes", and in "error" the
      compiler's words. "error" alone: it failed for another reason.
    """
    import numpy as np
    from jax._src.lib import xla_client
    from jax.experimental import topologies
    from jaxlib import _jax

    options = xla_client.CompileOptions()
    options.executable_build_options.exec_time_optimization_effort = LOW_EFFORT
    options.env_option_overrides = list((overrides or {}).items())
    try:
        device = topologies.get_topology_desc(topology, "tpu").devices[0]
        options.device_assignment = xla_client.DeviceAssignment.create(np.array([[device.id]]))
        devices = _jax.DeviceList((device,))
        stats = device.client.compile(module, devices, options).get_compiled_memory_stats()
    except _jax.JaxRuntimeError as error:
        return failure(str(error))
    return {
        "fits": True,
        "bytes": {
            "arguments": stats.argument_size_in_bytes,
            "outputs": stats.output_size_in_bytes,
            "aliased": stats.alias_size_in_bytes,
            "temporaries": stats.temp_size_in_bytes,
            "code": stats.generated_code_size_in_bytes,
        },
    }


_OUT_OF_MEMORY = (
    r"memory required for HLO temporaries \(([\d.]+)([KMGT])\) exceeds",  # Before code is made.
    r"Used ([\d.]+)([KMGT]) of [\d.]+[KMGT] hbm",
)


def failure(message: str) -> dict[str, Any]:
    """What a compiler's error says: how much was needed, if memory was the reason."""
    used = next(filter(None, (re.search(words, message) for words in _OUT_OF_MEMORY)), None)
    if used is None:
        return {"error": message}
    needed = int(float(used[1]) * 1024 ** ("KMGT".index(used[2]) + 1))
    return {"fits": False, "needed_bytes": needed, "error": message.splitlines()[0]}


def _write(path: Path, text: str) -> None:
    """Whole or not at all; a cache that cannot be written is no reason to lose a result."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)


if __name__ == "__main__":
    main()
