"""probe.sh against a server that answers as TensorFlow Serving does."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading

import pytest

from tests.unit.launch.conftest import ROOT

PROBE = ROOT / "launch/serving/probe.sh"


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers a status request with the states of the server's versions."""

    def do_GET(self):
        known = self.path == "/v1/models/pets"
        body = self.server.body if known else b'{"error": "not found"}'
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def _states(*states: str, indent: int | None = 1) -> bytes:
    """TensorFlow Serving's form: versions with a state and a status, in several lines."""
    status = {"error_code": "OK", "error_message": 'said "AVAILABLE"'}
    versions = [
        {"version": str(i), "state": state, "status": status} for i, state in enumerate(states)
    ]
    return json.dumps({"model_version_status": versions}, indent=indent).encode()


def _ask(question: str, port: int, model: str = "pets") -> int:
    words = ["bash", PROBE, question, model, str(port)]
    return subprocess.run(words, capture_output=True, timeout=30).returncode


@pytest.mark.parametrize("indent", [None, 1], ids=["one line", "lines"])
@pytest.mark.parametrize(
    "states, ready, alive",
    [
        (["AVAILABLE"], True, True),
        (["END", "AVAILABLE"], True, True),
        (["LOADING", "AVAILABLE"], True, True),
        (["START"], False, True),
        (["LOADING"], False, True),
        (["UNLOADING"], False, False),
        (["END"], False, False),
        ([], False, False),
    ],
)
def test_the_state_decides_and_not_the_status_code(server, states, ready, alive, indent):
    server.body = _states(*states, indent=indent)
    port = server.server_address[1]
    assert (_ask("ready", port) == 0, _ask("alive", port) == 0) == (ready, alive)


def test_another_model_is_not_ready(server):
    server.body = _states("AVAILABLE")
    assert _ask("ready", server.server_address[1], model="cars") == 1


def test_no_server_is_not_ready(server):
    port = server.server_address[1]
    server.server_close()
    assert _ask("ready", port) != 0
    assert _ask("alive", port) != 0


def test_a_wrong_question_is_named():
    done = subprocess.run(["bash", PROBE, "well", "pets"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "expected ready or alive, found 'well'" in done.stderr
