"""The versions that a TPU host installs."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.unit.launch.conftest import ROOT
from tests.unit.launch.tpu_vm.conftest import TPU_VM


def test_pip_never_installs_plain_tensorflow(tmp_path):
    """With the constraints, `tensorflow` is the empty package that requires tensorflow-tpu."""
    stub = tmp_path / "tensorflow_stub"
    stub.mkdir()
    (stub / "pyproject.toml").write_text((TPU_VM / "tensorflow_stub/pyproject.toml").read_text())
    constraints = (TPU_VM / "constraints-tpu.txt").read_text(encoding="utf-8")
    assert "file:///opt/maskconver/tensorflow_stub" in constraints
    here = tmp_path / "constraints.txt"
    here.write_text(constraints.replace("/opt/maskconver/tensorflow_stub", str(stub)))
    pip = [sys.executable, "-m", "pip", "--isolated", "install", "--dry-run", "--ignore-installed"]
    pip += ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--report=-"]
    pip += ["-c", str(here), "-c", str(ROOT / "constraints.txt"), "tensorflow~=2.20.0"]
    done = subprocess.run(pip, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["install"]
    assert found["download_info"]["url"] == f"file://{stub}"
    assert found["metadata"]["requires_dist"] == ["tensorflow-tpu==2.20.0"]


def test_the_versions_agree():
    pins = dict(
        line.split("==")
        for name in ("constraints.txt", "launch/tpu_vm/constraints-tpu.txt")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    )
    assert pins["tensorflow-tpu"] == pins["tensorflow"]
    assert "libtpu" in pins
    stub = (TPU_VM / "tensorflow_stub/pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{pins["tensorflow"]}"' in stub
    assert f"tensorflow-tpu=={pins['tensorflow-tpu']}" in stub
