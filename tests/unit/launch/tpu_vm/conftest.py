"""A TPU slice played by a fake gcloud."""

from __future__ import annotations

import re

import pytest

from tests.unit.launch.conftest import ROOT

TPU_VM = ROOT / "launch/tpu_vm"
SETTINGS = {
    "PROJECT": "p",
    "ZONE": "z",
    "ACCELERATOR_TYPE": "v5litepod-8",
    "SPOT": "1",
    "GIN_FILE": "experiments/demo.gin",
    "MODEL_DIR": "gs://b/run",
}
PLACE = ["--project=p", "--zone=z"]


@pytest.fixture
def slice_command(launch, tmp_path):
    """`slice_command("keep", code=0, **settings)`: runs a command of slice.sh for the slice mask-1.

    There is a wheel to copy.
    """
    wheel = tmp_path / "maskconver_tf-1-py3-none-any.whl"
    wheel.touch()

    def run(command: str, *arguments: str, **options):
        options = SETTINGS | {"WHEEL": str(wheel)} | options
        return launch("tpu_vm/slice.sh", command, "mask-1", *arguments, **options)

    return run


def slice_life(states: str, training: str = "running") -> dict[str, list[str]]:
    """One life of the fake slice, from its request until it is lost or deleted.

    Args:
      states: separated by spaces; each check shows the next one, and the last stays.
      training: what the host's status says once training was started, separated by commas.
    """
    return {"states": states.split(), "training": training.split(", ")}


def actions(fakes) -> list[str]:
    """The calls that changed something, in order: create, install, start and delete."""
    found = []
    for argv in fakes.argvs("gcloud"):
        text = " ".join(argv)
        for action in ("create", "install", "start", "delete"):
            if re.search(rf"queued-resources {action}|host\.sh {action}", text):
                found.append(action)
    return found
