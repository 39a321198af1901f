"""A short run of `benchmarks/serve_load.py`, with a model that only waits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SECONDS = 3.0


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import serve_load

    return serve_load


@pytest.fixture
def process(tmp_path, load):
    script = ROOT / "tests/unit/serving/web/serve_fake.py"
    arguments = [str(tmp_path / "exported"), "0.15", load.TOKEN]
    process = subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    yield process
    process.kill()


def test_four_times_the_load_with_hostile_requests(load, process):
    url = process.stdout.readline().strip()
    measured = load.measure(url, process.pid, SECONDS, (60, 90), small=400, short=1.0)
    with ThreadPoolExecutor() as pool:  # The tests of pages leave an event loop in this thread.
        phases, samples = pool.submit(asyncio.run, measured).result()
    full, once, four, small, after = phases
    # A busy machine may slow the server down, but nothing else may be wrong.
    rest = [text for text in load.judge(phases, samples) if not text.startswith("good/s")]
    assert rest == []
    assert process.poll() is None
    assert four.goodput > 0.5 * once.goodput > 0 and full.good and after.good
    refused = {status: count for status, count in four.statuses.items() if status != 200}
    assert {400, 401, 413, 415, 429} <= set(refused), refused
    assert small.statuses == {200: 400}
    process.terminate()
    assert process.wait(15) == 0


def test_the_judge_sees_what_is_wrong(load):
    def phase(good: int, **problems: int):
        found = load.Phase("x", 1.0, [0.1] * good)
        found.problems += [text for text, count in problems.items() for _ in range(count)]
        return found

    fine = [phase(10), phase(10), phase(9), phase(1), phase(1)]
    assert load.judge(fine, [100.0] * 9) == []
    assert load.judge([phase(10), phase(10), phase(8)], [100.0] * 9) == [
        "good/s at 4x is 8.0, at 1x 10.0"
    ]
    assert "memory grew" in load.judge(fine, [100.0] * 5 + [250.0] * 4)[0]
    assert load.judge([*fine[:2], phase(9, wrong=2)], [100.0] * 9) == ["2 x wrong"]


@pytest.mark.parametrize(
    ("status", "body", "is_fine"),
    [
        (413, b'{"error": "The body is larger than 5 bytes"}', True),
        (413, b'{"error": "/home/user/file.py is wrong"}', False),
        (500, b'{"error": "Traceback (most recent call last)"}', False),
        (400, b'{"error": "two\\nlines of text"}', False),
        (400, b"Bad Request", False),
        (302, b'{"error": "The body is larger"}', False),
        (0, b"", False),
    ],
)
def test_refusals_are_checked(load, status, body, is_fine):
    phase = load.Phase("x")
    load.check_refusal(phase, "name", status, body)
    assert (phase.problems == []) == is_fine
