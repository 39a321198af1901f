"""Kills a training at random moments and compares its result with a training that was never killed.

    python benchmarks/random_kills.py --data DATASET_FOLDER [--kills 25] [--steps 400] [--seed 0]

The training writes a checkpoint after every step, so many kills interrupt a write. Every second
kill waits for such a moment. After every third kill the script also truncates the newest
checkpoint, as a power failure might. After every eighth kill, and after the last, it starts the
training twice more: once on a full disk, and once without permission to write checkpoints. Each
time the training must stop with one message and leave the last good checkpoint unchanged.

At the end the weights, moving averages and optimizer moments must equal those of the undisturbed
training bit for bit, on one device.

TensorFlow is loaded once, in a process that forks the trainings.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from maskconver_tf.cli.main import main as maskconver

TINY = Path(__file__).parents[1] / "tests/e2e/tiny.gin"
QUICK = ["MaskConver.center_levels=(3,)", "TargetBuilder.level_bounds=()"]
QUICK += ["make_optimizer.name='sgd'", "make_optimizer.clip_norm=None"]
"""Settings with fewer operations. Each start traces them, which takes most of the time."""
forks = multiprocessing.get_context("forkserver")


class Run:
    """A training that is started several times.

    Args:
      data: dataset folder.
      model_dir: the run's folder; its log is beside it.
      steps: length of the run.
    """

    def __init__(self, data: str, model_dir: Path, steps: int):
        self.model_dir = model_dir
        self.steps = steps
        self.log = Path(f"{model_dir}.log")
        settings = ["RunLength.steps_per_loop=1", "Saving.checkpoint_interval=1"]
        settings += ["PanopticTask.eval_input=None", "Compute.deterministic=True"]
        settings += ["Compute.strategy='cpu'"]
        settings += ["ConvNeXtUNet.drop_path=0.2", *QUICK]
        self.arguments = ["train", "--gin_file", str(TINY), "--model_dir", str(model_dir)]
        self.arguments += ["--train_data", data, "--eval_data", data, "--total_steps", str(steps)]
        self.arguments += [f"--gin.{one}" for one in settings]

    def start(self, handicap: Callable[[], None] | None = None) -> multiprocessing.Process:
        """Starts the training in its own process, which calls `handicap` first."""
        process = forks.Process(target=run, args=(self.arguments, str(self.log), handicap))
        process.start()
        return process

    def newest_step(self) -> int:
        """The step of the newest checkpoint; 0 if there is none."""
        found = (self.model_dir / "checkpoints").glob("ckpt-*.index")
        return max((int(path.stem.rpartition("-")[2]) for path in found), default=0)

    def messages(self) -> list[str]:
        """The errors in the log."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line.startswith("maskconver: error: ")]

    def state(self) -> dict[str, np.ndarray]:
        """All arrays in the last checkpoint."""
        path = self.model_dir / "checkpoints" / f"ckpt-{self.steps}"
        reader = tf.train.load_checkpoint(str(path))
        skipped = ("_CHECKPOINTABLE", "OBJECT_GRAPH", "save_counter")
        names = reader.get_variable_to_shape_map()
        return {n: reader.get_tensor(n) for n in names if not any(s in n for s in skipped)}


