"""The server keeps what its own OpenAPI document says, also for requests that nobody wrote.

By hand, longer: `schemathesis run http://127.0.0.1:8501/openapi.json --max-examples 100`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from maskconver_tf.serving.settings import ServerSettings
from maskconver_tf.serving.web.server import ModelServer
from tests.unit.serving.fake_model import FakeModel, fake_version, make_versions

OPTIONS = ["--max-examples=2", "--generation-database=none", "--no-color", "--seed=1"]
"""Few examples, so that both phases together take about ten seconds."""


def test_schemathesis_finds_nothing(tmp_path):
    model = FakeModel()
    folder = make_versions(tmp_path / "versions", 1)
    settings = ServerSettings(port=0, access_log=False)
    server = ModelServer(folder, settings, lambda path, number: fake_version(number, model))
    # Addresses of versions have the same functions, so they are left out.
    options = ["--phases=coverage,fuzzing", "--exclude-path-regex=versions", *OPTIONS]
    with server.running() as url:
        done = _schemathesis(f"{url}/openapi.json", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Coverage (in " in done.stdout
    assert "Fuzzing (in " in done.stdout


def test_schemathesis_finds_a_server_that_breaks_its_document(tmp_path):
    model = FakeModel()
    model.error = RuntimeError("a mistake")
    folder = make_versions(tmp_path / "versions", 1)
    settings = ServerSettings(port=0, access_log=False)
    server = ModelServer(folder, settings, lambda path, number: fake_version(number, model))
    with server.running() as url:
        options = ["--include-path=/segment", "--phases=fuzzing", *OPTIONS]
        done = _schemathesis(f"{url}/openapi.json", *options, cwd=tmp_path)
    assert done.returncode == 1
    assert "Server error" in done.stdout


def _schemathesis(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("schemathesis")
    return subprocess.run(
        [program, "run", *arguments], capture_output=True, text=True, cwd=cwd, timeout=200
    )
