"""Calls launch/serving/server.sh as a user would, with an export folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.unit.launch.conftest import defaults

SETTINGS = defaults("serving") | {"KUBE_CONTEXT": "c", "MODEL_PATH": "gs://b/exported"}


@pytest.fixture
def export(tmp_path) -> Path:
    """A folder of versions 2 and 10, warmed up for 1, 2 and 8 pictures; only what scripts read."""
    for version, sizes in ((2, [4]), (10, [1, 2, 8])):
        extra = tmp_path / "my exports" / str(version) / "assets.extra"
        extra.mkdir(parents=True)
        lines = [f"allowed_batch_sizes: {size}\n" for size in sizes]
        (extra / "batching_parameters.txt").write_text("".join(lines))
    return tmp_path / "my exports"


@pytest.fixture
def manifests(launch):
    """`manifests("kserve", GPU="1")`: the documents that a dry run prints."""

    def render(command: str, **settings: str) -> list[dict]:
        done = launch("serving/server.sh", "--dry-run", command, "pets", **SETTINGS | settings)
        return list(yaml.safe_load_all(done.stdout))

    return render


def only(documents: list[dict], kind: str) -> dict:
    (document,) = (document for document in documents if document["kind"] == kind)
    return document
