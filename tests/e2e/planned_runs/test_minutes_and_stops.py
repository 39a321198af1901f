"""A training of minutes in a process of its own: it stops, keeps its folder, and goes on."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maskconver_tf.cli.main import main
from tests.e2e.test_interruptions import QUICK

SETTINGS = [*QUICK, "RunLength.steps_per_loop=20", "Saving.checkpoint_interval=100000"]


def wait_for(condition, process: subprocess.Popen, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.02)


def is_claimed(run: Path) -> bool:
    with open(run / ".lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.fixture(scope="module")
def stopped(tiny_arguments, tmp_path_factory) -> tuple[Path, str, int, float, bool]:
    """The folder of a run that SIGTERM stopped, its last line, its exit status, the seconds from
    that line to the end of the process, and whether the folder was claimed at the line."""
    run = tmp_path_factory.mktemp("stopped") / "run"
    code = "from maskconver_tf.cli.main import run; run()"
    argv = [*tiny_arguments(run, *SETTINGS), "--minutes", "10"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *argv], stderr=subprocess.PIPE, text=True, bufsize=1
    )
    with process:
        wait_for(lambda: (run / "plan.json").is_file(), process)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "stopped by" in line:
                break
        said, was_claimed = time.monotonic(), process.poll() is not None or is_claimed(run)
        lines += process.stderr.readlines()
        status = process.wait(timeout=60)
    return run, lines[-1], status, time.monotonic() - said, was_claimed


def test_the_message_comes_last_and_the_process_ends_with_it(stopped):
    run, last, status, seconds, was_claimed = stopped
    assert last.startswith("maskconver: stopped by SIGTERM and saved at step ")
    assert status == 75
    assert seconds < 5
    assert was_claimed
    assert not is_claimed(run)


def test_a_run_goes_on_for_the_rest_of_its_minutes(stopped, tiny_arguments):
    run = stopped[0]
    before = json.loads((run / "plan.json").read_text())
    step, used = before["used"]
    assert before["seconds"] == 600 and used > 0.5
    assert f"saved at step {step}." in stopped[1]
    minutes = (used + 6) / 60
    begun = time.monotonic()
    assert main([*tiny_arguments(run, *SETTINGS), "--minutes", f"{minutes:.4f}"]) == 0
    assert time.monotonic() - begun > 5
    after = json.loads((run / "plan.json").read_text())
    assert after["used"][0] > step
    assert after["used"][1] == pytest.approx(used + 6, rel=0.2)
    assert after["segments"][-1]["last_step"] == after["used"][0]
    assert os.path.exists(run / "checkpoints" / f"ckpt-{after['used'][0]}.index")


def test_the_same_numbers_need_steps(tiny_arguments, tmp_path, capsys):
    settings = [*SETTINGS, "Compute.deterministic=True"]
    assert main([*tiny_arguments(tmp_path / "run", *settings), "--minutes", "1"]) == 2
    message = capsys.readouterr().err
    assert "RunLength.minutes = 1: found Compute.deterministic = True" in message
    assert "Give --total_steps" in message
