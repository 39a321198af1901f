"""Times models from the bytes of a picture file to a finished panoptic map, one picture at a time.

    python benchmarks/inference.py --models mobile_256,resnet50 --runtimes graph,litert_int8

Weights are random, but the same in all runtimes of a model. The heatmap's last kernel is scaled so
that logits have a standard deviation of 2, and the score threshold leaves 20 proposals. Nothing
else drops proposals. Each runtime has its own process. The processes of a model answer in turns of
half a second, so all of them see the same load of the machine, and ratios come from one run.

Stages: *decode* makes the model's input from the file, *network* makes proposals from it, and
*fusion* makes the map at the picture's size. A SavedModel and a whole LiteRT file cannot be stopped
between stages, so their stages are differences of calls that do more and more;
`inference_worker.py` says which. Processor time is the sum over all threads: other programs change
it less. Memory is the largest resident set of the process while it answers.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("inference_worker.py")
MODELS = {
    "mobile_256": ("experiments/mobilenet_256.gin", ()),
    "mobile_640": ("experiments/mobilenet_640.gin", ()),
    "resnet50": ("experiments/paper/panoptic_resnet50.gin", ("INPUT_SIZE=(640, 640)",)),
    "demo": ("experiments/demo.gin", ()),
}
"""Name -> Gin file and bindings."""
RUNTIMES = {
    "graph": "TensorFlow graph",
    "frozen": "TensorFlow graph, weights as constants",
    "xla": "TensorFlow graph, network compiled with XLA",
    "bfloat16": "TensorFlow graph, network in bfloat16",
    "saved_model": "SavedModel",
    "litert_float32": "LiteRT float32",
    "litert_int8": "LiteRT int8",
    "openvino": "OpenVINO, the SavedModel as it is",
}
DEFAULT_RUNTIMES = tuple(name for name in RUNTIMES if name != "xla")
STAGES = ("decode", "network", "fusion")
BASE = "graph"
"""Ratios are to this runtime."""
_TURN_SECONDS = 0.5


def main() -> None:
    args = parse_arguments(sys.argv[1:])
    results = []
    for model in args.models:
        with tempfile.TemporaryDirectory() as folder:
            results += measure_model(model, args, Path(folder))
        if args.out:  # After each model, so that a stop loses only the one at work.
            Path(args.out).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print("\n" + format_table(results))


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, known, default in (
        ("models", MODELS, tuple(MODELS)),
        ("runtimes", RUNTIMES, DEFAULT_RUNTIMES),
    ):
        parser.add_argument(
            f"--{name}",
            type=lambda text, known=known: names_in(text, known),
            default=default,
            metavar="NAME,NAME,...",
            help=f"some of {', '.join(known)} (default: {', '.join(default)})",
        )
    parser.add_argument(
        "--seconds", type=positive, default=5.0, help="seconds for each runtime (default: 5)"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of LiteRT (default: 2)")
    parser.add_argument("--picture", help="picture file (default: a generated JPEG of 480x640)")
    parser.add_argument("--out", help="file for the results as JSON")
    return parser.parse_args(arguments)


def names_in(text: str, known: dict[str, Any]) -> tuple[str, ...]:
    """Parses names with commas between; each once, in their usual order."""
    names = {name.strip() for name in text.split(",")}
    if unknown := sorted(names - set(known)):
        raise argparse.ArgumentTypeError(
            f"{text}: found {unknown[0]!r}; expected some of {', '.join(known)}"
        )
    return tuple(name for name in known if name in names)


def positive(text: str) -> float:
    """Parses a number of seconds above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0, such as 5")
    return value


