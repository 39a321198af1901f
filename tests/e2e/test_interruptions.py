"""Interruptions of a run: kills, signals, full disks and lost connections lose no progress."""

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
from maskconver_tf.training.step import TrainingStep

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
QUICK = [
    "PanopticTask.eval_input=None",
    "MaskConver.center_levels=(3,)",
    "TargetBuilder.level_bounds=()",
]
QUICK += ["make_optimizer.name='sgd'", "make_optimizer.clip_norm=None"]
"""Settings with few operations to trace."""
SHORT = [
    *QUICK,
    "RunLength.total_steps=4",
    "RunLength.steps_per_loop=1",
    "Saving.checkpoint_interval=1",
]
ENDLESS = [*QUICK, "RunLength.total_steps=100000", "RunLength.steps_per_loop=2"]
ENDLESS += ["Saving.checkpoint_interval=100000"]


def _run(script: str, *options: str) -> str:
    """Runs a script of benchmarks/ and returns its output. The script fails if a result differs."""
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *options],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


def test_kills_truncated_checkpoints_and_failed_writes_change_no_weight(dataset):
    options = ["--data", str(dataset), "--kills", "3", "--steps", "36"]
    printed = _run("random_kills.py", *options)
    for count in range(1, 4):
        assert f"kill {count} at step " in printed
    for what in ("cut short", "full disk: ", "no rights: ", " 0 differ"):
        assert what in printed


def test_two_workers_train_the_weights_of_one_although_one_is_killed(dataset):
    options = ["--data", str(dataset), "--workers", "2", "--kill", "--size", "64,96"]
    printed = _run("loopback_workers.py", *options)
    assert "killed the last of 2; exit codes [75, -9]" in printed
    assert "2 workers: weights differ by " in printed


def test_a_second_training_in_the_folder_is_refused(tiny_arguments, tmp_path, capsys):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    with run.lock():
        assert main(tiny_arguments(run.path)) == 2
    message = capsys.readouterr().err
    assert f"{run.path}: another process is training in this folder. Wait until" in message
    assert not run.config.exists()


def test_ctrl_c_saves(tiny_arguments, tmp_path, capsys):
    """Without the signal nothing is saved between the first loop and the end."""
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
    assert saved > 2 and f"saved at step {saved}." in message


def test_a_full_disk_is_one_message(tiny_arguments, small_disk, capsys):
    run = small_disk / "run"
    assert main(tiny_arguments(run, *SHORT)) == 2
    (message,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("maskconver: ")]
    assert "cannot be written (" in message and "No space left on device" in message
    assert "free space" in message and "Nothing was saved before" in message


@pytest.fixture
def small_disk(tmp_path):
    """A disk that is too small for a checkpoint."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_lost_connection_asks_for_a_restart(tiny_arguments, tmp_path, monkeypatch, capsys):
    end = TrainingStep.train_loop_end

    def lose_after_two(step: TrainingStep) -> dict:
        if step.steps_done > 2:
            raise tf.errors.UnavailableError(None, None, "failed to connect to the bucket")
        return end(step)

    monkeypatch.setattr(TrainingStep, "train_loop_end", lose_after_two)
    run = tmp_path / "run"
    assert main(tiny_arguments(run, *SHORT)) == 75
    message = capsys.readouterr().err
    assert "maskconver: a connection was lost (failed to connect to the bucket). Start" in message
    assert tf.train.latest_checkpoint(str(run / "checkpoints")).endswith("ckpt-2")
