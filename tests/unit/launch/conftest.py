"""Runs the launch scripts with fakes for every program they call. Nothing leaves this machine."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
FAKE = Path(__file__).with_name("fake_command.py")
COMMANDS = ("gcloud", "kubectl", "docker", "nvidia-smi", "maskconver")
TOOLS = "bash cat cksum date dirname env grep mkdir mktemp rm sed seq sleep tail"
"""The only real programs that the scripts may use. None of these starts anything elsewhere."""


def defaults(folder: str) -> dict[str, str]:
    """The settings with a value in the env.example of a folder of launch/."""
    lines = (ROOT / "launch" / folder / "env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")


@dataclasses.dataclass(frozen=True)
class Fakes:
    """Fake programs on a PATH of their own.

    Attributes:
      folder: holds their plan and the list of their calls.
    """

    folder: Path

    def plan(self, **content: Any) -> None:
        """Says how the fakes answer; see `fake_command`."""
        (self.folder / "plan.json").write_text(json.dumps(content))

    def calls(self, command: str | None = None) -> list[dict[str, Any]]:
        """The calls so far, of one program or of all."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        calls = [json.loads(line) for line in lines]
        return [call for call in calls if command in (None, call["command"])]

    def argvs(self, command: str) -> list[list[str]]:
        """The words after the program's name, call by call."""
        return [call["argv"] for call in self.calls(command)]

    def remove(self, command: str) -> None:
        (self.folder / "bin" / command).unlink()


@pytest.fixture
def fakes(tmp_path) -> Fakes:
    folder = tmp_path / "fakes"
    (folder / "bin").mkdir(parents=True)
    for command in COMMANDS:
        path = folder / "bin" / command
        # Without site-packages it starts in a few hundredths of a second.
        path.write_text(f"#!{sys.executable} -SE\n" + FAKE.read_text(encoding="utf-8"))
        path.chmod(0o755)
    for name in TOOLS.split():
        (folder / "bin" / name).symlink_to(shutil.which(name))
    fakes = Fakes(folder)
    fakes.plan()
    return fakes


@pytest.fixture
def launch(fakes, tmp_path):
    """`launch("gke/job.sh", *arguments, code=0, **settings)`: runs a script, returns the process.

    It runs in an empty folder. The environment holds only PATH and the settings, and the --env file
    is empty.
    """
    work = tmp_path / "work"
    work.mkdir()
    (work / "env").touch()

    def run(script: str, *arguments: str, code: int = 0, env_file: str = "env", **settings: str):
        environ = {
            "PATH": str(fakes.folder / "bin"),
            "FAKE_DIR": str(fakes.folder),
            "POLL_SECONDS": "0",
        }
        done = subprocess.run(
            ["bash", str(ROOT / "launch" / script), "--env", env_file, *arguments],
            capture_output=True,
            text=True,
            cwd=work,
            env=environ | settings,
            stdin=subprocess.DEVNULL,
            timeout=180,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def tool():
    """`tool("shellcheck", *arguments)`: runs a program that the extra `test` installs."""

    def run(name: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        path = Path(sys.executable).with_name(name)
        assert path.exists(), f"no {path}: pip install -c constraints.txt -e '.[test]'"
        return subprocess.run([path, *arguments], capture_output=True, text=True, **options)

    return run
