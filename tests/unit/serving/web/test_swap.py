"""A new version takes over while requests come, and none of them fails."""

from __future__ import annotations

import threading
import time

import numpy as np

from maskconver_tf.errors import UserError
from tests.unit.serving.fake_model import (
    FakeModel,
    bright_map,
    fake_version,
    make_versions,
    picture,
    pixels_of,
)


def test_no_request_fails_while_versions_change(serve, tmp_path):
    models = {1: FakeModel(0.01), 2: FakeModel(0.01, shift=40), 4: FakeModel(0.01, shift=80)}
    shifts = {"1": 0, "2": 40, "4": 80}

    def load(path, number):
        time.sleep(0.2)
        if number == 3:
            raise UserError(f"{path}: damaged; write it again")
        return fake_version(number, models[number])

    file, seen, problems, stop = picture(1), set(), [], threading.Event()
    with serve(load=load, limits={"queue_pictures": 100}) as running:

        def ask() -> None:
            while not stop.is_set():
                answer = running.send("POST", "/segment", file, {"Accept": "image/png"})
                version = answer.headers.get("x-model-version")
                seen.add(version)
                expected = bright_map(pixels_of(file), shifts.get(version, 0))
                if answer.status != 200 or not np.array_equal(
                    pixels_of(answer.body)[..., 0], expected
                ):
                    problems.append(answer)

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        for number in (2, 3, 4):
            time.sleep(0.5)
            make_versions(tmp_path / "exported", number)
        end = time.monotonic() + 10
        while "4" not in seen and time.monotonic() < end:
            time.sleep(0.05)
        states = running.send("GET", "/v1/models/maskconver").json()["model_version_status"]
        stop.set()
        for client in clients:
            client.join()
    assert problems == [] and seen == {"1", "2", "4"}
    assert {each["version"]: each["state"] for each in states} == {"4": "AVAILABLE", "3": "END"}
