"""Runs a server with a fake model until SIGTERM: `python serve_fake.py FOLDER SECONDS`."""

from __future__ import annotations

import sys
from pathlib import Path

from maskconver_tf.serving.settings import Limits, ServerSettings
from maskconver_tf.serving.web.server import ModelServer
from tests.unit.serving.fake_model import FakeModel, fake_version, make_versions

folder = make_versions(Path(sys.argv[1]), 1)
model = FakeModel(seconds=float(sys.argv[2]))
settings = ServerSettings(port=0, access_log=False, limits=Limits(stop_seconds=3.0))
server = ModelServer(folder, settings, lambda path, number: fake_version(number, model))
print(server.url, flush=True)
server.run()
print("ended", flush=True)
