"""Connections end in time, whatever their clients do, and the server stops in time."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.parse

import pytest

from maskconver_tf.errors import UserError
from tests.unit.serving.fake_model import FakeModel, picture
from tests.unit.serving.raw_http import connect, head_of, read_all, read_until, status_of


@pytest.mark.parametrize("start", [b"", b"POST /seg", b"POST /segment HTTP/1.1\r\nHost: x\r\n"])
def test_half_open_connections_end(serve, start):
    with serve(limits={"header_seconds": 0.3}) as running, connect(running) as sock:
        sock.sendall(start)
        begin = time.monotonic()
        assert status_of(read_all(sock)) == 408 and time.monotonic() - begin < 3


def test_the_second_request_of_a_connection_has_the_same_time(serve):
    limits = {"header_seconds": 0.3, "idle_seconds": 0.5}
    with serve(limits=limits) as running, connect(running) as sock:
        sock.sendall(head_of("GET", "/v2/health/live"))
        read_until(sock, b"live")
        begin = time.monotonic()
        sock.sendall(b"GET /v2/he")
        assert status_of(read_all(sock)) == 408 and time.monotonic() - begin < 3
    with serve(limits=limits) as running, connect(running) as sock:
        sock.sendall(head_of("GET", "/v2/health/live"))
        read_until(sock, b"live")
        assert read_all(sock) == b""  # An idle connection ends without words.


def test_many_half_open_connections_do_not_lock_others_out(serve):
    with serve(limits={"max_connections": 8}) as running:
        idle = [connect(running) for _ in range(8)]
        time.sleep(1.2)
        assert running.send("POST", "/segment", picture()).status == 200
        for sock in idle:
            sock.close()


def test_connections_beyond_the_limit_are_refused_if_all_are_busy(serve):
    model = FakeModel()
    with serve(model, limits={"max_connections": 2}) as running:
        model.gate.clear()
        busy = [
            threading.Thread(target=running.send, args=("POST", "/segment", picture()))
            for _ in range(2)
        ]
        [thread.start() for thread in busy]
        time.sleep(0.4)
        answer = running.send("GET", "/v2/health/live")
        assert answer.status == 503 and answer.headers["retry-after"] == "1"
        model.gate.set()
        [thread.join() for thread in busy]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01 hello\r\n\r\n",
        b"GET / HTTP/x\r\n\r\n",
        b"GET /model HTTP/1.1\r\n\r\n",
        b"POST /segment HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /segment HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /model HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 400_000,
    ],
)
def test_what_is_no_request_gets_status_400_as_json(plain, raw):
    with connect(plain) as sock:
        sock.sendall(raw)
        answer = read_all(sock)
    assert status_of(answer) == 400 and b'{"error": ' in answer
    assert plain.send("GET", "/v2/health/live").status == 200


def test_long_headers_and_addresses_are_refused(plain):
    long = "a" * 20_000
    for path, headers in (("/model", {"X-Long": long}), (f"/{long}", {}), (f"/model?{long}", {})):
        assert plain.send("GET", path, None, headers).status in (400, 431)
    many = {f"X-{i}": "value" for i in range(90)}
    assert plain.send("GET", "/model", None, many).status == 200


def test_a_client_that_does_not_read_loses_its_connection(serve):
    image = bytes(1800 * 1800 * 3)
    tensor = {"name": "image", "shape": [1800, 1800, 3], "datatype": "UINT8"}
    tensor["parameters"] = {"binary_data_size": len(image)}
    parameters = {"signature_name": "segment_image", "binary_data_output": True}
    text = json.dumps({"inputs": [tensor], "parameters": parameters}).encode()
    head = head_of(
        path="/v2/models/maskconver/infer",
        Content_Length=len(text) + len(image),
        Inference_Header_Content_Length=len(text),
        Connection="close",
    )
    with serve(limits={"send_seconds": 0.3}) as running:
        address = urllib.parse.urlsplit(running.url)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            sock.settimeout(10)
            sock.connect((address.hostname, address.port))
            sock.sendall(head + text + image)
            sock.recv(1, socket.MSG_PEEK)  # The answer has begun.
            time.sleep(1.5)
            raw = read_all(sock)
        # What the operating system holds arrives; the rest was dropped.
        head = raw.partition(b"\r\n\r\n")[0].lower()
        promised = int(head.split(b"\r\ncontent-length: ")[1].split(b"\r\n")[0])
        assert promised > 12_000_000 and len(raw) < promised
        assert running.send("GET", "/v2/health/live").status == 200


def test_stopping_finishes_what_was_accepted(serve):
    model = FakeModel()
    answers = []
    with serve(model) as running:
        model.gate.clear()
        file = picture()
        thread = threading.Thread(
            target=lambda: answers.append(running.send("POST", "/segment", file))
        )
        thread.start()
        time.sleep(0.3)
        running.server.stop()
        time.sleep(0.3)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            running.send("GET", "/v2/health/live")
        model.gate.set()
        thread.join()
    assert [answer.status for answer in answers] == [200]


def test_stopping_ends_in_time_although_requests_hang(serve):
    model = FakeModel()
    with serve(model, limits={"stop_seconds": 0.5}) as running:
        model.gate.clear()
        half = connect(running)
        half.sendall(head_of(Content_Length=1000) + b"x")
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(running.send("POST", "/segment", picture())),
            daemon=True,
        )
        thread.start()
        time.sleep(0.3)
        begin = time.monotonic()
    assert time.monotonic() - begin < 5
    model.gate.set()
    thread.join()
    [answer] = answers
    assert answer.status == 503 and answer.headers["retry-after"] == "1"
    assert answer.json() == {"error": "The server is stopping; try again"}
    assert status_of(read_all(half)) == 503
    half.close()


def test_a_port_in_use_is_named(serve):
    with serve() as running:
        port = urllib.parse.urlsplit(running.url).port
        with (
            pytest.raises(UserError, match=f"--port {port}: this address cannot be used"),
            serve(port=port),
        ):
            pass
