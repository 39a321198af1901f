"""Tokens, ids, headers, the log, metrics, and pages of other sites."""

from __future__ import annotations

import json
import logging
import re

from tests.unit.serving.fake_model import FakeModel, picture

TOKEN = "a-secret-of-24-characters"


RIGHT = (f"Bearer {TOKEN}", f"bearer {TOKEN}")
WRONG = (
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN[:-1]}",
    f"Basic {TOKEN}",
    TOKEN,
    "Bearer",
    "Bearer \xff\xfe",
    "",
)


def test_a_token_opens_the_model(serve):
    with serve(token=TOKEN) as running:
        for given in WRONG:
            headers = {"Authorization": given} if given else {}
            for method, path, body in (("POST", "/segment", picture()), ("GET", "/metrics", None)):
                answer = running.send(method, path, body, headers)
                assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert running.model.batches == []
        for given in RIGHT:
            headers = {"Authorization": given}
            assert running.send("POST", "/segment", picture(), headers).status == 200
            assert running.send("GET", "/metrics", None, headers).status == 200
        for path in ("/v2/health/live", "/v2/health/ready", "/openapi.json", "/"):
            assert running.send("GET", path).status == 200
        for path in ("//", "/v2/health/../model", "/v2/health/live/", "/%6dodel"):
            assert running.send("GET", path).status == 401
        assert running.send("OPTIONS", "/model").status == 405


def test_requests_have_ids(plain):
    assert (
        plain.send("GET", "/model", None, {"X-Request-ID": "job-7.b"}).headers["x-request-id"]
        == "job-7.b"
    )
    for given in ("two words", "x" * 65, "<script>", ""):
        found = plain.send("GET", "/nothing", None, {"X-Request-ID": given}).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{16}", found)


def test_every_answer_has_the_headers_of_safety(plain):
    for method, path in (
        ("GET", "/model"),
        ("GET", "/nothing"),
        ("POST", "/segment"),
        ("GET", "/"),
    ):
        headers = plain.send(method, path, b"x" if method == "POST" else None).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers and "server" not in headers


def test_pages_of_other_sites_may_not_call(serve):
    origin = {"Origin": "https://example.org", "Sec-Fetch-Site": "cross-site"}
    with serve() as running:
        assert running.send("POST", "/segment", picture(), origin).status == 403
        assert running.send("POST", "/segment", picture(), {"Sec-Fetch-Site": "none"}).status == 200
        assert (
            running.send("OPTIONS", "/segment", None, {"Origin": "https://example.org"}).status
            == 405
        )


def test_the_log_has_a_line_for_each_request_and_nothing_of_it(serve, caplog):
    logging.getLogger("maskconver.access").propagate = True
    with caplog.at_level(logging.INFO, "maskconver.access"), serve(access_log=True) as running:
        body = b'--b\r\nContent-Disposition: form-data; name="image"; filename="secret.png"\r\n\r\n'
        body += picture() + b"\r\n--b--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=b", "X-Request-ID": "one"}
        running.send("POST", "/segment?min_area=3", body, headers)
        running.send("GET", "/secret/file", None, {"X-Request-ID": "two"})
        running.send("SECRET", "/model", None, {"X-Request-ID": "three"})
        running.send("POST", "/segment", b"secret words", {"X-Request-ID": "four"})
    # Other libraries of this process may log, too.
    texts = [record.message for record in caplog.records if record.name == "maskconver.access"]
    lines = {each["id"]: each for each in map(json.loads, texts)}
    assert set(lines) == {"one", "two", "three", "four"} and "secret" not in caplog.text.lower()
    one = lines["one"]
    assert (one["method"], one["route"], one["status"]) == ("POST", "/segment", 200)
    assert one["bytes"] > 100 and one["ms"] > 0 and "reason" not in one
    assert lines["two"]["status"] == 404 and lines["two"]["route"] == "other"
    assert lines["three"]["method"] == "other"
    assert lines["four"]["reason"] == "picture"


def test_the_document_tells_which_addresses_need_no_token(serve):
    with serve(token=TOKEN) as running:
        document = running.send("GET", "/openapi.json").json()
        for path, operations in document["paths"].items():
            if "{" in path or "get" not in operations:
                continue
            needs = operations["get"].get("security", document["security"]) != []
            assert (running.send("GET", path).status == 401) == needs


def _metrics(running) -> dict[str, float]:
    answer = running.send("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_metrics_count_what_happens(serve):
    with serve() as running:
        for _ in range(3):
            running.send("POST", "/segment", picture())
        running.send("POST", "/segment", b"text")
        running.send("GET", "/nothing")
        found = _metrics(running)
    assert found['maskconver_requests_total{route="/segment",status="200"}'] == 3
    assert found['maskconver_refused_total{reason="picture"}'] == 1
    assert found['maskconver_refused_total{reason="no_such_address"}'] == 1
    assert found["maskconver_batch_size_count"] == 4 and found["maskconver_batch_size_sum"] == 4
    assert found['maskconver_pictures_total{version="1"}'] == 4
    assert found['maskconver_model_version{version="1"}'] == 1
    assert found["maskconver_queue_pictures"] == 0 and found["maskconver_open_requests"] == 1
    for stage in ("receive", "prepare", "queue", "model", "total"):
        assert found[f'maskconver_latency_seconds_count{{stage="{stage}"}}'] >= 4
    assert found['maskconver_latency_seconds_count{stage="encode"}'] == 3


def test_a_failure_of_the_model_tells_the_client_nothing(serve):
    model = FakeModel()
    with serve(model) as running:
        model.error = RuntimeError("/srv/models/1/secret")
        answer = running.send("POST", "/segment", picture())
        assert answer.status == 500
        assert answer.json() == {"error": "The model failed; the log of the server says why"}
        model.error = None
        assert running.send("POST", "/segment", picture()).status == 200


def test_a_mistake_in_the_server_tells_the_client_nothing(serve, monkeypatch):
    from maskconver_tf.serving.routes import segment_answers

    def fail(*arguments):
        raise ZeroDivisionError("/secret")

    monkeypatch.setattr(segment_answers, "as_json", fail)
    with serve() as running:
        answer = running.send("POST", "/segment", picture())
        assert answer.status == 500
        assert answer.json() == {"error": "The server failed; its log says why"}
        assert running.send("POST", "/segment", picture(), {"Accept": "image/png"}).status == 200
