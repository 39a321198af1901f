"""Sizes, times, memory and the queue have limits; the server answers after each of them."""

from __future__ import annotations

import threading
import time

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.serving.settings import Limits, ServerSettings
from tests.unit.serving.fake_model import FakeModel, picture
from tests.unit.serving.raw_http import connect, head_of, read_all, status_of


def test_a_body_that_announces_too_much_is_refused_before_it_is_read(serve):
    with serve(limits={"max_body_bytes": 1000}) as running, connect(running) as sock:
        sock.sendall(head_of(Content_Length=10**9))
        assert status_of(sock.recv(65536)) == 413


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
    with serve(limits={"body_seconds": 0.3}) as running, connect(running) as sock:
        begin = time.monotonic()
        sock.sendall(head_of(Content_Length=1000) + b"x" * 10)
        raw = read_all(sock)
        assert status_of(raw) == 408 and b"slow" not in raw and time.monotonic() - begin < 3
        assert running.send("POST", "/segment", picture()).status == 200


def test_drops_of_a_refused_body_do_not_keep_a_connection(serve):
    limits = {"body_seconds": 0.3, "max_body_bytes": 1000}
    with serve(limits=limits) as running, connect(running) as sock:
        sock.sendall(head_of(Content_Length=10**6))
        begin = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - begin < 5:
                sock.sendall(b"x")
                time.sleep(0.02)
        assert time.monotonic() - begin < 3


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
        with connect(running) as sock:
            sock.sendall(head_of(Content_Length=len(file)) + file)
            time.sleep(0.2)
        time.sleep(0.2)
        model.gate.set()
        first.join()
        assert running.send("POST", "/segment", file).status == 200
        assert model.batches == [1, 1]


def test_all_bodies_together_have_a_limit(serve):
    model = FakeModel()
    limits = {"max_body_bytes": 100_000, "max_bodies_bytes": 150_000}
    with serve(model, limits=limits) as running, connect(running) as sock:
        sock.sendall(head_of(Content_Length=100_000) + b"x" * 90_000)
        time.sleep(0.3)
        answer = running.send("POST", "/segment", b"x" * 90_000)
        assert answer.status == 503 and "retry-after" in answer.headers
        sock.sendall(b"x" * 10_000)
        assert status_of(sock.recv(65536)) == 415
        assert running.send("POST", "/segment", b"x" * 90_000).status == 415


def test_settings_are_checked():
    for wrong in ({"max_pixels": 0}, {"body_seconds": 0}, {"queue_pictures": 1.5}):
        with pytest.raises(UserError, match=f"Limits.{next(iter(wrong))}"):
            Limits(**wrong)
    for wrong in ({"name": "a/b"}, {"name": ""}, {"labels": {"..": 1}}, {"port": 70000}):
        with pytest.raises(UserError):
            ServerSettings(**wrong)
