"""A client that is still sending gets its answer, whatever makes the server end the connection."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from maskconver_tf.serving.web import gate
from maskconver_tf.serving.web.connections import connection as connections
from maskconver_tf.serving.web.connections import lingering
from tests.unit.serving.fake_model import FakeModel, picture
from tests.unit.serving.raw_http import connect, head_of, read_until

PART = bytes(1 << 20)
PARTS = 8


def send_all(sock: socket.socket, pause: float = 0.0, first: float = 0.0) -> None:
    """Sends a request with a body of 8 MB; a reset of the connection is an error."""
    sock.sendall(head_of(Content_Length=PARTS * len(PART), Connection="close"))
    for i in range(PARTS):
        sock.sendall(PART)
        time.sleep(first if i == 0 else pause)


def answer_of(sock: socket.socket) -> tuple[http.client.HTTPResponse, str]:
    """Reads an answer up to the end of the connection; returns it and its sentence."""
    raw = b"".join(iter(lambda: sock.recv(65536), b""))

    class Raw:
        def makefile(self, mode):
            return io.BytesIO(raw)

    found = http.client.HTTPResponse(Raw())
    found.begin()
    return found, json.loads(found.read())["error"]


@contextlib.contextmanager
def busy(serve, limits: dict, count: int) -> Iterator:
    """A server whose model holds `count` requests."""
    model = FakeModel()
    with serve(model, limits=limits, batch_sizes=(1,)) as running:
        model.gate.clear()
        threads = [
            threading.Thread(target=running.send, args=("POST", "/segment", picture()))
            for _ in range(count)
        ]
        for thread in threads:
            thread.start()
            time.sleep(0.1)
        yield running
        model.gate.set()
        [thread.join() for thread in threads]


def test_a_client_that_pauses_in_a_refused_body(serve, monkeypatch):
    monkeypatch.setattr(gate, "_PAUSE", 0.05)
    with busy(serve, {"queue_pictures": 1}, 2) as running, connect(running) as sock:
        send_all(sock, first=0.3)
        found, sentence = answer_of(sock)
    assert found.status == 429 and sentence == "Too many pictures are waiting; try again later"


def test_a_body_that_is_too_slow(serve):
    with serve(limits={"body_seconds": 0.4}) as running, connect(running) as sock:
        send_all(sock, pause=0.07)
        found, sentence = answer_of(sock)
    assert found.status == 408 and "not complete after 0.4 s" in sentence


def test_a_new_connection_beyond_the_limit(serve):
    with busy(serve, {"max_connections": 2}, 2) as running, connect(running) as sock:
        send_all(sock)
        found, sentence = answer_of(sock)
        assert found.status == 503 and found.headers["retry-after"] == "1"
        assert sentence == "The server has too many connections; try again"


def test_a_request_whose_place_another_one_takes(serve, monkeypatch, caplog):
    monkeypatch.setattr(connections, "_GRACE", 0.1)
    with serve(limits={"max_connections": 2}) as running, connect(running) as silent:
        with connect(running) as old:
            old.sendall(head_of(Content_Length=PARTS * len(PART), Connection="close"))
            old.sendall(PART)
            time.sleep(0.2)
            silent.sendall(head_of("GET", "/v2/health/live"))  # Now the other is the oldest.
            read_until(silent, b"live")
            assert running.send("GET", "/v2/health/live").status == 200
            for _ in range(PARTS - 1):
                old.sendall(PART)
            found, sentence = answer_of(old)
        assert found.status == 503 and found.headers["retry-after"] == "1"
        assert sentence == "The server has too many connections; try again"
        text = running.send("GET", "/metrics").body.decode()
    assert 'maskconver_requests_total{route="/segment",status="503"} 1.0' in text
    assert 'maskconver_refused_total{reason="connections"} 1.0' in text
    assert "client_gone" not in text


def test_the_start_of_a_request_whose_place_another_one_takes(serve, monkeypatch):
    monkeypatch.setattr(connections, "_GRACE", 0.1)
    with serve(limits={"max_connections": 1}) as running, connect(running) as old:
        old.sendall(b"POST /segment HTT")
        time.sleep(0.2)
        assert running.send("GET", "/v2/health/live").status == 200
        assert answer_of(old)[0].status == 503


def test_refusals_of_connections_are_counted(serve):
    with serve(limits={"header_seconds": 0.1}) as running:
        with connect(running) as sock:
            sock.sendall(b"no HTTP\r\n\r\n")
            assert answer_of(sock)[0].status == 400
        with connect(running) as sock:
            assert answer_of(sock)[0].status == 408
        text = running.send("GET", "/metrics").body.decode()
    assert 'maskconver_refused_total{reason="bad_http"} 1.0' in text
    assert 'maskconver_refused_total{reason="slow_headers"} 1.0' in text


@pytest.mark.parametrize("sends", [True, False])
def test_a_client_that_stays_loses_its_connection(serve, monkeypatch, sends):
    monkeypatch.setattr(lingering, "PAUSE", 0.2)
    limits = {"max_body_bytes": 1000, "body_seconds": 0.5}
    with serve(limits=limits) as running, connect(running) as sock:
        sock.sendall(head_of(Content_Length=10**8, Connection="close"))
        begin = time.monotonic()
        if sends:
            with pytest.raises(OSError):
                while time.monotonic() - begin < 5:
                    sock.sendall(b"x")
                    time.sleep(0.05)
        while running.server._server.server_state.connections and time.monotonic() - begin < 5:
            time.sleep(0.02)
        assert time.monotonic() - begin < 3


def test_few_connections_linger(serve, monkeypatch):
    monkeypatch.setattr(connections, "_MOST_LINGERING", 3)
    with serve() as running:
        socks = [connect(running) for _ in range(9)]
        for sock in socks:
            sock.sendall(b"no HTTP\r\n\r\n")
            assert answer_of(sock)[0].status == 400
        assert running.send("GET", "/v2/health/live").status == 200
        assert len(running.server._server.server_state.connections) <= 5
        for sock in socks:
            sock.close()


def test_stopping_does_not_wait_for_connections_that_linger(serve):
    with serve() as running:
        sock = connect(running)
        sock.sendall(b"no HTTP\r\n\r\n")
        assert answer_of(sock)[0].status == 400
        begin = time.monotonic()
    assert time.monotonic() - begin < 2
    sock.close()
