"""Compiles an XLA module for a TPU, on a machine without a TPU: a program without TensorFlow.

    python -m maskconver_tf.planning.preflight.tpu_compile step.hlo v5e:2x2 cache_dir plan

prints the result of `plan_memory` as one JSON object. With `code` in place of `plan` it prints the
result of `compile_module`. Google's compiler is in the package `libtpu`. Through `jax` we get a
topology and a client that only compiles.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from maskconver_tf.files.whole_file import write_text_whole

CACHE_VERSION = 2
"""Part of the program's hash, so that results of an earlier way to compile are not reused."""

LOW_EFFORT = -1.0
"""The compiler's effort, -1 to 1. At -1 a mobile step at 256 px compiles in one minute instead of
more than six. It needs up to a tenth more memory than at the default of 0; see docs/tpu.md."""

USABLE_MIB = {"v5e": 16128, "v6e": 32000}
"""Kind of chip -> usable memory of a core, in MiB. The core has 16 or 32 GiB."""

_FULL_PERCENT = 95
"""The compiler's default limit, in percent of that memory. Above this limit the compiler recomputes
tensors instead of keeping them."""


def main() -> None:
    path, topology, cache, depth = sys.argv[1:]
    module = to_stablehlo(Path(path).read_bytes())
    entry = Path(cache) / f"{program_hash(module, topology)}.{depth}.json"
    with contextlib.suppress(OSError, ValueError):
        print(json.dumps(json.loads(entry.read_text(encoding="utf-8")) | {"cached": True}))
        return
    result = {"plan": plan_memory, "code": compile_module}[depth](module, topology)
    if "fits" in result:
        with contextlib.suppress(OSError):  # The result counts, even if it cannot be cached.
            entry.parent.mkdir(parents=True, exist_ok=True)
            write_text_whole(entry, json.dumps(result))
    print(json.dumps(result | {"cached": False}))


def to_stablehlo(hlo: bytes) -> Any:
    """Converts a serialized XLA module to StableHLO, and removes copies, which StableHLO lacks."""
    from jax._src.interpreters import mlir
    from jaxlib import _jax
    from jaxlib.mlir import ir

    with mlir.make_ir_context():
        module = ir.Module.parse(_jax.mlir.hlo_to_stablehlo(hlo))
        for operation in _operations(module.operation):
            if operation.name == "mhlo.copy":  # The same tensor in another memory layout.
                operation.results[0].replace_all_uses_with(operation.operands[0])
                operation.erase()
    return module


def _operations(operation: Any) -> list[Any]:
    """Lists all operations inside an operation, at any depth."""
    found = []
    for region in operation.regions:
        for block in region.blocks:
            for child in block.operations:
                found += [*_operations(child.operation), child.operation]
    return found


def program_hash(module: Any, topology: str) -> str:
    """Hashes the computation, the topology and the compiler's version.

    The names of functions and the positions of source lines do not change the hash.
    """
    import libtpu

    text = module.operation.get_asm(enable_debug_info=False)
    text = re.sub(r"^module @\S+", "module", text, count=1)
    parts = [str(CACHE_VERSION), libtpu.__version__, topology, text]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def plan_memory(module: Any, topology: str) -> dict[str, Any]:
    """Finds the memory of one core that a program needs, without making code.

    The compiler does not report its memory plan. We claim that the core has 1 MiB and read the
    requirement from the compiler's error. The passes before that error, such as the one that
    decides what to recompute, still count with the whole memory.

    Returns:
      "fits" and "needed_bytes". If 1 MiB is enough, or if the compiler fails for another reason,
      the result of `compile_module`.
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
    """Compiles a module to code for one core of a topology.

    Args:
      module: StableHLO.
      topology: kind of chip and layout, such as "v5e:2x2".
      overrides: compiler options, by name.

    Returns:
      If the program fits: "fits" and "bytes", which has "arguments", "outputs", "aliased" (outputs
      that reuse the memory of arguments), "temporaries" and "code". If it does not fit: "fits",
      "needed_bytes" and the compiler's message as "error". If the compiler failed for another
      reason: "error" alone.
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
        return parse_compiler_error(str(error))
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


def parse_compiler_error(message: str) -> dict[str, Any]:
    """Reads from a compiler's error how much memory was needed, if memory was the reason."""
    used = next(filter(None, (re.search(words, message) for words in _OUT_OF_MEMORY)), None)
    if used is None:
        return {"error": message}
    needed = int(float(used[1]) * 1024 ** ("KMGT".index(used[2]) + 1))
    return {"fits": False, "needed_bytes": needed, "error": message.splitlines()[0]}


if __name__ == "__main__":
    main()
