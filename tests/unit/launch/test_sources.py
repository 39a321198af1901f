"""Checks of the launch scripts that start nothing."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.unit.launch.conftest import ROOT

LAUNCH = ROOT / "launch"
SCRIPTS = sorted(LAUNCH.rglob("*.sh"))
SOURCED = {"common.sh", "keep.sh"}
"""Other scripts source these; nobody runs them."""
USER_SCRIPTS = [path for path in SCRIPTS if path.name not in SOURCED | {"host.sh", "probe.sh"}]


def _name(path) -> str:
    return path.relative_to(LAUNCH).as_posix()


def test_shellcheck_finds_nothing(tool):
    done = tool("shellcheck", "--external-sources", *map(str, SCRIPTS), cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_shellcheck_works(tool, tmp_path):
    (tmp_path / "bad.sh").write_text("#!/bin/bash\nrm -r $1\n")
    assert "SC2086" in tool("shellcheck", str(tmp_path / "bad.sh")).stdout


def test_hadolint_finds_nothing(tool):
    done = tool("hadolint", "--failure-threshold", "style", str(LAUNCH / "docker/Dockerfile"))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_hadolint_works(tool, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /tmp\n")
    done = tool("hadolint", "--failure-threshold", "style", str(tmp_path / "Dockerfile"))
    assert done.returncode != 0
    assert "DL3003" in done.stdout


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_scripts_stop_at_the_first_error(path):
    if path.name not in SOURCED:
        assert "\nset -euo pipefail\n" in path.read_text(encoding="utf-8")
        assert path.stat().st_mode & 0o111


@pytest.mark.parametrize("path", USER_SCRIPTS, ids=_name)
def test_help_shows_the_call_and_an_example(path):
    done = subprocess.run(["bash", path, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    call = f"launch/{_name(path)} [--dry-run] [--env FILE]"
    usage, _, rest = done.stdout.partition(call)
    assert usage.strip()
    assert f"launch/{_name(path)} " in rest
    assert "set -euo" not in rest
    assert "#" not in usage


@pytest.mark.parametrize("folder", ["local", "tpu_vm", "gke", "vertex", "docker", "serving"])
def test_every_setting_is_explained(folder):
    """env.example has each setting that a script or template reads, unless the script sets it."""
    scripts = "".join(
        path.read_text(encoding="utf-8")
        for path in (LAUNCH / folder).glob("*.sh")
        if path.name not in {"host.sh", "probe.sh"}  # They run elsewhere, without these settings.
    )
    templates = "".join(
        path.read_text(encoding="utf-8") for path in (LAUNCH / folder).glob("*.yaml")
    )
    common = (LAUNCH / "common.sh").read_text(encoding="utf-8")
    example = (LAUNCH / folder / "env.example").read_text(encoding="utf-8")

    read = set(re.findall(r"need(?:_bucket|_number)? ([A-Z_]+)", scripts))
    read |= set(re.findall(r"\$\{([A-Z_]+):-", scripts))
    read |= set(re.findall(r"\$\{([A-Z_]+)\}", templates))
    if "train_arguments" in scripts:
        read |= {"GIN_FILE", "MODEL_DIR", "TRAIN_DATA", "EVAL_DATA"}
    is_set = set(re.findall(r"(?<![\w{])([A-Z_]+)=", scripts + common))
    explained = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE))
    assert read - is_set - explained == set()
    assert {name for name in explained if name not in scripts + templates + common} == set()


def test_the_image_copies_existing_files_of_its_context():
    text = (LAUNCH / "docker/Dockerfile").read_text(encoding="utf-8")
    ignore = (LAUNCH / "docker/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        word for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for word in line.split()
    ]
    assert "constraints.txt" in copied
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in ignore
    assert re.findall(r"^FROM base AS (\w+)$", text, re.MULTILINE) == ["cpu", "gpu", "tpu"]
