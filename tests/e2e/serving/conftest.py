"""A server and its export, which all tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskconver_tf
from maskconver_tf.serving.settings import ServerSettings
from maskconver_tf.serving.versions.load_version import load_model_version
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.serving.web.server import ModelServer


@pytest.fixture(scope="session")
def served_version(exported) -> Path:
    """The folder of the version that the server has."""
    return exported[0] / "1"


@pytest.fixture(scope="session")
def version(served_version) -> ModelVersion:
    """The loaded version; all servers share it, since loading and tracing take seconds."""
    return load_model_version(served_version, 1)


@pytest.fixture(scope="session")
def server_url(served_version, version):
    """Address of a server in a thread, which runs each picture alone."""
    settings = ServerSettings(port=0, batch_sizes=(1,), access_log=False)
    server = ModelServer(served_version, settings, lambda path, number: version)
    with server.running() as url:
        yield url


@pytest.fixture(scope="session")
def local(served_version):
    """The local API of the same export."""
    return maskconver_tf.load(served_version)


@pytest.fixture(scope="session")
def files(scenes, tmp_path_factory) -> list[Path]:
    """Pictures of each kind and of several sizes; one has to be turned."""
    folder = tmp_path_factory.mktemp("served_pictures")
    found = [Image.open(path) for path in sorted((scenes / "images/train").iterdir())]
    exif = Image.Exif()
    exif[0x112] = 6
    found[0].save(folder / "a.png")
    found[1].resize((90, 61)).save(folder / "turned.jpg", quality=95, exif=exif)
    found[2].save(folder / "progressive.jpg", progressive=True)
    found[3].resize((300, 60)).save(folder / "wide.bmp")
    found[4].save(folder / "lossy.webp", quality=95)
    found[5].convert("L").save(folder / "gray.jpg")
    Image.fromarray(np.asarray(found[6])[:33, :17]).save(folder / "small.png")
    return sorted(folder.iterdir())
