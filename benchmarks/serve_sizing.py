"""Tells how many pictures `maskconver serve` answers in a second, and how much memory it takes.

    python benchmarks/serve_sizing.py --model exported --sizes 480x640 1080x1920 3000x4000

For each size of the pictures it starts a server of its own, sends valid requests from as many
clients as the machine has cores, for some seconds, and prints a row. Server and clients share the
cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile

import numpy as np
from serve_load import Load, megabytes, start_server
from serve_requests import Target, make_pictures

HEADER = (
    "height x width   clients   pictures/s   per core   p50 ms   p95 ms   memory MB, idle -> most"
)


async def measure(url: str, pid: int, size: tuple[int, int], seconds: float, clients: int) -> str:
    """Measures one size; returns its row of the table."""
    idle = megabytes(pid)
    load = Load(Target(url), make_pictures(4, *size))
    await load.learn()
    samples: list[float] = []

    async def watch() -> None:
        while True:
            samples.append(megabytes(pid))
            await asyncio.sleep(0.1)

    watcher = asyncio.ensure_future(watch())
    phase = await load.closed("sizing", seconds, clients)
    watcher.cancel()
    p50, p95 = 1000 * np.percentile(phase.good, [50, 95])
    name = f"{size[0]} x {size[1]}"
    return (
        f"{name:14s} {clients:9d} {phase.goodput:12.1f} {phase.goodput / os.cpu_count():10.1f} "
        f"{p50:8.0f} {p95:8.0f}   {idle:.0f} -> {max(samples):.0f}"
    )


def picture_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text}: expected HEIGHTxWIDTH, such as 1080x1920")
    return int(match[1]), int(match[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="an export, or a run")
    parser.add_argument(
        "--sizes",
        type=picture_size,
        nargs="+",
        default=[(480, 640)],
        metavar="HxW",
        help="height and width of the pictures (default: 480x640)",
    )
    parser.add_argument("--seconds", type=float, default=10, help="for each size (default: 10)")
    parser.add_argument(
        "--clients", type=int, default=os.cpu_count(), help="default: one for each core"
    )
    args = parser.parse_args()
    print(HEADER)
    for size in args.sizes:
        with tempfile.TemporaryDirectory() as folder:
            process, url = start_server(args.model, folder)
            try:
                row = measure(url, process.pid, size, args.seconds, args.clients)
                print(asyncio.run(row), flush=True)
            finally:
                process.terminate()
                process.wait(60)


if __name__ == "__main__":
    sys.exit(main())
