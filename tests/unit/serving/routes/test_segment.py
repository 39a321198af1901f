"""`POST /segment` takes files and forms, and answers in the form of `Accept`."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from maskconver_tf.inference.predictor import Prediction
from maskconver_tf.inference.tiles.known_window import KnownWindow
from maskconver_tf.types import Segment
from tests.unit.serving.fake_model import (
    CATEGORIES,
    FakeModel,
    bright_map,
    fake_version,
    picture,
    pixels_of,
)
from tests.unit.serving.raw_http import connect, head_of, read_all, status_of

PROPOSALS = "application/vnd.maskconver.proposals+json"


def _form(*parts: tuple[str, bytes], boundary: str = "edge") -> tuple[bytes, dict[str, str]]:
    body = b""
    for name, content in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"'
        body += head.encode() + b"\r\n\r\n" + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def _expected(file: bytes) -> Prediction:
    image = pixels_of(file)
    panoptic_map = bright_map(image)
    segments = []
    for i, score in ((1, 0.9), (2, 0.6)):
        inside = np.argwhere(panoptic_map == i)
        box = (*inside.min(0).tolist(), *(inside.max(0) + 1).tolist())
        segments.append(Segment(i, i - 1, False, float(np.float32(score)), len(inside), box))
    return Prediction(image, panoptic_map, segments, CATEGORIES)


def test_json_is_that_of_the_local_api_with_masks(plain):
    file = picture(1)
    expected = _expected(file)
    answer = plain.send("POST", "/segment", file)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found.pop("version") == 1 and answer.headers["x-model-version"] == "1"
    for segment in found["segments"]:
        mask = coco_mask.decode(segment.pop("segmentation"))
        np.testing.assert_array_equal(mask, expected.panoptic_map == segment["id"])
    assert found == expected.to_json()


def test_png_is_the_id_map(plain):
    file = picture(2)
    forms = _form(("image", file)), _form(("x", b"1"), ("image", file)), _form(("file", file))
    for body, headers in ((file, {}), *forms):
        answer = plain.send("POST", "/segment", body, headers | {"Accept": "image/png"})
        assert answer.headers["content-type"] == "image/png"
        ids = pixels_of(answer.body) @ np.array([1, 256, 65536])
        np.testing.assert_array_equal(ids, bright_map(pixels_of(file)))


@pytest.mark.parametrize(
    ("accept", "kind", "tolerance"),
    [("image/png;profile=drawing", "PNG", 0), ("image/jpeg", "JPEG", 12)],
)
def test_drawings_are_those_of_the_local_api(plain, accept, kind, tolerance):
    exif = Image.Exif()
    exif[0x112] = 6
    out = io.BytesIO()
    Image.fromarray(np.full([60, 90, 3], 200, np.uint8)).save(out, "JPEG", exif=exif)
    answer = plain.send("POST", "/segment", out.getvalue(), {"Accept": accept})
    found = Image.open(io.BytesIO(answer.body))
    # The fake model does not turn pictures, so the drawing must not be turned either.
    assert found.format == kind and found.size == (90, 60)
    file = picture(3, (80, 120))
    answer = plain.send("POST", "/segment", file, {"Accept": accept})
    assert answer.headers["content-type"] == f"image/{kind.lower()}"
    difference = pixels_of(answer.body).astype(int) - _expected(file).draw()
    assert np.abs(difference).mean() <= tolerance


def test_proposals_have_logits_of_each_proposal_inside_the_picture(plain):
    file = picture(4, (40, 44))
    answer = plain.send("POST", "/segment", file, {"Accept": PROPOSALS})
    assert answer.headers["content-type"] == PROPOSALS
    found = answer.json()
    assert (found["height"], found["width"], found["mask_stride"]) == (40, 44, 4)
    # One of the three lies in the padding, and one has a score below every threshold.
    assert found["scores"] == [pytest.approx(0.9)] and found["class_ids"] == [1]
    data = np.frombuffer(base64.b64decode(found["logits"]["data"]), "<f4")
    logits = data.reshape(found["logits"]["shape"])
    cells = pixels_of(file)[::4, ::4].mean(-1).astype(np.float32) / 128 - 1
    np.testing.assert_allclose(logits, cells[np.newaxis], rtol=1e-6)


@pytest.mark.parametrize("accept", ["application/json", PROPOSALS])
def test_a_picture_that_shrinks_much_has_a_warning(serve, accept):
    def load(path, number):
        window = KnownWindow((20, 20), is_of_training=True)
        return dataclasses.replace(fake_version(number), window=window)

    with serve(load=load) as running:
        large, small = (
            running.send("POST", "/segment", picture(4, size), {"Accept": accept}).json()
            for size in ((44, 30), (40, 40))
        )
    assert "The picture of 30 x 44 pixels shrinks 2.2 times more than" in large["warning"]
    assert "warning" not in small


def test_a_model_without_proposals_says_so(serve):
    def load(path, number):
        version = fake_version(number)
        version.signatures.pop("raw_heads")
        return version

    with serve(load=load) as running:
        answer = running.send("POST", "/segment", picture(), {"Accept": PROPOSALS})
        assert answer.status == 406 and "proposals" in answer.json()["error"]
        assert running.send("GET", "/model").json()["has_proposals"] is False


def test_thresholds_and_versions_of_the_query(serve):
    models = {1: FakeModel(), 2: FakeModel(shift=70)}
    load = lambda path, number: fake_version(number, models[number])  # noqa: E731
    with serve(numbers=(1, 2), num_versions=2, labels={"stable": 1}, load=load) as running:

        def area(query):
            found = running.send("POST", f"/segment{query}", picture(5)).json()
            return found["version"], {s["name"]: s["area"] for s in found["segments"]}

        assert area("")[0] == 2
        assert area("?version=1") == area("?label=stable") != area("?version=2")
        assert list(area("?score_threshold=0.7")[1]) == ["dark"]
        assert area("?score_threshold=1&overlap_threshold=0&min_area=0")[1] == {}


def test_several_lines_of_accept_count_together(plain):
    with connect(plain) as sock:
        file = picture()
        head = head_of(Content_Length=len(file), Connection="close").decode().strip()
        lines = [head, "Accept: text/html", "Accept: image/png", "", ""]
        sock.sendall("\r\n".join(lines).encode() + file)
        raw = read_all(sock)
    assert status_of(raw) == 200 and b"\x89PNG" in raw


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?score_threshold=2", 400),
        ("?score_threshold=nan", 400),
        ("?score_threshold=", 400),
        ("?score_threshold=0_1", 400),
        ("?min_area=1.5", 400),
        ("?min_area=-1", 400),
        ("?min_area=99999999999", 400),
        ("?threshold=0.5", 400),
        ("?version=2", 404),
        ("?version=../../etc/passwd", 400),
        ("?version=٣", 400),
        ("?version=" + "9" * 400, 400),
        ("?label=nobody", 404),
        ("?label=..%2f..%2fetc", 404),
        ("?version=2&label=stable", 404),
        ("?version=1&version=1", 400),
    ],
)
def test_wrong_queries_are_refused_in_one_sentence(plain, query, status):
    answer = plain.send("POST", "/segment" + quote(query, safe="?=&%"), picture())
    assert answer.status == status
    sentence = answer.json()["error"]
    assert "\n" not in sentence and "etc" not in sentence and 10 < len(sentence) < 200


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"no picture at all", {}, 415),
        (*_form(("image", b"")), 400),
        (*_form(("one", picture()), ("two", picture())), 400),
        (*_form(), 400),
        (*_form(("image", picture()), ("image", picture())), 400),
        (b"image=abc", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"--edge", {"Content-Type": "multipart/form-data; boundary=edge"}, 400),
        (picture(), {"Content-Type": "multipart/form-data"}, 400),
        (picture(), {"Content-Encoding": "gzip"}, 415),
        (picture(), {"Accept": "text/html"}, 406),
        (picture(), {"X-Deadline-Seconds": "soon"}, 400),
        (picture(), {"X-Deadline-Seconds": "-1"}, 400),
    ],
)
def test_wrong_bodies_and_headers_are_refused(plain, body, headers, status):
    answer = plain.send("POST", "/segment", body, headers)
    assert answer.status == status and set(answer.json()) == {"error"}


def test_a_picture_with_too_many_pixels_is_refused_from_its_header(serve):
    with serve(limits={"max_pixels": 10_000}) as running:
        for accept in ("*/*", PROPOSALS):
            headers = {"Accept": accept}
            answer = running.send("POST", "/segment", picture(0, (101, 100)), headers)
            assert answer.status == 413 and "10100" in answer.json()["error"]
        assert running.send("POST", "/segment", picture(0, (100, 100))).status == 200
        assert running.model.batches == [1]


def test_the_answer_to_json_text_has_no_line_of_the_picture(plain):
    answer = plain.send("POST", "/segment", json.dumps({"a": "b"}), {"Content-Type": "text/plain"})
    assert answer.status == 415 and "Accept" not in answer.json()["error"]
