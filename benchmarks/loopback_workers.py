"""Trains with 1, 2, 4, ... processes on this machine and compares their weights and their speed.

    python benchmarks/loopback_workers.py --data DATASET_FOLDER [--workers 2,4] [--kill]

Each trains the same steps from the same seed in float32 by SGD, with the same joint batch. `--kill`
ends one worker in the middle by SIGKILL, waits until the others have stopped asking to be started
again, and starts all anew. On one machine more workers are no faster: the figure says what talking
over loopback costs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

STEPS = 8
SETTINGS = [
    f"train.total_steps={STEPS}",
    "train.steps_per_loop=2",
    "train.checkpoint_interval=2",
    "train.eval_interval=4",
    "TrainingInput.batch_size=4",
    "make_optimizer.name='sgd'",
    "make_optimizer.learning_rate=0.01",
    "make_optimizer.warmup_steps=0",
    "resnet.freeze_batch_norm=True",
    "train.seed=1",
]


def start(
    data: str, model_dir: Path, settings: list[str], count: int = 1
) -> list[subprocess.Popen]:
    """`maskconver train` in `count` processes that train together."""
    gin_file = Path(__file__).parents[1] / "tests/e2e/tiny.gin"
    strategy = "cpu" if count == 1 else "multi_worker"
    arguments = ["train", "--gin_file", str(gin_file), "--model_dir", str(model_dir)]
    settings = [f"TRAIN_DATA={data!r}", f"EVAL_DATA={data!r}", *SETTINGS, *settings]
    arguments += [f"--gin.{one}" for one in [*settings, f"train.strategy={strategy!r}"]]
    code = f"import sys; from maskconver_tf import cli; sys.exit(cli.main({arguments!r}))"
    hosts = [f"localhost:{port}" for port in _free_ports(count)]
    processes = []
    for index in range(count):
        task = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
        environ = os.environ | ({"TF_CONFIG": json.dumps(task)} if count > 1 else {})
        processes.append(subprocess.Popen([sys.executable, "-c", code], env=environ))
    return processes


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def weights(model_dir: Path, step: int = STEPS) -> dict[str, np.ndarray]:
    """The model's variables in the checkpoint of a step."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(model_dir / "checkpoints" / f"ckpt-{step}"))
    names = [n for n in reader.get_variable_to_shape_map() if n.startswith("model/")]
    return {name: reader.get_tensor(name) for name in names}


def largest_difference(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """Largest absolute difference of any weight."""
    assert one.keys() == other.keys()
    return max(float(np.max(np.abs(one[name] - other[name]))) for name in one)


def train(data: str, model_dir: Path, count: int, settings: list[str], kill: bool) -> float:
    """Trains to the end; returns the seconds it took."""
    begun = time.monotonic()
    processes = start(data, model_dir, settings, count)
    if kill:
        while not (model_dir / "checkpoints" / "ckpt-2.index").exists():
            time.sleep(0.02)
        processes[-1].send_signal(signal.SIGKILL)
        codes = [process.wait(timeout=300) for process in processes]
        print(f"  killed the last of {count}; exit codes {codes}")
        assert set(codes[:-1]) <= {75, 143}, "the others did not ask to be started again"
        processes = start(data, model_dir, settings, count)
    codes = [process.wait(timeout=600) for process in processes]
    assert codes == [0] * count, codes
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="dataset folder")
    parser.add_argument("--workers", default="2,4", help="process counts, beside 1")
    parser.add_argument("--kill", action="store_true", help="kill a worker and start again")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for count in [1, *map(int, args.workers.split(","))]:
            model_dir = Path(folder) / str(count)
            seconds = train(args.data, model_dir, count, [], args.kill and count > 1)
            found[count] = weights(model_dir)
            difference = largest_difference(found[1], found[count])
            score = json.loads((model_dir / "best" / "score.json").read_text())
            print(
                f"{count} workers: {seconds:.0f} s, weights differ by {difference:.1e} at most, "
                f"best PQ {score['pq']:.3f}"
            )


if __name__ == "__main__":
    main()
