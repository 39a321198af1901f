"""Sizes, times, connections and the queue have limits; the server answers after each of them."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
import urllib.parse

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.serving.settings import Limits, ServerSettings
from tests.unit.serving.fake_model import FakeModel, picture


def _connect(running) -> socket.socket:
    address = urllib.parse.urlsplit(running.url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def _read_all(sock: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


def _read_until(sock: socket.socket, end: bytes) -> None:
    """Reads up to the end of a JSON answer that has the key `end`."""
    raw = b""
    while end not in raw or not raw.endswith(b"}"):
        raw += sock.recv(65536)


def _status(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])


def _head(method="POST", path="/segment", **headers) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_body_that_announces_too_much_is_refused_before_it_is_read(serve):
    with serve(limits={"max_body_bytes": 1000}) as running, _connect(running) as sock:
        sock.sendall(_head(Content_Length=10**9))
        assert _status(sock.recv(65536)) == 413


def test_a_whole_body_that_is_too_large_still_gets_its_answer(serve):
    with serve(limits={"max_body_bytes": 1000}) as running:
        for headers in ({}, {"Connection": "close"}):
            answer = running.send("POST", "/segment", b"x" * 5_000_000, headers)
            assert answer.status == 413 and "1000 bytes" in answer.json()["error"]
        headers = {"Expect": "100-continue", "Content-Length": str(10**9)}
        assert running.send("POST", "/segment", b"", headers).status == 413


def test_a_chunked_body_is_counted(serve):
    with serve(limits={"max_body_bytes": 1000}) as running:
        for headers in ({}, {"Connection": "close"}):
            chunks = (b"x" * 100 for _ in range(1000))
            assert running.send("POST", "/segment", chunks, headers).status == 413
        file = picture()
        parts = (file[i : i + 100] for i in range(0, len(file), 100))
    with serve() as running:
        answer = running.send("POST", "/segment", parts)
        assert answer.status == 200


def test_a_slow_body_ends_after_its_time(serve):
    with serve(limits={"body_seconds": 0.3}) as running, _connect(running) as sock:
        begin = time.monotonic()
        sock.sendall(_head(Content_Length=1000) + b"x" * 10)
        raw = _read_all(sock)
        assert _status(raw) == 408 and b"slow" not in raw and time.monotonic() - begin < 3
        assert running.send("POST", "/segment", picture()).status == 200


def test_drops_of_a_refused_body_do_not_keep_a_connection(serve):
    limits = {"body_seconds": 0.3, "max_body_bytes": 1000}
    with serve(limits=limits) as running, _connect(running) as sock:
        sock.sendall(_head(Content_Length=10**6))
        begin = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - begin < 5:
                sock.sendall(b"x")
                time.sleep(0.02)
        assert time.monotonic() - begin < 3


@pytest.mark.parametrize("start", [b"", b"POST /seg", b"POST /segment HTTP/1.1\r\nHost: x\r\n"])
def test_half_open_connections_end(serve, start):
    with serve(limits={"header_seconds": 0.3}) as running, _connect(running) as sock:
        sock.sendall(start)
        begin = time.monotonic()
        assert _status(_read_all(sock)) == 408 and time.monotonic() - begin < 3


def test_the_second_request_of_a_connection_has_the_same_time(serve):
    limits = {"header_seconds": 0.3, "idle_seconds": 0.5}
    with serve(limits=limits) as running, _connect(running) as sock:
        sock.sendall(_head("GET", "/v2/health/live"))
        _read_until(sock, b"live")
        begin = time.monotonic()
        sock.sendall(b"GET /v2/he")
        assert _status(_read_all(sock)) == 408 and time.monotonic() - begin < 3
    with serve(limits=limits) as running, _connect(running) as sock:
        sock.sendall(_head("GET", "/v2/health/live"))
        _read_until(sock, b"live")
        assert _read_all(sock) == b""  # An idle connection ends without words.


def test_many_half_open_connections_do_not_lock_others_out(serve):
    with serve(limits={"max_connections": 8}) as running:
        idle = [_connect(running) for _ in range(8)]
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
    with _connect(plain) as sock:
        sock.sendall(raw)
        answer = _read_all(sock)
    assert _status(answer) == 400 and b'{"error": ' in answer
    assert plain.send("GET", "/v2/health/live").status == 200


def test_long_headers_and_addresses_are_refused(plain):
    long = "a" * 20_000
    for path, headers in (("/model", {"X-Long": long}), (f"/{long}", {}), (f"/model?{long}", {})):
        assert plain.send("GET", path, None, headers).status in (400, 431)
    many = {f"X-{i}": "value" for i in range(90)}
    assert plain.send("GET", "/model", None, many).status == 200


def test_a_full_queue_gets_status_429_and_the_rest_is_answered(serve):
    model = FakeModel()
    limits = {"queue_pictures": 4}
    with serve(model, limits=limits, batch_sizes=(1,)) as running:
        model.gate.clear()
        statuses: list[int] = []

        def send():
            statuses.append(running.send("POST", "/segment", picture()).status)

        threads = [threading.Thread(target=send) for _ in range(12)]
        for thread in threads:
            thread.start()
            time.sleep(0.03)
        answer = running.send("POST", "/segment", picture())
        assert answer.status == 429 and int(answer.headers["retry-after"]) >= 1
        model.gate.set()
        [thread.join() for thread in threads]
        assert sorted(set(statuses)) == [200, 429] and statuses.count(200) == 5


def test_the_time_of_a_request_is_limited_by_server_and_client(serve):
    model = FakeModel()
    with serve(model, limits={"request_seconds": 0.4}) as running:
        model.gate.clear()
        for headers, least in (({}, 0.35), ({"X-Deadline-Seconds": "0.1"}, 0.09)):
            begin = time.monotonic()
            answer = running.send("POST", "/segment", picture(), headers)
            assert answer.status == 504 and least < time.monotonic() - begin < 3
        model.gate.set()


def test_a_client_that_leaves_is_not_computed_for(serve):
    model = FakeModel()
    with serve(model) as running:
        model.gate.clear()
        file = picture()
        first = threading.Thread(target=running.send, args=("POST", "/segment", file))
        first.start()
        time.sleep(0.2)
        with _connect(running) as sock:
            sock.sendall(_head(Content_Length=len(file)) + file)
            time.sleep(0.2)
        time.sleep(0.2)
        model.gate.set()
        first.join()
        assert running.send("POST", "/segment", file).status == 200
        assert model.batches == [1, 1]


def test_all_bodies_together_have_a_limit(serve):
    model = FakeModel()
    limits = {"max_body_bytes": 100_000, "max_bodies_bytes": 150_000}
    with serve(model, limits=limits) as running, _connect(running) as sock:
        sock.sendall(_head(Content_Length=100_000) + b"x" * 90_000)
        time.sleep(0.3)
        answer = running.send("POST", "/segment", b"x" * 90_000)
        assert answer.status == 503 and "retry-after" in answer.headers
        sock.sendall(b"x" * 10_000)
        assert _status(sock.recv(65536)) == 415
        assert running.send("POST", "/segment", b"x" * 90_000).status == 415


def test_a_client_that_does_not_read_loses_its_connection(serve):
    image = bytes(1800 * 1800 * 3)
    tensor = {"name": "image", "shape": [1800, 1800, 3], "datatype": "UINT8"}
    tensor["parameters"] = {"binary_data_size": len(image)}
    parameters = {"signature_name": "segment_image", "binary_data_output": True}
    text = json.dumps({"inputs": [tensor], "parameters": parameters}).encode()
    head = _head(
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
            raw = _read_all(sock)
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
        half = _connect(running)
        half.sendall(_head(Content_Length=1000) + b"x")
        thread = threading.Thread(
            target=lambda: (
                contextlib.suppress(Exception).__enter__()
                or running.send("POST", "/segment", picture())
            ),
            daemon=True,
        )
        thread.start()
        time.sleep(0.3)
        begin = time.monotonic()
    assert time.monotonic() - begin < 5
    model.gate.set()
    half.close()


def test_a_port_in_use_is_named(serve):
    with serve() as running:
        port = urllib.parse.urlsplit(running.url).port
        with (
            pytest.raises(UserError, match=f"--port {port}: this address cannot be used"),
            serve(port=port),
        ):
            pass


def test_settings_are_checked():
    for wrong in ({"max_pixels": 0}, {"body_seconds": 0}, {"queue_pictures": 1.5}):
        with pytest.raises(UserError, match=f"Limits.{next(iter(wrong))}"):
            Limits(**wrong)
    for wrong in ({"name": "a/b"}, {"name": ""}, {"labels": {"..": 1}}, {"port": 70000}):
        with pytest.raises(UserError):
            ServerSettings(**wrong)
