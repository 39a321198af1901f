"""Trains with 1, 2, 4, ... processes on this machine and compares their weights and their speed.

    python benchmarks/loopback_workers.py --data DATASET_FOLDER [--workers 2,4] [--kill]

Each run trains the same steps from the same seed in float32 with SGD, with the same total batch.
All runs must end with the same weights, to 1e-5. `--kill` ends one worker with SIGKILL in the
middle of training. The others must then stop with an exit code that asks for a restart, and the
script starts all of them again.

Each worker gets its own processor core while there are enough. Images per second then show the gain
of a second worker. With fewer cores, workers share them, and the speed shows the cost of
communication over loopback.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

TOLERANCE = 1e-5
TINY = Path(__file__).parents[1] / "tests/e2e/tiny.gin"
SETTINGS = [
    "RunLength.steps_per_loop=2",
    "Saving.checkpoint_interval=2",
    "TrainingInput.batch_size=8",
    "make_optimizer.name='sgd'",
    "make_optimizer.learning_rate=0.01",
    "make_optimizer.warmup_steps=0",
    "resnet.freeze_batch_norm=True",
    "train.seed=1",
]


def start(options: list[str], model_dir: Path, count: int) -> list[subprocess.Popen]:
    """Starts `maskconver train OPTIONS` in `count` processes that train together."""
    strategy = "cpu" if count == 1 else "multi_worker"
    arguments = ["train", "--gin_file", str(TINY), "--model_dir", str(model_dir)]
    arguments += [*options, f"--gin.Compute.strategy={strategy!r}"]
    hosts = [f"localhost:{port}" for port in _free_ports(count)]
    cores = sorted(os.sched_getaffinity(0))
    processes = []
    for index in range(count):
        program = f"import os, sys; os.sched_setaffinity(0, [{cores[index % len(cores)]}]); "
        program += f"from maskconver_tf.cli.main import main; sys.exit(main({arguments!r}))"
        task = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
        environ = os.environ | ({"TF_CONFIG": json.dumps(task)} if count > 1 else {})
        processes.append(subprocess.Popen([sys.executable, "-c", program], env=environ))
    return processes


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def train(options: list[str], model_dir: Path, count: int, kill: bool) -> None:
    """Trains to the end; with `kill`, after killing a worker and starting all of them again."""
    with started(options, model_dir, count) as processes:
        if kill:
            while not (model_dir / "checkpoints" / "ckpt-2.index").exists():
                assert processes[-1].poll() is None, (
                    "training ended before it could be killed; give more --steps"
                )
                time.sleep(0.02)
            processes[-1].send_signal(signal.SIGKILL)
        codes = [process.wait(timeout=900) for process in processes]
    if kill:
        print(f"  killed the last of {count}; exit codes {codes}")
        assert set(codes[:-1]) <= {75, 143}, "the other workers did not ask for a restart"
        train(options, model_dir, count, kill=False)
    else:
        assert codes == [0] * count, codes


@contextlib.contextmanager
def started(options: list[str], model_dir: Path, count: int) -> Iterator[list[subprocess.Popen]]:
    """The processes of `start`. All of them are killed when the block ends."""
    processes = start(options, model_dir, count)
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()


# ---- Results -------------------------------------------------------------------------------------
def weights(model_dir: Path) -> dict[str, np.ndarray]:
    """The model's variables in the newest checkpoint."""
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(model_dir / "checkpoints")))
    names = [n for n in reader.get_variable_to_shape_map() if n.startswith("model/")]
    return {name: reader.get_tensor(name) for name in names}


def largest_difference(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """The largest absolute difference of any weight."""
    assert one.keys() == other.keys()
    return max(float(np.max(np.abs(one[name] - other[name]))) for name in one)


def images_per_second(model_dir: Path) -> float:
    """The median over loops of steps. The slow first loop, which traces, hardly changes it."""
    found = []
    for path in (model_dir / "summaries").glob("events*"):
        for record in tf.data.TFRecordDataset(str(path)):
            for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
                if value.tag == "examples_per_second":
                    found.append(float(tf.make_ndarray(value.tensor)))
    return statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="dataset folder")
    parser.add_argument("--workers", default="2,4", help="numbers of processes to compare with 1")
    parser.add_argument("--kill", action="store_true", help="kill a worker and start all again")
    parser.add_argument("--steps", type=int, default=12, help="number of steps, even")
    parser.add_argument("--size", default="128,192", help="height and width of the input")
    args = parser.parse_args()
    options = ["--train_data", args.data, "--eval_data", args.data, "--input_size", args.size]
    options += ["--total_steps", str(args.steps), *(f"--gin.{one}" for one in SETTINGS)]
    found, speeds = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for count in [1, *map(int, args.workers.split(","))]:
            model_dir = Path(folder) / str(count)
            train(options, model_dir, count, args.kill and count > 1)
            found[count], speeds[count] = weights(model_dir), images_per_second(model_dir)
            difference = largest_difference(found[1], found[count])
            print(
                f"{count} workers: weights differ by {difference:.1e} at most, "
                f"{speeds[count]:.1f} images/s, {speeds[count] / speeds[1]:.2f} times that of 1",
                flush=True,
            )
            if difference > TOLERANCE:
                sys.exit(f"expected the weights of one worker, to {TOLERANCE:.0e}")


if __name__ == "__main__":
    main()
