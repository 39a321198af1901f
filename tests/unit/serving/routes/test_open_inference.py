"""`/v2/...` speaks the Open Inference Protocol, with tensors as JSON and as bytes."""

from __future__ import annotations

import base64
import json
import struct

import numpy as np
import pytest

from tests.unit.serving.fake_model import bright_map, picture, pixels_of

INFER = "/v2/models/maskconver/infer"
LENGTH = "Inference-Header-Content-Length"


def _input(file: bytes) -> dict:
    return {
        "name": "encoded_images",
        "shape": [1],
        "datatype": "BYTES",
        "parameters": {"content_type": "base64"},
        "data": [base64.b64encode(file).decode()],
    }


def _binary(tensors: list[dict], parts: list[bytes], **others) -> tuple[bytes, dict[str, str]]:
    for tensor, part in zip(tensors, parts):
        tensor["parameters"] = {"binary_data_size": len(part)}
    text = json.dumps({"inputs": tensors} | others).encode()
    return text + b"".join(parts), {LENGTH: str(len(text))}


def _string(content: bytes) -> bytes:
    return struct.pack("<I", len(content)) + content


def _outputs(answer) -> dict[str, np.ndarray | list]:
    """Reads an answer by the protocol's rules, not by the server's code."""
    length = int(answer.headers.get(LENGTH.lower(), len(answer.body)))
    head, rest = json.loads(answer.body[:length]), answer.body[length:]
    found = {}
    for each in head["outputs"]:
        size = each.get("parameters", {}).get("binary_data_size")
        if size is None:
            found[each["name"]] = each["data"]
            continue
        part, rest = rest[:size], rest[size:]
        if each["datatype"] == "BYTES":
            strings = []
            while part:
                [count] = struct.unpack("<I", part[:4])
                strings.append(part[4 : 4 + count])
                part = part[4 + count :]
            found[each["name"]] = strings
        else:
            dtype = {"INT32": "<i4", "FP32": "<f4"}[each["datatype"]]
            found[each["name"]] = np.frombuffer(part, dtype).reshape(each["shape"])
    assert rest == b""
    return found


def test_health_and_metadata(plain):
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/maskconver/ready"):
        assert plain.send("GET", path).status == 200
    assert "binary_tensor_data" in plain.send("GET", "/v2").json()["extensions"]
    found = plain.send("GET", "/v2/models/maskconver").json()
    assert found["inputs"] == [{"name": "encoded_images", "datatype": "BYTES", "shape": [-1]}]
    assert {"name": "boxes", "datatype": "INT32", "shape": [-1, 3, 4]} in found["outputs"]
    assert found["versions"] == ["1"] and found["platform"] == "tensorflow_savedmodel"
    assert plain.send("GET", "/v2/models/maskconver/versions/1").status == 200


def test_json_in_and_out(plain):
    file = picture(1)
    answer = plain.send("POST", INFER, json.dumps({"id": "42", "inputs": [_input(file)]}))
    found = answer.json()
    assert (found["model_name"], found["model_version"], found["id"]) == ("maskconver", "1", "42")
    outputs = {each["name"]: each for each in found["outputs"]}
    png = outputs["panoptic_png_bytes"]
    assert png["parameters"] == {"content_type": "base64"}
    ids = pixels_of(base64.b64decode(png["data"][0]))[..., 0]
    np.testing.assert_array_equal(ids, bright_map(pixels_of(file)))
    assert outputs["category_names"]["data"] == ["dark", "bright", ""]
    assert outputs["scores"] == {
        "name": "scores",
        "shape": [1, 3],
        "datatype": "FP32",
        "data": [0.9, 0.6, 0.0],
    }


def test_bytes_in_and_out(plain):
    files = [picture(2), picture(3, (9, 8))]
    tensor = {"name": "encoded_images", "shape": [2], "datatype": "BYTES"}
    strings = b"".join(map(_string, files))
    body, headers = _binary([tensor], [strings], parameters={"binary_data_output": True})
    answer = plain.send("POST", INFER, body, headers)
    assert answer.status == 200
    outputs = _outputs(answer)
    for file, png in zip(files, outputs["panoptic_png_bytes"]):
        np.testing.assert_array_equal(pixels_of(png)[..., 0], bright_map(pixels_of(file)))
    assert outputs["num_segments"].tolist() == [2, 2] and outputs["boxes"].shape == (2, 3, 4)


