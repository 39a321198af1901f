"""Replaces gcloud, kubectl, docker, nvidia-smi and maskconver on PATH.

It writes each call as a line of `calls.jsonl` in the folder FAKE_DIR. `plan.json` says what it
answers:

    fail     list of [part of the command line, message, how often (-1: always)]: it prints the
             message and fails
    answers  list of [part of the command line, text to print]
    lives    the lives of the TPU slice, from creation to deletion. `states` has the answers to
             successive queries of the state; the last one stays. `training` is the same for the
             host's status, once training was started

gcloud finds no slice before it is created and after it is deleted.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from pathlib import Path

FOLDER = Path(os.environ["FAKE_DIR"])
SEEN = ("TF_CONFIG", "CUDA_VISIBLE_DEVICES")


def main(command: str, argv: list[str]) -> int:
    line = " ".join([command, *argv])
    with locked() as slice_:
        record(command, argv)
        plan = json.loads((FOLDER / "plan.json").read_text())
        for index, (part, message, times) in enumerate(plan.get("fail", [])):
            failed = slice_.setdefault("failed", {}).get(str(index), 0)
            if part in line and times not in {0, failed}:
                slice_["failed"][str(index)] = failed + 1
                print(message, file=sys.stderr)
                return 1
        for part, answer in plan.get("answers", []):
            if part in line:
                print(answer)
                return 0
        if " tpus " in line:
            return play(slice_, plan["lives"], line)
    return 0


@contextlib.contextmanager
def locked():
    """The current slice, which is written back at the end. Calls wait for each other."""
    path = FOLDER / "slice.json"
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        slice_ = json.loads(path.read_text()) if path.exists() else {"life": -1, "alive": False}
        try:
            yield slice_
        finally:
            path.write_text(json.dumps(slice_))


def record(command: str, argv: list[str]) -> None:
    call = {"command": command, "argv": argv}
    call["env"] = {name: os.environ[name] for name in SEEN if name in os.environ}
    if "apply" in argv:
        call["stdin"] = sys.stdin.read()
    for argument in argv:
        if argument.startswith("--config="):
            call["config"] = Path(argument.removeprefix("--config=")).read_text()
    with open(FOLDER / "calls.jsonl", "a") as calls:
        calls.write(json.dumps(call) + "\n")


def play(slice_: dict, lives: list[dict], line: str) -> int:
    """Does what the TPU service would do."""
    if " queued-resources create " in line:
        if slice_["alive"]:
            print("ERROR: ALREADY_EXISTS", file=sys.stderr)
            return 1
        slice_.update(life=slice_["life"] + 1, alive=True, installed=False, started=False)
        return 0
    if not slice_["alive"]:
        print("ERROR: (gcloud) NOT_FOUND: Resource was not found", file=sys.stderr)
        return 1
    life = lives[slice_["life"]]
    if " queued-resources delete " in line:
        slice_["alive"] = False
        return 0
    if " queued-resources describe " in line:
        slice_["state"] = next_of(life["states"])
        print(slice_["state"])
        return save(lives)
    if slice_.get("state") != "ACTIVE":
        print("ssh: connect to host: Connection refused", file=sys.stderr)
        return 255
    return on_host(slice_, life, lives, line)


def on_host(slice_: dict, life: dict, lives: list[dict], line: str) -> int:
    """Does what the host would do for a command over ssh."""
    if "host.sh install" in line:
        slice_["installed"] = True
    elif "host.sh start" in line:
        slice_["started"] = True
    elif "host.sh status" in line:
        if not slice_["installed"]:
            print("bash: maskconver/host.sh: No such file or directory", file=sys.stderr)
            return 127
        print(next_of(life["training"]) if slice_["started"] else "new")
        return save(lives)
    return 0


def next_of(answers: list[str]) -> str:
    return answers.pop(0) if len(answers) > 1 else answers[0]


def save(lives: list[dict]) -> int:
    plan = json.loads((FOLDER / "plan.json").read_text())
    (FOLDER / "plan.json").write_text(json.dumps(plan | {"lives": lives}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0]).name, sys.argv[1:]))
