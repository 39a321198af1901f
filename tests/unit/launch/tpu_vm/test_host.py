"""host.sh, which runs on the TPU VM."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from tests.unit.launch.tpu_vm.conftest import TPU_VM


@pytest.fixture
def host(tmp_path):
    """`host("status")`: runs host.sh in a folder of its own, with a fake `maskconver`."""
    folder = tmp_path / "maskconver"
    folder.mkdir()
    (folder / "host.sh").write_text((TPU_VM / "host.sh").read_text(encoding="utf-8"))
    program = folder / "program"
    program.write_text(
        "#!/bin/bash\n"
        "trap 'echo saved; exit 75' TERM\n"
        'printf "%s|" "$@"\n'
        f'until [[ -f {folder}/done ]]; do sleep 0.02; done\nexit "$(cat {folder}/done)"\n'
    )
    program.chmod(0o755)

    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            ["bash", str(folder / "host.sh"), *arguments],
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "MASKCONVER": str(program)},
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return (done.stdout if code == 0 else done.stderr).strip()

    run.folder = folder
    yield run
    (folder / "done").write_text("0")


def _wait_for(host, status: str) -> None:
    deadline = time.monotonic() + 60
    while host("status") != status:
        assert time.monotonic() < deadline, host("status")
        time.sleep(0.02)


def test_the_host_runs_training_in_the_background_and_keeps_its_exit_code(host):
    assert host("status") == "new"
    host("start", "train", "--gin.X='a b'")
    assert host("status") == "running"
    assert "training already runs" in host("start", "train", code=2)
    (host.folder / "done").write_text("3")
    _wait_for(host, "exit 3")
    assert host("log") == "train|--gin.X='a b'|"
    assert "no training is running" in host("stop", code=2)


def test_stop_lets_training_save(host):
    host("start", "train")
    while not (host.folder / "log").read_text():  # until the fake has set its trap
        time.sleep(0.02)
    host("stop")
    _wait_for(host, "exit 75")
    assert host("log").endswith("saved")
    (host.folder / "done").write_text("0")
    host("start", "train")
    _wait_for(host, "exit 0")


def test_killed_training_has_a_failing_exit_code(host):
    host("start", "train")
    os.kill(int((host.folder / "pid").read_text()), 9)
    _wait_for(host, "exit 137")
    assert host("status") == "exit 137"


def test_after_a_reboot_another_process_with_the_same_number_is_not_training(host):
    (host.folder / "pid").write_text(str(os.getpid()))
    assert host("status") == "gone"
    host("start", "train")
    assert host("status") == "running"