# ---- Measuring -----------------------------------------------------------------------------------
def measure_model(model: str, args: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Measures all runtimes of a model; returns a row for each."""
    say(f"{model}: makes weights and exports")
    gin_file, bindings = MODELS[model]
    plan = {
        "gin_file": gin_file,
        "bindings": bindings,
        "num_classes": 13 if model == "demo" else 133,
    }
    plan |= {"folder": str(folder), "threads": args.threads, "runtimes": args.runtimes}
    plan |= {"picture": args.picture and str(Path(args.picture).resolve())}
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    command = [sys.executable, WORKER, folder, "prepare"]
    done = subprocess.run(command, check=False, env=quiet(), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{model}: {done.stderr[-2000:]}")
    rows, running = [], {}
    with contextlib.ExitStack() as stack:
        for runtime in args.runtimes:
            row = {"model": model, "runtime": runtime, "samples": []}
            process = stack.enter_context(worker(folder, runtime))
            row |= first_answer(process)
            say(f"{model}, {RUNTIMES[runtime]}: " + row.get("skipped", "ready"))
            rows.append(row)
            if "skipped" not in row:
                running[runtime] = process, row
        take_turns(running, args.seconds)
        for process, row in running.values():
            row |= ask(process, "memory")
    return [summary(row) for row in rows]


def take_turns(running: dict[str, tuple], seconds: float) -> None:
    """Lets each process answer for half a second, in turns, until each had its seconds."""
    turns = max(2, round(seconds / _TURN_SECONDS))
    for turn in range(turns):
        for process, row in running.values() if turn % 2 else reversed(running.values()):
            row["samples"] += ask(process, f"run {_TURN_SECONDS}")["samples"]
        if (turn + 1) % 5 == 0 or turn + 1 == turns:
            say(f"  turn {turn + 1} of {turns}")


@contextlib.contextmanager
def worker(folder: Path, runtime: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, WORKER, folder, runtime]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=quiet()
    )
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def ask(process: subprocess.Popen, request: str) -> dict[str, Any]:
    process.stdin.write(request + "\n")
    process.stdin.flush()
    return answer_of(process)


def first_answer(process: subprocess.Popen) -> dict[str, Any]:
    """Like `answer_of`; a runtime whose process ends while it loads is skipped."""
    with contextlib.suppress(ProcessEnded):
        return answer_of(process)
    return {"skipped": f"its process ended with status {process.wait()} while it loaded"}


class ProcessEnded(SystemExit):
    """A process ended before it answered."""


def answer_of(process: subprocess.Popen) -> dict[str, Any]:
    """Reads the next answer of a process. Other lines are notes of libraries."""
    for line in process.stdout:
        if line.startswith("ANSWER "):
            return json.loads(line.removeprefix("ANSWER "))
    raise ProcessEnded(f"a process ended with status {process.wait()}; its message is above")


def quiet() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": paths}


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


# ---- Table ---------------------------------------------------------------------------------------
def summary(row: dict[str, Any]) -> dict[str, Any]:
    """Replaces the samples of a row by their medians.

    Args:
      row: has `samples`, a list of stage -> (seconds of the clock, seconds of all processors).

    Returns:
      The row with `runs`, and in milliseconds `clock` and `processor` of each stage and of `total`.
    """
    samples = row["samples"]
    rest = {name: value for name, value in row.items() if name != "samples"}
    if not samples:
        return rest
    for kind, index in (("clock", 0), ("processor", 1)):
        times = {stage: [1000 * sample[stage][index] for sample in samples] for stage in STAGES}
        times["total"] = [sum(values) for values in zip(*times.values(), strict=True)]
        rest[kind] = {name: statistics.median(values) for name, values in times.items()}
    return rest | {"runs": len(samples)}


def format_table(rows: list[dict[str, Any]]) -> str:
    """Makes a Markdown table of the rows that `summary` returns."""
    lines = [
        "| model | runtime | decode | network | fusion | total | processor time | to the graph | "
        "memory | segments |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    bases = {row["model"]: row for row in rows if row["runtime"] == BASE and "clock" in row}
    for row in rows:
        cells = [row["model"], RUNTIMES[row["runtime"]]]
        if "clock" in row:
            cells += [f"{row['clock'][name]:.1f} ms" for name in (*STAGES, "total")]
            cells += [f"{row['processor']['total']:.1f} ms", ratio(row, bases.get(row["model"]))]
            cells += [f"{row['megabytes']:.0f} MB", str(row["segments"])]
        else:
            cells += [f"skipped: {row['skipped']}"] + [""] * 7
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ratio(row: dict[str, Any], base: dict[str, Any] | None) -> str:
    """Total time of the clock and of the processors, each as a share of the base's."""
    if base is None:
        return "-"
    shares = [row[kind]["total"] / base[kind]["total"] for kind in ("clock", "processor")]
    return "{:.2f} ({:.2f})".format(*shares)


if __name__ == "__main__":
    main()
