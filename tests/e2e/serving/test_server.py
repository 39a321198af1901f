"""The server answers as the local API, pixel by pixel, whatever the protocol and the batch."""

from __future__ import annotations

import base64
import io
import json
import shutil
import struct
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from maskconver_tf.cli.shipping.serve import _export_run
from maskconver_tf.errors import UserError
from maskconver_tf.files.id_map import rgb_to_ids
from maskconver_tf.serving.calls.failures import PictureRefused
from maskconver_tf.serving.client import RestClient
from maskconver_tf.serving.settings import ServerSettings
from maskconver_tf.serving.versions.load_version import load_model_version
from maskconver_tf.serving.versions.warm_up import warm_up
from maskconver_tf.serving.web.server import ModelServer


def _post(url: str, body: bytes, **headers: str) -> tuple[dict[str, str], bytes]:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(answer.headers), answer.read()


def _ids(png: bytes) -> np.ndarray:
    return rgb_to_ids(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")))


def _assert_equal(found, expected) -> None:
    np.testing.assert_array_equal(found.panoptic_map, expected.panoptic_map)
    np.testing.assert_array_equal(found.image, expected.image)
    assert found.panoptic_map.dtype == expected.panoptic_map.dtype
    assert found.categories == expected.categories
    for ours, theirs in zip(found.segments, expected.segments, strict=True):
        assert (ours.id, ours.class_id, ours.area, ours.box) == (
            theirs.id,
            theirs.class_id,
            theirs.area,
            theirs.box,
        )
        assert ours.score == pytest.approx(theirs.score, rel=1e-5)


@pytest.fixture(scope="module")
def expected(local, files):
    found = [local(path) for path in files]
    assert sum(len(each.segments) for each in found) > len(files)
    return found


def test_rest_equals_the_local_api_alone_and_in_batches(server_url, files, expected):
    client = RestClient(server_url)
    for path, prediction in zip(files, expected):
        _assert_equal(client.segment(path), prediction)
    for found, prediction in zip(client.segment_batch(files), expected):
        _assert_equal(found, prediction)
    many = client.segment_many(files * 4, at_once=8)
    for found, prediction in zip(many, expected * 4, strict=True):
        _assert_equal(found, prediction)


def test_a_batch_differs_by_a_few_border_pixels_at_most(version, served_version, files, expected):
    settings = ServerSettings(port=0, batch_sizes=(1, 3), batch_seconds=0.5, access_log=False)
    server = ModelServer(served_version, settings, lambda path, number: version)
    with server.running() as url:
        for found, prediction in zip(RestClient(url).segment_batch(files), expected):
            assert np.mean(found.panoptic_map == prediction.panoptic_map) > 0.999
        with urllib.request.urlopen(f"{url}/metrics") as answer:
            text = answer.read().decode()
    assert f"maskconver_batch_size_sum {len(files)}.0" in text
    assert "maskconver_batch_size_count 3.0" in text


def test_arrays_and_bytes_equal_the_local_api(server_url, files, local):
    client = RestClient(server_url)
    _assert_equal(client.segment(files[0].read_bytes()), local(files[0]))
    pixels = np.asarray(Image.open(files[0]).convert("RGB"))
    _assert_equal(client.segment(pixels), local(pixels))


def test_segment_gives_the_map_the_masks_and_the_drawing(server_url, files, expected):
    for path, prediction in zip(files, expected):
        body = path.read_bytes()
        _, png = _post(f"{server_url}/segment", body, Accept="image/png")
        np.testing.assert_array_equal(_ids(png), prediction.panoptic_map)
        _, text = _post(f"{server_url}/segment", body, Accept="application/json")
        found = json.loads(text)
        assert found.pop("version") == 1
        for segment in found["segments"]:
            mask = coco_mask.decode(segment.pop("segmentation")).astype(bool)
            np.testing.assert_array_equal(mask, prediction.panoptic_map == segment["id"])
        assert found == prediction.to_json()
        _, drawn = _post(f"{server_url}/segment", body, Accept="image/png;profile=drawing")
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(drawn))), prediction.draw())


def test_open_inference_equals_the_local_api(server_url, files, expected):
    contents = [path.read_bytes() for path in files]
    strings = b"".join(struct.pack("<I", len(each)) + each for each in contents)
    tensor = {"name": "encoded_images", "shape": [len(files)], "datatype": "BYTES"}
    tensor["parameters"] = {"binary_data_size": len(strings)}
    outputs = [{"name": "panoptic_png_bytes", "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": [tensor], "outputs": outputs}).encode()
    length = {"Inference_Header_Content_Length": str(len(head))}
    headers, body = _post(f"{server_url}/v2/models/maskconver/infer", head + strings, **length)
    rest = body[int(headers["inference-header-content-length"]) :]
    for prediction in expected:
        [size] = struct.unpack("<I", rest[:4])
        np.testing.assert_array_equal(_ids(rest[4 : 4 + size]), prediction.panoptic_map)
        rest = rest[4 + size :]
    assert rest == b""


