"""A server with a fake model until SIGTERM: `serve_fake.py FOLDER SECONDS_PER_BATCH [TOKEN]`."""

from __future__ import annotations

import sys
from pathlib import Path

from maskconver_tf.serving.settings import Limits, ServerSettings
from maskconver_tf.serving.web.server import ModelServer
from tests.unit.serving.fake_model import FakeModel, fake_version, make_versions

folder = make_versions(Path(sys.argv[1]), 1)
model = FakeModel(seconds=float(sys.argv[2]))
token = sys.argv[3] if len(sys.argv) > 3 else None
limits = Limits(stop_seconds=3.0, body_seconds=15.0, header_seconds=3.0)
settings = ServerSettings(port=0, token=token, access_log=False, limits=limits)
server = ModelServer(folder, settings, lambda path, number: fake_version(number, model))
print(server.url, flush=True)
server.run()
print("ended", flush=True)
