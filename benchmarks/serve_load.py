"""Sends valid and hostile requests to `maskconver serve`, and checks every answer.

    python benchmarks/serve_load.py --model exported --seconds 600

It starts the server on this machine's loopback with a token, and measures with valid requests how
many it answers in a second (1x). Then it sends four times as many, a third of them hostile. It
prints a table and ends with status 1 if an answer was wrong, a refusal was not one sentence with a
status from 400 to 599, the server ended, its memory grew after the first minute (a third of a
shorter run), or it answered less than 90 % of the valid pictures that it answers at 1x.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import dataclasses
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from serve_requests import DROPPED, RARE, TOKEN, Kind, Target, hold, hostile_kinds, make_pictures

LONGEST = 3600
MOST_RATE = 1000.0
SMALL_REQUESTS = 10_000
_RARE_WEIGHT = 0.05
_SECRETS = re.compile(r"Traceback|\n|File \"|/(?:root|home|work|tmp|etc|usr|srv)\b")


@dataclasses.dataclass
class Phase:
    """What happened to the requests of a phase."""

    name: str
    seconds: float = 0.0
    good: list[float] = dataclasses.field(default_factory=list)
    statuses: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    problems: list[str] = dataclasses.field(default_factory=list)

    @property
    def goodput(self) -> float:
        return len(self.good) / self.seconds

    def row(self) -> str:
        times = 1000 * np.percentile(self.good or [np.nan], [50, 95, 99])
        refused = ", ".join(
            f"{n} x {s or 'lost'}" for s, n in sorted(self.statuses.items()) if s != 200
        )
        cells = " ".join(f"{each:8.0f}" for each in times)
        return (
            f"{self.name:10s} {sum(self.statuses.values()):8d} {len(self.good):8d} "
            f"{self.goodput:8.1f} {cells}   {refused or 'none'}"
        )


HEADER = "phase      requests answered  good/s   p50 ms   p95 ms   p99 ms   refused"


# ---- Phases --------------------------------------------------------------------------------------
class Load:
    """Sends the phases to a target and checks every answer."""

    def __init__(self, target: Target, pictures: list[bytes]):
        self.target, self.pictures = target, pictures
        self.expected: list[str] = []

    async def learn(self) -> None:
        """Asks for each picture alone; later answers must be equal to the last byte."""
        for picture in self.pictures:
            status, body = await self.target.send("POST", "/segment", picture, Accept="image/png")
            if status != 200:
                sys.exit(f"a valid picture got status {status}: {body[:200]!r}")
            self.expected.append(hashlib.sha256(body).hexdigest())

    async def valid(self, phase: Phase) -> None:
        i = random.randrange(len(self.pictures))
        begin = time.monotonic()
        status, body = await self.target.send(
            "POST", "/segment", self.pictures[i], Accept="image/png"
        )
        phase.statuses[status] += 1
        if status == 200:
            phase.good.append(time.monotonic() - begin)
            if hashlib.sha256(body).hexdigest() != self.expected[i]:
                phase.problems.append("a wrong answer to a valid picture")
        else:
            check_refusal(phase, "valid", status, body)

    async def hostile(self, phase: Phase, name: str, kind: Kind) -> None:
        status, body = await kind(self.target)
        phase.statuses[status] += 1
        if 200 <= status < 400:
            phase.problems.append(f"{name}: status {status}")
        else:
            check_refusal(phase, name, status, body)

    async def closed(self, name: str, seconds: float, clients: int) -> Phase:
        """Each client sends its next valid picture when it has the answer to the last."""
        phase, begin = Phase(name), time.monotonic()

        async def client() -> None:
            while time.monotonic() - begin < seconds:
                await self.valid(phase)

        await asyncio.gather(*(client() for _ in range(clients)))
        phase.seconds = time.monotonic() - begin
        return phase

    async def mixed(self, name: str, seconds: float, rate: float, share: float) -> Phase:
        """Sends `rate` requests a second, whatever the server does; a `share` are hostile."""
        phase, begin = Phase(name), time.monotonic()
        kinds = list(hostile_kinds(self.pictures[0]).items())
        weights = [_RARE_WEIGHT if name in RARE else 1.0 for name, _ in kinds]
        tasks: set[asyncio.Task] = set()
        due = begin
        holders = [self._holder(seconds) for _ in range(24)] if share else []
        while (now := time.monotonic()) < begin + seconds:
            if now < due:
                await asyncio.sleep(due - now)
            if random.random() < share:
                task = asyncio.ensure_future(
                    self.hostile(phase, *random.choices(kinds, weights)[0])
                )
            else:
                task = asyncio.ensure_future(self.valid(phase))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            due += random.expovariate(rate)
        phase.seconds = time.monotonic() - begin
        answered = len(phase.good)
        await asyncio.gather(*tasks)
        del phase.good[answered:]  # Answers after the end belong to no second of the phase.
        for holder in holders:
            holder.cancel()
        return phase

    def _holder(self, seconds: float) -> asyncio.Task:
        starts = (
            b"",
            b"POST /segm",
            b"POST /segment HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
        )

        async def again() -> None:
            while True:
                await hold(self.target, random.choice(starts), seconds)
                await asyncio.sleep(0.5)

        return asyncio.ensure_future(again())

    async def small(self, count: int) -> Phase:
        """Many requests that need no model."""
        phase, begin = Phase("small"), time.monotonic()

        async def client(mine: int) -> None:
            for _ in range(mine):
                start = time.monotonic()
                status, body = await self.target.send("GET", "/v2/health/ready")
                phase.statuses[status] += 1
                if status == 200:
                    phase.good.append(time.monotonic() - start)
                else:
                    check_refusal(phase, "small", status, body)

        await asyncio.gather(*(client(count // 8) for _ in range(8)))
        phase.seconds = time.monotonic() - begin
        return phase


def check_refusal(phase: Phase, name: str, status: int, body: bytes) -> None:
    """A refusal is a status from 400 to 599 with one sentence that names no path."""
    if status == DROPPED:
        phase.problems.append(f"{name}: no answer ({body.decode()})")
        return
    try:
        sentence = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        phase.problems.append(f"{name}: status {status} without a sentence: {body[:80]!r}")
        return
    if not 400 <= status < 600 or _SECRETS.search(sentence) or not 5 < len(sentence) < 300:
        phase.problems.append(f"{name}: status {status}, {sentence[:120]!r}")


def megabytes(pid: int) -> float:
    """Memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def watch_memory(pid: int, samples: list[float]) -> None:
    while True:
        samples.append(megabytes(pid))
        await asyncio.sleep(1.0)


