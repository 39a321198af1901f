"""Versions of a real export are copied into the served folder, damaged and whole, under load."""

from __future__ import annotations

import io
import json
import logging
import shutil
import threading
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.files.id_map import rgb_to_ids
from maskconver_tf.serving.settings import ServerSettings
from maskconver_tf.serving.versions.load_version import load_model_version
from maskconver_tf.serving.versions.warm_up import warm_up
from maskconver_tf.serving.web.server import ModelServer

SECONDS = 60.0


def _cut_variables(version):
    [data] = (version / "variables").glob("variables.data-*")
    data.write_bytes(data.read_bytes()[:-100])


def _change_a_weight(version):
    [data] = (version / "variables").glob("variables.data-*")
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 0xFF
    data.write_bytes(content)


def _no_graph(version):
    (version / "saved_model.pb").unlink()


DAMAGES = {
    2: (_cut_variables, "variables"),
    3: (_no_graph, "saved_model.pb"),
    4: (_change_a_weight, "variables"),
}
"""Version -> how it is damaged, and what the message names."""


class _Clients:
    """Threads that ask without a pause, and remember versions and wrong answers."""

    def __init__(self, url: str, body: bytes, expected: np.ndarray):
        self._request = urllib.request.Request(f"{url}/segment", body, {"Accept": "image/png"})
        self._expected = expected
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]
        self.problems: list[str] = []
        self.seen: list[str] = []

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                with urllib.request.urlopen(self._request, timeout=SECONDS) as answer:
                    self.seen.append(answer.headers["X-Model-Version"])
                    png = Image.open(io.BytesIO(answer.read())).convert("RGB")
            except OSError as error:
                self.problems.append(f"{error}")
            else:
                if not np.array_equal(rgb_to_ids(np.asarray(png)), self._expected):
                    self.problems.append(f"another map of version {self.seen[-1]}")
            time.sleep(0.1)


def _states(url: str) -> dict[int, dict]:
    with urllib.request.urlopen(f"{url}/v1/models/maskconver", timeout=SECONDS) as answer:
        return {int(each["version"]): each for each in json.load(answer)["model_version_status"]}


def _wait(condition) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def folder(served_version, tmp_path):
    folder = tmp_path / "exported"
    shutil.copytree(served_version, folder / "1")
    return folder


def test_damaged_versions_are_refused_and_a_whole_one_takes_over(
    folder, served_version, version, local, files, caplog, monkeypatch
):
    # `maskconver serve` turns it off, perhaps in another test of this process.
    monkeypatch.setattr(logging.getLogger("maskconver.serve"), "propagate", True)

    def load(path, number):
        if number == 1:
            return version
        found = load_model_version(path, number)
        warm_up(found, (1,))
        return found

    settings = ServerSettings(port=0, batch_sizes=(1,), poll_seconds=0.1, access_log=False)
    server = ModelServer(folder, settings, load)
    expected = local(files[0]).panoptic_map
    with (
        caplog.at_level(logging.INFO, "maskconver.serve"),
        server.running() as url,
        _Clients(url, files[0].read_bytes(), expected) as clients,
    ):
        for number, (damage, named) in DAMAGES.items():
            shutil.copytree(served_version, folder.parent / "new")
            damage(folder.parent / "new")
            shutil.copytree(folder.parent / "new", folder / str(number))
            shutil.rmtree(folder.parent / "new")
            _wait(lambda: _states(url).get(number, {}).get("state") == "END")  # noqa: B023
            _assert_tells_why(_states(url), number, named, folder, caplog)
        assert set(clients.seen) == {"1"}
        shutil.copytree(served_version, folder / "5")
        _wait(lambda: clients.seen[-1] == "5")
        assert {n: each["state"] for n, each in _states(url).items()} == {
            5: "AVAILABLE",
            **dict.fromkeys(DAMAGES, "END"),
        }
    assert clients.problems == []
    assert set(clients.seen) == {"1", "5"}


def _assert_tells_why(states, number, named, folder, caplog):
    assert states[1]["state"] == "AVAILABLE"
    status = states[number]["status"]
    assert status["error_code"] == "INTERNAL"
    assert named in status["error_message"] and str(folder) not in status["error_message"]

    def lines():  # A set, because a record may reach the log of tests by several handlers.
        return {text for text in caplog.messages if text.startswith(f"version {number} is refused")}

    _wait(lines)  # The server sets the state first.
    [line] = lines()
    assert named in line and str(folder / str(number)) in line
