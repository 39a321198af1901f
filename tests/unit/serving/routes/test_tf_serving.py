"""`/v1/models/...` speaks TensorFlow Serving's language."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from maskconver_tf.inference import signatures
from tests.unit.serving.fake_model import K, bright_map, picture, pixels_of

PREDICT = "/v1/models/maskconver:predict"


def _b64(file: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(file).decode()}


def _predict(running, content, path=PREDICT):
    body = content if isinstance(content, bytes) else json.dumps(content)
    return running.send("POST", path, body)


def _assert_row(row: dict, file: bytes) -> None:
    expected = bright_map(pixels_of(file))
    found = pixels_of(base64.b64decode(row["panoptic_png_bytes"]["b64"]))[..., 0]
    np.testing.assert_array_equal(found, expected)
    assert row["status"] == 0 and row["status_message"] == "" and row["num_segments"] == 2
    assert row["category_names"] == ["dark", "bright", ""] and row["segment_ids"] == [1, 2, 0]
    assert row["scores"] == [0.9, 0.6, 0.0]
    assert row["areas"] == [*np.bincount(expected.ravel())[1:].tolist(), 0]
    assert row["image_size"] == list(expected.shape) and len(row["boxes"]) == K


def test_row_form(plain):
    files = [picture(seed, (10 + seed, 20)) for seed in range(3)]
    rows = [{"encoded_images": _b64(file)} for file in files]
    for content in ({"instances": rows}, {"instances": [_b64(file) for file in files]}):
        answer = _predict(plain, content)
        assert answer.status == 200 and answer.headers["content-type"] == "application/json"
        predictions = answer.json()["predictions"]
        assert len(predictions) == 3
        for row, file in zip(predictions, files):
            _assert_row(row, file)


def test_column_form(plain):
    files = [picture(seed) for seed in range(2)]
    for inputs in ({"encoded_images": [_b64(f) for f in files]}, [_b64(f) for f in files]):
        content = {"inputs": inputs, "signature_name": "serving_default"}
        outputs = _predict(plain, content).json()["outputs"]
        for i, file in enumerate(files):
            _assert_row({name: value[i] for name, value in outputs.items()}, file)


def test_versions_and_labels_in_the_address(plain):
    for part in ("/versions/1", "/labels/stable"):
        content = {"instances": [_b64(picture())]}
        assert _predict(plain, content, f"/v1/models/maskconver{part}:predict").status == 200
        states = plain.send("GET", f"/v1/models/maskconver{part}").json()["model_version_status"]
        assert [each["version"] for each in states] == ["1"]


def test_thresholds_of_each_row_or_of_all(plain):
    files = [_b64(picture(1)), _b64(picture(2))]
    name = {"signature_name": "serving_with_thresholds"}
    rows = [
        {"encoded_images": file, "score_threshold": score} for file, score in zip(files, (0.7, 0.1))
    ]
    found = _predict(plain, name | {"instances": rows}).json()["predictions"]
    assert [row["num_segments"] for row in found] == [1, 2]
    for scores, counts in (([0.7], [1, 1]), ([0.95, 0.1], [0, 2])):
        inputs = {"encoded_images": files, "score_threshold": scores}
        found = _predict(plain, name | {"inputs": inputs}).json()["outputs"]
        assert found["num_segments"] == counts
    wrong = {"encoded_images": files, "score_threshold": [0.1, 0.2, 0.3]}
    assert _predict(plain, name | {"inputs": wrong}).status == 400


def test_another_signature_takes_numbers(plain):
    image = pixels_of(picture(3, (6, 7)))
    content = {"signature_name": "segment_image", "inputs": {"image": image.tolist()}}
    found = _predict(plain, content).json()["outputs"]
    np.testing.assert_array_equal(found, bright_map(image))
    content = {"signature_name": "segment_image", "instances": [{"image": image.tolist()}]}
    assert _predict(plain, content).status == 400  # It has no batch axis.


def test_bad_files_have_a_status_of_their_own_and_an_empty_batch_is_empty(plain):
    content = {"instances": [_b64(picture()), _b64(b"text"), _b64(b"")]}
    rows = _predict(plain, content).json()["predictions"]
    assert [row["status"] for row in rows] == [0, 2, 1]
    assert rows[1]["panoptic_png_bytes"] == {"b64": ""} and rows[1]["status_message"]
    outputs = _predict(plain, {"inputs": {"encoded_images": []}}).json()["outputs"]
    assert set(map(len, outputs.values())) == {0}


def test_a_picture_with_too_many_pixels_fails_no_other(serve):
    fine, large = picture(1), picture(0, (101, 100))
    with serve(limits={"max_pixels": 10_000}) as running:
        rows = _predict(running, {"instances": [_b64(large), _b64(fine), _b64(b"x")]})
        rows = rows.json()["predictions"]
        assert [row["status"] for row in rows] == [3, 0, 2]
        assert "10100 pixels; at most 10000" in rows[0]["status_message"]
        assert rows[0]["image_size"] == [0, 0] and rows[0]["panoptic_png_bytes"] == {"b64": ""}
        _assert_row(rows[1], fine)
        outputs = _predict(running, {"inputs": {"encoded_images": [_b64(large)]}})
        assert outputs.json()["outputs"]["status"] == [3]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "JSON Parse error"),
        (b"{", "JSON Parse error"),
        (b"[" * 100_000, "JSON Parse error"),
        (b'{"instances": [NaN]}', "JSON Parse error"),
        (b'{"instances": [' + b"9" * 5000 + b"]}", "JSON Parse error"),
        (b"\xff\xfe\x00", "JSON Parse error"),
        (b"[]", "must be an object"),
        ({}, "'instances'"),
        ({"instances": [], "inputs": []}, "'instances'"),
        ({"instances": []}, "'instances'"),
        ({"instances": {}}, "'instances'"),
        ({"instances": [_b64(b"x")], "extra": 1}, "Unknown key"),
        ({"instances": [_b64(b"x")], "signature_name": "nope"}, "nope"),
        ({"instances": [_b64(b"x")], "signature_name": 3}, "signature"),
        ({"instances": [_b64(b"x")], "signature_name": ["a"]}, "signature"),
        ({"instances": [{"encoded_images": {"b64": "!!"}}]}, "base64"),
        ({"instances": [{"encoded_images": {"b64": "abc"}}]}, "base64"),
        ({"instances": [{"encoded_images": {"b64": 5}}]}, "b64"),
        ({"instances": [{"encoded_images": 5}]}, "b64"),
        ({"instances": [{"encoded_images": [["a"]]}]}, "flat list"),
        ({"instances": [{"images": _b64(b"x")}]}, "Unknown input"),
        ({"instances": [{"encoded_images": _b64(b"x")}, {}]}, "same inputs"),
        ({"instances": [{"encoded_images": _b64(b"x")}, 3]}, "same inputs"),
        ({"instances": [{}]}, "Missing input"),
        ({"inputs": {"image": [[[1.5]]]}, "signature_name": "segment_image"}, "numbers"),
        ({"inputs": {"image": [[[300, 1, 1]]]}, "signature_name": "segment_image"}, "0 to 255"),
        ({"inputs": {"image": [[[True, 1, 1]]]}, "signature_name": "segment_image"}, ""),
        ({"inputs": {"image": [[1], [1, 2]]}, "signature_name": "segment_image"}, "equal length"),
        ({"inputs": {"image": [[[1, 2]]]}, "signature_name": "segment_image"}, "shape"),
        ({"inputs": {"image": [[[10**400, 1, 1]]]}, "signature_name": "segment_image"}, ""),
        ({"inputs": {"image": "text"}, "signature_name": "segment_image"}, "numbers"),
        ({"inputs": {"image": None}, "signature_name": "segment_image"}, "numbers"),
    ],
)
def test_wrong_requests_get_status_400_and_one_sentence(plain, content, part):
    answer = _predict(plain, content)
    if content == {"inputs": {"image": [[[True, 1, 1]]]}, "signature_name": "segment_image"}:
        assert answer.status in (200, 400)  # Python's JSON knows true among numbers.
        return
    assert answer.status == 400
    sentence = answer.json()["error"]
    assert part in sentence and "\n" not in sentence and "Traceback" not in sentence


def test_status_and_metadata_have_the_forms_of_tensorflow_serving(plain):
    assert plain.send("GET", "/v1/models/maskconver").json() == {
        "model_version_status": [
            {
                "version": "1",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    found = plain.send("GET", "/v1/models/maskconver/metadata").json()
    assert found["model_spec"] == {"name": "maskconver", "signature_name": "", "version": "1"}
    assert signatures.SERVING_DEFAULT in found["metadata"]["signature_def"]["signature_def"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models/other", 404),
        ("POST", "/v1/models/other:predict", 404),
        ("GET", "/v1/models/maskconver/versions/2", 404),
        ("GET", "/v1/models/maskconver/versions/one", 400),
        ("GET", "/v1/models/maskconver/versions/-1", 400),
        ("GET", "/v1/models/maskconver/labels/none", 404),
        ("GET", "/v1/models/", 400),
        ("GET", "/v1/models/..%2f..%2fetc%2fpasswd", 400),
        ("GET", "/v1/models/maskconver/versions/..%2f..%2f1", 400),
        ("GET", "/v1/models/maskconver/versions/1/../../../../etc/passwd", 400),
        ("GET", "/v1/models/%00", 400),
        ("GET", "/v1/models/maskconver:predict", 405),
        ("POST", "/v1/models/maskconver", 405),
        ("POST", "/v1/models/maskconver/metadata", 405),
        ("POST", "/v1/models/maskconver:classify", 400),
        ("PUT", "/v1/models/maskconver", 405),
        ("GET", "/v1/config", 404),
    ],
)
def test_wrong_addresses(plain, method, path, status):
    answer = plain.send(method, path, b"{}" if method == "POST" else None)
    assert answer.status == status
    sentence = answer.json()["error"]
    assert "etc" not in sentence and "\n" not in sentence
    assert (status == 405) == ("allow" in answer.headers)


def test_too_many_pictures_and_too_many_numbers(serve):
    with serve(limits={"max_pictures": 2, "max_numbers": 1000}) as running:
        content = {"instances": [_b64(picture())] * 3}
        assert _predict(running, content).status == 413
        image = np.zeros([20, 20, 3], int).tolist()
        content = {"signature_name": "segment_image", "inputs": {"image": image}}
        answer = _predict(running, content)
        assert answer.status == 413 and "1000 values" in answer.json()["error"]
        large = {"instances": [_b64(picture(0, (200, 200)))]}
        assert _predict(running, large).status == 200  # Base64 is one value, however long.