# ---- The whole run -------------------------------------------------------------------------------
async def measure(
    url: str,
    pid: int,
    seconds: float,
    size: tuple[int, int],
    small: int = SMALL_REQUESTS,
    short: float | None = None,
) -> tuple[list[Phase], list[float]]:
    """Runs all phases; returns them, and the memory in MB at each second of the phase 4x.

    Args:
      url: address of the server.
      pid: its process.
      seconds: of the phase 4x.
      size: height and width of the valid pictures.
      small: number of requests that need no model.
      short: seconds of the phases before; None for a sixth, 3 to 30.
    """
    load = Load(Target(url), make_pictures(4, *size))
    await load.learn()
    short = short or max(3.0, min(30.0, seconds / 6))
    full = await load.closed("capacity", short, clients=8)
    rate = min(MOST_RATE / 4, full.goodput)
    once = await load.mixed("1x", short, rate, share=0.0)
    samples: list[float] = []
    watcher = asyncio.ensure_future(watch_memory(pid, samples))
    # A third is hostile, so six times as many requests have four times as many valid ones.
    four = await load.mixed("4x", seconds, 6 * rate, share=1 / 3)
    watcher.cancel()
    phases = [full, once, four]
    phases.append(await load.small(small))
    after = await load.closed("after", short / 2, clients=2)
    return [*phases, after], samples


def judge(phases: list[Phase], samples: list[float]) -> list[str]:
    """Returns what is wrong; empty if nothing is."""
    counted = collections.Counter(text for phase in phases for text in phase.problems)
    problems = [f"{n} x {text}" for text, n in counted.items()]
    once, four = phases[1], phases[2]
    if four.goodput < 0.9 * once.goodput:
        problems.append(f"good/s at 4x is {four.goodput:.1f}, at 1x {once.goodput:.1f}")
    first = min(60, len(samples) // 3)
    before, later = max(samples[: first + 1]), max(samples[first:])
    if later > 1.1 * before + 30:
        problems.append(f"memory grew from {before:.0f} MB to {later:.0f} MB")
    return problems


def start_server(model: str, folder: str) -> tuple[subprocess.Popen, str]:
    """Starts `maskconver serve`; returns the process and its address.

    Each picture runs alone, so that answers can be compared to the last byte.
    """
    token = Path(folder, "token")
    token.write_text(TOKEN, encoding="ascii")
    options = ["--model", model, "--port", "0", "--token_file", str(token), "--no_access_log"]
    options += ["--batch_sizes", "1"]
    code = "from maskconver_tf.cli.main import run; run()"
    command = [sys.executable, "-c", code, "serve", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    for line in process.stdout:
        if match := re.search(r"served at (http://\S+);", line):
            return process, match[1]
    sys.exit("the server did not start")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="an export, or a run")
    parser.add_argument("--seconds", type=float, default=600, help="of the phase 4x (default: 600)")
    parser.add_argument("--size", type=int, nargs=2, default=(1000, 1500), metavar=("H", "W"))
    args = parser.parse_args()
    if not 5 <= args.seconds <= LONGEST:
        parser.error(f"--seconds {args.seconds}: expected 5 to {LONGEST}")
    with tempfile.TemporaryDirectory() as folder:
        process, url = start_server(args.model, folder)
        try:
            phases, samples = asyncio.run(measure(url, process.pid, args.seconds, tuple(args.size)))
            ended = process.poll()
        finally:
            process.terminate()
            status = process.wait(60)
    print(HEADER, *(phase.row() for phase in phases), sep="\n")
    print(f"memory at 4x: {samples[0]:.0f} MB at first, at most {max(samples):.0f} MB")
    problems = judge(phases, samples)
    problems += [f"the server ended with status {ended}"] * (ended is not None)
    problems += [f"status {status} after SIGTERM"] * (status != 0)
    print("\n".join(problems) or "nothing went wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
