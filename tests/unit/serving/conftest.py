"""A running server with a fake model."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import urllib.parse
from collections.abc import Callable, Iterator

import pytest

from maskconver_tf.serving.settings import Limits, ServerSettings
from maskconver_tf.serving.web.server import ModelServer
from tests.unit.serving.fake_model import FakeModel, fake_version, make_versions


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)


@dataclasses.dataclass
class Running:
    """A server in a thread."""

    url: str
    model: FakeModel
    server: ModelServer

    def send(self, method: str, path: str, body=None, headers: dict | None = None) -> Answer:
        """Sends a request on a connection of its own; `path` goes out as it is."""
        address = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            found = connection.getresponse()
            headers = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, headers, found.read())


@pytest.fixture
def serve(tmp_path) -> Callable[..., contextlib.AbstractContextManager[Running]]:
    """`with serve(model, limits={...}, numbers=(1,), **settings) as running`."""

    @contextlib.contextmanager
    def start(model=None, limits=None, numbers=(1,), load=None, **settings) -> Iterator[Running]:
        model = model or FakeModel()
        folder = tmp_path / "exported"
        if not folder.exists():
            make_versions(folder, *numbers)
        settings = {"port": 0, "poll_seconds": 0.05, "access_log": False} | settings
        chosen = ServerSettings(limits=Limits(**(limits or {})), **settings)
        make = load or (lambda path, number: fake_version(number, model))
        server = ModelServer(folder, chosen, make)
        with server.running() as url:
            yield Running(url, model, server)

    return start


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Iterator[Running]:
    """A server with default settings, for tests that do not change it."""
    folder = make_versions(tmp_path_factory.mktemp("plain"), 1)
    model = FakeModel()
    settings = ServerSettings(port=0, labels={"stable": 1}, access_log=False)
    server = ModelServer(folder, settings, lambda path, number: fake_version(number, model))
    with server.running() as url:
        yield Running(url, model, server)