def test_thresholds_are_those_of_the_signature(server_url, files, version):
    client = RestClient(server_url)
    inputs = {"encoded_images": np.array([files[0].read_bytes()], object)}
    inputs |= {"score_threshold": np.array([0.3], np.float32), "min_area": np.array([40], np.int32)}
    inputs["overlap_threshold"] = np.array([-1], np.float32)
    expected = version.run("serving_with_thresholds", inputs)
    found = client.segment(files[0], score_threshold=0.3, min_area=40)
    np.testing.assert_array_equal(found.panoptic_map, _ids(expected["panoptic_png_bytes"][0]))
    assert len(found.segments) == expected["num_segments"][0]
    assert not client.segment(files[0], score_threshold=1.0).segments


def test_bad_files_fail_no_other(server_url, files, local):
    client = RestClient(server_url)
    cut = files[0].read_bytes()[:-40]
    found = client.segment_batch([b"", b"text", cut, files[0]])
    assert [type(each) for each in found[:3]] == [PictureRefused] * 3
    assert [each.status for each in found[:3]] == [1, 2, 4]
    _assert_equal(found[3], local(files[0]))


def test_other_signatures_equal_the_local_api(server_url, files, local):
    pixels = np.asarray(Image.open(files[0]).convert("RGB"))
    expected = local(pixels)
    content = {"signature_name": "segment_image", "inputs": {"image": pixels.tolist()}}
    url = f"{server_url}/v1/models/maskconver:predict"
    outputs = json.loads(_post(url, json.dumps(content).encode())[1])["outputs"]
    np.testing.assert_array_equal(outputs["panoptic_map"], expected.panoptic_map)


def test_metadata_is_that_of_the_saved_model(server_url):
    with urllib.request.urlopen(f"{server_url}/v1/models/maskconver/metadata") as answer:
        found = json.load(answer)["metadata"]["signature_def"]["signature_def"]
    default = found["serving_default"]
    assert default["method_name"] == "tensorflow/serving/predict"
    assert default["inputs"]["encoded_images"] == {
        "name": "serving_default_encoded_images:0",
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
    }
    thresholds = {"score_threshold", "overlap_threshold", "min_area"}
    assert thresholds < set(found["serving_with_thresholds"]["inputs"])


def test_proposals_are_those_of_the_network(server_url, files, served_version):
    accept = "application/vnd.maskconver.proposals+json"
    found = json.loads(_post(f"{server_url}/segment", files[0].read_bytes(), Accept=accept)[1])
    data = np.frombuffer(base64.b64decode(found["logits"]["data"]), "<f4")
    count, rows, columns = found["logits"]["shape"]
    assert data.size == count * rows * columns and count == len(found["scores"]) > 0
    assert found["scores"] == sorted(found["scores"], reverse=True)
    assert found["fusion"]["class"] == "PanopticFusion"
    assert -(-found["content_size"][0] // found["mask_stride"]) == rows


def test_many_clients_at_once_get_their_own_answers(server_url, files, expected):
    def ask(i: int) -> None:
        path, prediction = files[i % len(files)], expected[i % len(files)]
        accept = {"Accept": "image/png"}
        _, png = _post(f"{server_url}/segment", path.read_bytes(), **accept)
        np.testing.assert_array_equal(_ids(png), prediction.panoptic_map)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(ask, range(60)))


def test_a_version_of_an_export_passes_its_warm_up(version):
    warm_up(version, (1, 3))
    assert version.max_pixels == 50_000_000 and version.has_proposals


def test_a_damaged_version_cannot_be_loaded(served_version, tmp_path):
    copied = tmp_path / "2"
    shutil.copytree(served_version, copied)
    [data] = (copied / "variables").glob("variables.data-*")
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(UserError, match="damaged"):
        load_model_version(copied, 2)


def test_a_run_is_exported_for_the_server(monkeypatch, trained, tmp_path):
    """The export itself is tested elsewhere, so only its arguments are looked at here."""
    calls = []
    monkeypatch.setattr(
        "maskconver_tf.export.saved_model.export_saved_model", lambda *given: calls.append(given)
    )
    _export_run(str(trained), str(tmp_path), ["PanopticFusion.score_threshold=0.25"])
    [(segmenter, out, options)] = calls
    assert segmenter.fusion.score_threshold == 0.25 and out == str(tmp_path)
    assert not options.model_only