def run(arguments: list[str], log: str, handicap: Callable[[], None] | None) -> None:
    """Runs `maskconver ARGUMENTS` in a process that was just forked."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(file, 2)
    if handicap:
        handicap()
    # Without this, each start spends seconds on optimizing its graphs.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    sys.exit(maskconver(arguments))


# ---- Disturbances --------------------------------------------------------------------------------
def kill(run: Run, dice: random.Random, in_writing: bool) -> None:
    """Starts the training and kills it some steps later."""
    begun, process = run.newest_step(), run.start()
    wait_until(lambda: run.newest_step() > begun, process)
    time.sleep(dice.uniform(0, 0.5))
    if in_writing:
        wait_until(lambda: is_writing(run.model_dir / "checkpoints"), process)
    process.kill()
    process.join()
    if process.exitcode != -signal.SIGKILL:
        tail = run.log.read_text(encoding="utf-8")[-1000:]
        sys.exit(f"ended with {process.exitcode} before it was killed; give more --steps? {tail}")


def wait_until(happened: Callable[[], bool], process: multiprocessing.Process) -> None:
    while not happened() and process.exitcode is None:
        time.sleep(0.0005)


def is_writing(checkpoints: Path) -> bool:
    """Whether there is a file of a checkpoint that is not yet complete."""
    return any("temp" in entry.name for entry in os.scandir(checkpoints))


def cut_newest(run: Run) -> str | None:
    """Cuts the data file of the newest checkpoint in half, if an older checkpoint exists."""
    files = list((run.model_dir / "checkpoints").glob("ckpt-*.data-*"))
    if len(files) < 2:
        return None
    path = max(files, key=lambda file: int(file.name.partition(".")[0].rpartition("-")[2]))
    os.truncate(path, path.stat().st_size // 2)
    return path.name


def full_disk() -> None:
    """Limits files to 100 kB, which is less than a checkpoint needs."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def no_rights() -> None:
    """Drops CAP_DAC_OVERRIDE, by which root may write everywhere. Other users do not have it."""
    system = ctypes.CDLL(None)
    header, capabilities = (ctypes.c_uint32 * 2)(0x20080522), (ctypes.c_uint32 * 6)()
    system.capget(header, capabilities)
    capabilities[0] &= ~(1 << 1)
    system.capset(header, capabilities)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


def refuse(run: Run, what: str, handicap: Callable[[], None]) -> None:
    """Starts the training where it cannot save. It must print one message and change nothing."""
    before, said = run.newest_step(), len(run.messages())
    process = run.start(handicap)
    process.join()
    messages = run.messages()[said:]
    assert process.exitcode == 2 and len(messages) == 1, (what, process.exitcode, messages)
    assert "cannot be written" in messages[0] and run.newest_step() == before, messages
    print(f"  {what}: {messages[0][:150]}")


def disturb(run: Run, kills: int, dice: random.Random) -> None:
    """Kills the training `kills` times, with the other disturbances in between."""
    for count in range(1, kills + 1):
        kill(run, dice, in_writing=count % 2 == 0)
        half = is_writing(run.model_dir / "checkpoints")
        cut = cut_newest(run) if count % 3 == 0 else None
        notes = ", a checkpoint half written" * half + f", {cut} cut short" * bool(cut)
        print(f"kill {count} at step {run.newest_step()}{notes}", flush=True)
        if count % 8 == 0 or count == kills:
            refuse(run, "full disk", full_disk)
            with read_only(run.model_dir / "checkpoints"):
                refuse(run, "no rights", no_rights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="dataset folder")
    parser.add_argument("--kills", type=int, default=25, help="number of kills")
    parser.add_argument("--steps", type=int, default=400, help="steps of the whole run")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    args = parser.parse_args()
    forks.set_forkserver_preload(["maskconver_tf.config.roots"])
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = (Run(args.data, Path(folder) / name, args.steps) for name in ("a", "b"))
        undisturbed = whole.start()
        disturb(killed, args.kills, random.Random(args.seed))
        for each, process in ((whole, undisturbed), (killed, killed.start())):
            process.join()
            assert process.exitcode == 0, each.log.read_text(encoding="utf-8")
        expected, found = whole.state(), killed.state()
        assert expected.keys() == found.keys()
        different = [n for n in expected if not np.array_equal(expected[n], found[n])]
        damaged = killed.log.read_text(encoding="utf-8").count("damaged")
    print(f"{damaged} damaged checkpoints skipped, {time.monotonic() - begun:.0f} s in all")
    print(f"{len(expected)} arrays, {len(different)} differ {different[:3]}")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
