"""The REST client: predictions, batches, folders, retries, deadlines, and what it imports."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.inference.predictor import Prediction
from maskconver_tf.serving.calls.failures import (
    DeadlineExceeded,
    PictureRefused,
    RequestFailed,
    TryAgain,
)
from maskconver_tf.serving.calls.retry import Retry, call_with_retry
from maskconver_tf.serving.client import RestClient
from tests.unit.serving.fake_model import (
    CATEGORIES,
    FakeModel,
    bright_map,
    fake_version,
    picture,
    pixels_of,
)
from tests.unit.serving.scripted_server import http_answer, scripted_server

FAST = Retry(attempts=5, first_seconds=0.01, most_seconds=0.02)


STATES = http_answer(200, {"model_version_status": [{"version": "3", "state": "AVAILABLE"}]})
BUSY = http_answer(429, {"error": "Too many"}, Retry_After="0")


def test_predictions_are_those_of_the_local_api(plain, tmp_path):
    client = RestClient(plain.url)
    file = picture(1)
    (tmp_path / "a.png").write_bytes(file)
    for given in (file, tmp_path / "a.png", str(tmp_path / "a.png"), pixels_of(file)):
        found = client.segment(given)
        assert isinstance(found, Prediction) and found.categories == CATEGORIES
        np.testing.assert_array_equal(found.image, pixels_of(file))
        np.testing.assert_array_equal(found.panoptic_map, bright_map(pixels_of(file)))
        assert found.panoptic_map.dtype == np.int32 and found.image.dtype == np.uint8
        assert [(s.id, s.class_id, s.is_crowd) for s in found.segments] == [
            (1, 0, False),
            (2, 1, False),
        ]
        assert found.segments[0].score == float(np.float32(0.9))
        assert found.segments[1].area == (found.panoptic_map == 2).sum()
        assert found.to_json()["segments"][0]["bbox"] == [0, 0, 30, 20]
    assert set(found.save(tmp_path, "b")) == {"picture", "ids", "segments"}


def test_batches_keep_their_order_and_a_bad_file_fails_no_other(plain):
    client = RestClient(plain.url, categories=CATEGORIES)
    found = client.segment_batch([picture(1), b"text", picture(2), b""])
    for i in (0, 2):
        expected = bright_map(pixels_of(picture(1 + i // 2)))
        np.testing.assert_array_equal(found[i].panoptic_map, expected)
    assert [found[i].status for i in (1, 3)] == [2, 1]
    assert client.segment_batch([]) == []
    with pytest.raises(PictureRefused, match="not a picture"):
        client.segment(b"text")


def test_thresholds_versions_labels_and_tokens(serve):
    models = {1: FakeModel(), 2: FakeModel(shift=70)}
    load = lambda path, number: fake_version(number, models[number])  # noqa: E731
    token = "a-secret-of-24-characters"
    options = {"num_versions": 2, "labels": {"stable": 1}, "token": token}
    with serve(numbers=(1, 2), load=load, **options) as running:

        def client(**given):
            return RestClient(running.url, token=token, **given)

        assert client().states() == {2: "AVAILABLE", 1: "AVAILABLE"}
        for given, shift in (({}, 70), ({"version": 1}, 0), ({"label": "stable"}, 0)):
            found = client(**given).segment(picture(3)).panoptic_map
            np.testing.assert_array_equal(found, bright_map(pixels_of(picture(3)), shift))
        assert len(client().segment(picture(), score_threshold=0.7).segments) == 1
        assert len(client().segment(picture(), score_threshold=None, min_area=3).segments) == 2
        with pytest.raises(RequestFailed, match="404: Version 5 is not served") as caught:
            client(version=5, categories=CATEGORIES).segment(picture())
        assert caught.value.status == 404
        with pytest.raises(RequestFailed, match="401: Send the server's token"):
            RestClient(running.url, categories=CATEGORIES).segment(picture())


def test_folders_are_streamed_in_order(serve, tmp_path):
    folder = tmp_path / "pictures"
    (folder / "deep").mkdir(parents=True)
    for i in range(12):
        name = f"deep/{i:02d}.png" if i % 3 else f"{i:02d}.png"
        (folder / name).write_bytes(picture(i))
    (folder / "05_bad.jpg").write_bytes(b"text")
    (folder / "notes.txt").write_bytes(b"no picture")
    (folder / "06_large.png").write_bytes(picture(0, (200, 200)))
    model = FakeModel(seconds=0.01)
    with serve(model, limits={"max_pixels": 10_000}) as running:
        found = dict(RestClient(running.url).segment_folder(folder, at_once=3))
    assert list(found) == sorted(found) and len(found) == 14
    for path, prediction in found.items():
        if path.name == "05_bad.jpg":
            assert prediction.status == 2
        elif path.name == "06_large.png":
            assert prediction.status == 3
        else:
            expected = bright_map(pixels_of(path.read_bytes()))
            np.testing.assert_array_equal(prediction.panoptic_map, expected)


def test_a_stream_takes_pictures_only_as_fast_as_its_answers_are_taken(plain):
    taken = []

    def pictures():
        for i in range(100):
            taken.append(i)
            yield picture(i % 3)

    stream = RestClient(plain.url).segment_many(pictures(), batch_size=2, at_once=3)
    next(stream)
    assert len(taken) <= 10
    stream.close()
    assert len(list(RestClient(plain.url).segment_many([picture()] * 7, batch_size=3))) == 7


@pytest.mark.parametrize(
    "first",
    [BUSY, http_answer(503, b"busy"), b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"],
)
def test_busy_servers_and_lost_connections_are_asked_again(first):
    with scripted_server(first, first, STATES) as (url, requests):
        assert RestClient(url, retry=FAST).states() == {3: "AVAILABLE"}
        assert len(requests) == 3


def test_an_answer_that_breaks_off_is_a_lost_connection():
    with scripted_server(STATES[:-5], STATES) as (url, requests):
        assert RestClient(url, retry=FAST).states() == {3: "AVAILABLE"}
        assert len(requests) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500, 504])
def test_other_answers_are_not_asked_again(status):
    with scripted_server(http_answer(status, {"error": "The reason"}), STATES) as (url, requests):
        with pytest.raises(RequestFailed, match=f"status {status}: The reason") as caught:
            RestClient(url, retry=FAST).states()
        assert caught.value.status == status and len(requests) == 1


def test_the_last_failure_is_told_after_the_last_attempt():
    with scripted_server(*[BUSY] * 9) as (url, requests):
        with pytest.raises(RequestFailed, match="429: Too many"):
            RestClient(url, retry=FAST).states()
        assert len(requests) == FAST.attempts
    with pytest.raises(RequestFailed, match="connection was lost"):
        RestClient(url, retry=FAST).states()


def test_a_silent_server_ends_at_the_deadline_and_is_not_asked_again():
    with scripted_server(2.0, STATES) as (url, requests):
        begin = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            RestClient(url, deadline_seconds=0.2).states()
        assert time.monotonic() - begin < 1.5 and len(requests) == 1


def test_a_wait_longer_than_the_deadline_is_not_begun():
    with scripted_server(http_answer(503, b"", Retry_After="60"), STATES) as (url, requests):
        begin = time.monotonic()
        with pytest.raises(RequestFailed, match="503"):
            RestClient(url, deadline_seconds=5).states()
        assert time.monotonic() - begin < 2 and len(requests) == 1


def test_waits_grow_differ_and_add_what_the_server_asks():
    retry = Retry(attempts=9, first_seconds=1, most_seconds=4)
    for failed, longest in ((1, 1), (2, 2), (3, 4), (8, 4)):
        waits = [retry.wait(failed, None) for _ in range(200)]
        assert min(waits) >= 0 and 0.5 * longest < max(waits) <= longest
        assert len(set(waits)) > 100
        assert 7 <= retry.wait(failed, 7.0) <= 7 + longest
    calls = []

    def fail(left):
        calls.append(left)
        raise TryAgain(RequestFailed("busy"))

    with pytest.raises(RequestFailed, match="busy"):
        call_with_retry(fail, 10, Retry(3, 0, 0))
    assert len(calls) == 3 and sorted(calls, reverse=True) == calls
    with pytest.raises(UserError, match=r"Retry.attempts"):
        Retry(attempts=0)


def test_a_refusal_before_the_body_is_read_is_understood(serve):
    with serve(limits={"max_body_bytes": 1000}) as running:
        client = RestClient(running.url, categories=CATEGORIES, retry=FAST)
        with pytest.raises(RequestFailed, match="413"):
            client.segment(bytes(20_000_000))


@pytest.mark.parametrize(
    "content", [b"text", [], {}, {"predictions": []}, {"predictions": [{}]}, {"predictions": [5]}]
)
def test_answers_of_another_service_are_told(content):
    with scripted_server(http_answer(200, content)) as (url, _), pytest.raises(RequestFailed):
        RestClient(url, categories=CATEGORIES).segment(picture())


def test_wrong_arguments_are_told(plain, tmp_path):
    with pytest.raises(UserError, match="expected the address of a server"):
        RestClient("localhost:8501")
    with pytest.raises(UserError, match="give one of them"):
        RestClient(plain.url, version=1, label="stable")
    client = RestClient(plain.url)
    with pytest.raises(UserError, match="no such picture"):
        client.segment(tmp_path / "none.jpg")
    with pytest.raises(UserError, match="expected uint8"):
        client.segment(np.zeros([3, 3]))
    with pytest.raises(UserError, match="no threshold has this name"):
        client.segment(picture(), threshold=0.5)
    with pytest.raises(UserError, match="score_threshold"):
        client.segment(picture(), score_threshold=2)
    with pytest.raises(UserError, match="no such folder"):
        next(client.segment_folder(tmp_path / "none"))
    with pytest.raises(UserError, match="found no picture"):
        next(client.segment_folder(tmp_path))
    told = pytest.raises(UserError, match="does not tell its class list .*categories.json")
    with scripted_server(http_answer(404, {"error": "Malformed request"})) as (url, _), told:
        _ = RestClient(url).categories


ONLY_NUMPY_AND_PILLOW = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        root = name.split(".")[0]
        known = root in ("maskconver_tf", "numpy", "PIL") or root in sys.stdlib_module_names
        models = ("models", "layers", "losses", "postprocess", "training", "export", "input")
        if not known or name.startswith(tuple(f"maskconver_tf.{room}" for room in models)):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
from maskconver_tf.serving.client import GrpcClient, RestClient

found = RestClient(sys.argv[1]).segment(open(sys.argv[2], "rb").read())
print(len(found.segments), found.panoptic_map.sum())
try:
    GrpcClient("localhost:1", sys.argv[3])
except Exception as error:
    print(type(error).__name__, "maskconver_tf[grpc]" in str(error))
"""


def test_numpy_and_pillow_are_enough(plain, tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(picture(7))
    CATEGORIES.save(tmp_path / "categories.json")
    arguments = [plain.url, str(file), str(tmp_path / "categories.json")]
    result = subprocess.run(
        [sys.executable, "-c", ONLY_NUMPY_AND_PILLOW, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    expected = bright_map(pixels_of(picture(7))).sum()
    assert result.stdout.splitlines() == [f"2 {expected}", "UserError True"], result.stderr