def test_chosen_outputs_in_chosen_forms(plain):
    outputs = [
        {"name": "panoptic_png_bytes", "parameters": {"binary_data": True}},
        {"name": "areas"},
    ]
    content = {"inputs": [_input(picture(4))], "outputs": outputs}
    found = _outputs(plain.send("POST", INFER, json.dumps(content)))
    assert list(found) == ["panoptic_png_bytes", "areas"]
    expected = np.bincount(bright_map(pixels_of(picture(4))).ravel())[1:].tolist()
    assert found["areas"] == [*expected, 0]


def test_numbers_as_bytes_and_another_signature(plain):
    image = pixels_of(picture(5, (6, 5)))
    tensor = {"name": "image", "shape": [6, 5, 3], "datatype": "UINT8"}
    parameters = {"signature_name": "segment_image", "binary_data_output": True}
    body, headers = _binary([tensor], [image.tobytes()], parameters=parameters)
    found = _outputs(plain.send("POST", INFER, body, headers))
    np.testing.assert_array_equal(found["panoptic_map"], bright_map(image))


def test_thresholds_in_both_forms(plain):
    limit = {"name": "score_threshold", "shape": [1], "datatype": "FP32", "data": [0.7]}
    content = {"inputs": [_input(picture()), limit]}
    content["parameters"] = {"signature_name": "serving_with_thresholds"}
    found = _outputs(plain.send("POST", INFER, json.dumps(content)))
    assert found["num_segments"] == [1]


_GOOD = _input(picture())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        {},
        {"inputs": {}},
        {"inputs": [3]},
        {"inputs": []},
        {"inputs": [_GOOD, _GOOD]},
        {"inputs": [_GOOD | {"name": "image"}]},
        {"inputs": [_GOOD | {"name": None}]},
        {"inputs": [_GOOD | {"datatype": "UINT8"}]},
        {"inputs": [_GOOD | {"shape": [2]}]},
        {"inputs": [_GOOD | {"shape": [-1]}]},
        {"inputs": [_GOOD | {"shape": [1] * 9}]},
        {"inputs": [_GOOD | {"shape": [1, 1]}]},
        {"inputs": [_GOOD | {"shape": "1"}]},
        {"inputs": [_GOOD | {"data": "x"}]},
        {"inputs": [_GOOD | {"data": ["!"]}]},
        {"inputs": [_GOOD | {"data": [1]}]},
        {"inputs": [_GOOD | {"parameters": 3}]},
        {"inputs": [_GOOD | {"parameters": {"binary_data_size": 10}}]},
        {"inputs": [_GOOD | {"parameters": {"binary_data_size": -1}}]},
        {"inputs": [_GOOD | {"parameters": {"binary_data_size": True}}]},
        {"inputs": [_GOOD], "outputs": [{"name": "nope"}]},
        {"inputs": [_GOOD], "outputs": {"name": "areas"}},
        {"inputs": [_GOOD], "outputs": [3]},
        {"inputs": [_GOOD], "outputs": [{"name": "areas", "parameters": 3}]},
        {"inputs": [_GOOD], "parameters": 3},
        {"inputs": [_GOOD], "parameters": {"signature_name": "nope"}},
        {"inputs": [_GOOD], "id": 5},
    ],
)
def test_wrong_requests_get_status_400(plain, content):
    body = content if isinstance(content, bytes) else json.dumps(content)
    answer = plain.send("POST", INFER, body)
    assert answer.status == 400 and "\n" not in answer.json()["error"]


@pytest.mark.parametrize("length", ["x", "-1", "99999999", "1" * 30, "5"])
def test_a_wrong_length_of_the_json_part(plain, length):
    answer = plain.send("POST", INFER, json.dumps({"inputs": [_GOOD]}), {LENGTH: length})
    assert answer.status == 400


@pytest.mark.parametrize(
    "strings", [b"", b"\x05", b"\xff\xff\xff\xff", _string(b"a") + b"b", _string(b"a") * 2]
)
def test_wrong_bytes(plain, strings):
    tensor = {"name": "encoded_images", "shape": [1], "datatype": "BYTES"}
    body, headers = _binary([tensor], [strings])
    assert plain.send("POST", INFER, body, headers).status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/..%2fx", 400),
        ("GET", "/v2/models/maskconver/versions/3", 404),
        ("GET", "/v2/models/maskconver/versions/x", 400),
        ("GET", "/v2/models/maskconver/infer", 405),
        ("POST", "/v2/models/maskconver", 405),
        ("GET", "/v2/models/", 400),
        ("GET", "/v2/health/other", 404),
    ],
)
def test_wrong_addresses(plain, method, path, status):
    assert plain.send(method, path, b"{}" if method == "POST" else None).status == status
