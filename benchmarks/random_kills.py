"""Kills a training at random moments and compares what it ends in with one that was never killed.

    python benchmarks/random_kills.py --data DATASET_FOLDER [--kills 25] [--seed 0]

Every step is a checkpoint, so that many kills fall into the writing of one. After each fourth kill
the newest checkpoint is cut short besides, as a disk that lost power might leave it. The weights,
moving averages and optimizer's moments of both runs must be the same, bit for bit, on one device.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

STEPS = 400


def start(data: str, model_dir: Path) -> subprocess.Popen:
    """`maskconver train` in a process of its own."""
    gin_file = Path(__file__).parents[1] / "tests/e2e/tiny.gin"
    settings = [f"TRAIN_DATA={data!r}", f"EVAL_DATA={data!r}", f"train.total_steps={STEPS}"]
    settings += ["train.steps_per_loop=1", "train.checkpoint_interval=1", "train.eval_input=None"]
    settings += ["train.deterministic=True", "train.strategy='cpu'"]
    arguments = ["train", "--gin_file", str(gin_file), "--model_dir", str(model_dir)]
    arguments += [f"--gin.{one}" for one in settings]
    code = f"import sys; from maskconver_tf import cli; sys.exit(cli.main({arguments!r}))"
    with open(f"{model_dir}.log", "a", encoding="utf-8") as log:
        return subprocess.Popen([sys.executable, "-c", code], stderr=log, env=dict(os.environ))


def newest_step(model_dir: Path) -> int:
    """Of the checkpoints that are there; 0 for none."""
    found = (model_dir / "checkpoints").glob("ckpt-*.index")
    return max((int(path.stem.rpartition("-")[2]) for path in found), default=0)


def kill_at_random(process: subprocess.Popen, model_dir: Path, dice: random.Random) -> bool:
    """Ends the process some steps from now; False if it came to its end before."""
    begun = newest_step(model_dir)
    while newest_step(model_dir) <= begun and process.poll() is None:
        time.sleep(0.005)
    time.sleep(dice.uniform(0, 0.5))
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def cut_newest(model_dir: Path) -> str | None:
    """Halves the data of the newest checkpoint, if there is another to go back to."""
    files = list((model_dir / "checkpoints").glob("ckpt-*.data-*"))
    if len(files) < 2:
        return None
    path = max(files, key=lambda file: int(file.name.partition(".")[0].rpartition("-")[2]))
    os.truncate(path, path.stat().st_size // 2)
    return path.name


def state(model_dir: Path) -> dict[str, np.ndarray]:
    """All that the last checkpoint holds of numbers."""
    reader = tf.train.load_checkpoint(str(model_dir / "checkpoints" / f"ckpt-{STEPS}"))
    skipped = ("_CHECKPOINTABLE", "OBJECT_GRAPH", "save_counter")
    names = reader.get_variable_to_shape_map()
    return {n: reader.get_tensor(n) for n in names if not any(s in n for s in skipped)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="dataset folder")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder) / "whole", Path(folder) / "killed"
        assert start(args.data, whole).wait() == 0
        for count in range(1, args.kills + 1):
            if not kill_at_random(start(args.data, killed), killed, dice):
                print(f"came to its end before kill {count}; raise STEPS")
                break
            cut = cut_newest(killed) if count % 4 == 0 else None
            print(f"kill {count} at step {newest_step(killed)}" + (f", {cut} cut" if cut else ""))
        assert start(args.data, killed).wait() == 0
        expected, found = state(whole), state(killed)
        assert expected.keys() == found.keys()
        different = [n for n in expected if not np.array_equal(expected[n], found[n])]
        print(Path(f"{killed}.log").read_text().count("damaged"), "damaged checkpoints left out")
        print(f"{len(expected)} arrays, {len(different)} differ {different[:3]}")
        sys.exit(bool(different))


if __name__ == "__main__":
    main()
