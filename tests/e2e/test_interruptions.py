"""What ends a run before its end, and that nothing is lost by it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import tensorflow as tf

from maskconver_tf.cli.main import main
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.step import Trainer

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
QUICK = ["train.eval_input=None", "MaskConver.center_levels=(3,)", "TargetBuilder.level_bounds=()"]
QUICK += ["make_optimizer.name='sgd'", "make_optimizer.clip_norm=None"]
"""What is least to trace."""
SHORT = [*QUICK, "train.total_steps=4", "train.steps_per_loop=1", "train.checkpoint_interval=1"]
ENDLESS = [*QUICK, "train.total_steps=100000", "train.steps_per_loop=2"]
ENDLESS += ["train.checkpoint_interval=100000"]


def _run(script: str, *options: str) -> str:
    """What a script of benchmarks/ prints; it fails where what it compares differs."""
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *options],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


def test_kills_a_cut_checkpoint_a_full_disk_and_missing_rights_change_no_weight(dataset):
    options = ["--data", str(dataset), "--kills", "4", "--steps", "48"]
    printed = _run("random_kills.py", *options)
    for count in range(1, 5):
        assert f"kill {count} at step " in printed
    for what in ("cut short", "full disk: ", "no rights: ", " 0 differ"):
        assert what in printed


def test_two_workers_of_which_one_dies_and_returns_train_the_weights_of_one(dataset):
    options = ["--data", str(dataset), "--workers", "2", "--kill", "--size", "64,96"]
    printed = _run("loopback_workers.py", *options)
    assert "killed the last of 2; exit codes [75, -9]" in printed
    assert "2 workers: weights differ by " in printed


def test_a_second_terminal_is_refused(tiny_arguments, tmp_path, capsys):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    with run.locked():
        assert main(tiny_arguments(run.path)) == 2
    message = capsys.readouterr().err
    assert f"{run.path}: another process is training in this folder; wait for it or" in message
    assert not run.config.exists()


def test_ctrl_c_saves(tiny_arguments, tmp_path, capsys):
    """After the first loop nothing else would have been saved before the end."""
    run, over = tmp_path / "run", threading.Event()

    def interrupt() -> None:
        while not over.wait(0.05):
            if (run / "checkpoints" / "ckpt-2.index").exists():
                os.kill(os.getpid(), signal.SIGINT)
                return

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        assert main(tiny_arguments(run, *ENDLESS)) == 130
    finally:
        over.set()
        thread.join()
    message = capsys.readouterr().err
    assert "maskconver: stopped by SIGINT and saved at step " in message
    saved = int(tf.train.latest_checkpoint(str(run / "checkpoints")).rpartition("-")[2])
    assert saved > 2 and f"saved at step {saved};" in message


def test_a_full_disk_is_one_message(tiny_arguments, small_disk, capsys):
    run = small_disk / "run"
    assert main(tiny_arguments(run, *SHORT)) == 2
    (message,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("maskconver: ")]
    assert "cannot be written (" in message and "No space left on device" in message
    assert "free space" in message and "Nothing was saved before." in message


@pytest.fixture
def small_disk(tmp_path):
    """A disk that a checkpoint does not fit on."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk takes root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_lost_network_asks_to_be_started_again(tiny_arguments, tmp_path, monkeypatch, capsys):
    end = Trainer.train_loop_end

    def lose_after_two(trainer: Trainer) -> dict:
        if trainer.step > 2:
            raise tf.errors.UnavailableError(None, None, "failed to connect to the bucket")
        return end(trainer)

    monkeypatch.setattr(Trainer, "train_loop_end", lose_after_two)
    run = tmp_path / "run"
    assert main(tiny_arguments(run, *SHORT)) == 75
    message = capsys.readouterr().err
    assert "maskconver: a connection was lost (failed to connect to the bucket); start" in message
    assert tf.train.latest_checkpoint(str(run / "checkpoints")).endswith("ckpt-2")
