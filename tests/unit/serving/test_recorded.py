"""Server and client against exchanges in TensorFlow Serving's own form (`recorded/README.md`)."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from maskconver_tf.serving.calls.failures import RequestFailed
from maskconver_tf.serving.calls.retry import Retry
from maskconver_tf.serving.client import RestClient
from tests.unit.serving.fake_model import CATEGORIES, bright_map, pixels_of
from tests.unit.serving.scripted_server import http_answer, scripted_server

EXCHANGES = sorted((Path(__file__).parent / "recorded").glob("*.json"))


def _read(path: Path) -> tuple[dict, int, dict]:
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["request"], found["status"], found["answer"]


def _comparable(value, key=""):
    """Numbers as float32, and the pixels of a map in place of its PNG: encoders differ."""
    if isinstance(value, dict) and value.keys() == {"b64"}:
        return pixels_of(base64.b64decode(value["b64"])).tolist()
    if isinstance(value, dict):
        return {name: _comparable(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_comparable(each, key) for each in value]
    return float(np.float32(value)) if isinstance(value, float) else value


@pytest.mark.parametrize("path", EXCHANGES, ids=lambda path: path.stem)
def test_the_server_answers_as_tensorflow_serving(plain, path):
    request, status, answer = _read(path)
    body = json.dumps(request["body"]) if "body" in request else None
    found = plain.send(request["method"], request["path"], body)
    assert found.status == status
    assert found.headers["content-type"] == "application/json"
    if status == 200:
        assert _comparable(found.json()) == _comparable(answer)
    else:
        assert found.json().keys() == answer.keys() == {"error"}
        assert isinstance(found.json()["error"], str)


def test_the_client_reads_what_tensorflow_serving_writes():
    request, _, answer = _read(Path(EXCHANGES[0].parent, "predict_row.json"))
    file = base64.b64decode(request["body"]["instances"][0]["encoded_images"]["b64"])
    text = json.dumps(answer, indent=4).encode()
    with scripted_server(http_answer(200, text)) as (url, requests):
        found = RestClient(url, categories=CATEGORIES).segment(file)
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/models/maskconver:predict HTTP/1.1")
    assert json.loads(body) == request["body"]
    np.testing.assert_array_equal(found.panoptic_map, bright_map(pixels_of(file)))
    np.testing.assert_array_equal(found.image, pixels_of(file))
    assert [s.score for s in found.segments] == [float(np.float32(x)) for x in (0.9, 0.6)]
    assert [(s.class_id, s.area, s.box) for s in found.segments] == [
        (0, 3, (0, 0, 2, 2)),
        (1, 1, (0, 1, 1, 2)),
    ]


def test_the_client_tells_the_errors_of_tensorflow_serving():
    for name in ("unknown_model", "unknown_signature", "bad_base64"):
        _, status, answer = _read(Path(EXCHANGES[0].parent, f"{name}.json"))
        with scripted_server(http_answer(status, answer)) as (url, requests):
            with pytest.raises(RequestFailed) as caught:
                RestClient(url, categories=CATEGORIES, retry=Retry()).segment(b"x")
            assert answer["error"] in str(caught.value) and caught.value.status == status
            assert len(requests) == 1
