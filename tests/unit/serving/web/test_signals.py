"""SIGTERM ends the process in time and with status 0, after what was accepted is answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from tests.unit.serving.fake_model import picture

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_after_its_answers(tmp_path, number):
    script = Path(__file__).with_name("serve_fake.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "exported"), "0.6"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    url = process.stdout.readline().strip()
    answers = []

    def ask() -> None:
        with urllib.request.urlopen(f"{url}/segment", picture(), timeout=20) as answer:
            answers.append(answer.status)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    begin = time.monotonic()
    process.send_signal(number)
    for thread in threads:
        thread.join()
    rest, errors = process.communicate(timeout=20)
    assert answers == [200] * 3 and rest == "ended\n" and process.returncode == 0, errors
    assert "Traceback" not in errors and time.monotonic() - begin < 8
