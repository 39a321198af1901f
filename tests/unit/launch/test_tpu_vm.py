"""The TPU slice, played by a fake gcloud: made, trained on, lost, made again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

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
START = (
    "bash maskconver/host.sh start train --gin_file experiments/demo.gin --model_dir gs://b/run "
    "\"--gin.train.strategy='tpu'\""
)


@pytest.fixture
def keep(launch, tmp_path):
    """`keep("keep", code=0, **settings)`: a command for the slice mask-1, with a wheel to copy."""
    wheel = tmp_path / "maskconver_tf-1-py3-none-any.whl"
    wheel.touch()

    def run(command: str, *arguments: str, **options):
        options = SETTINGS | {"WHEEL": str(wheel)} | options
        return launch("tpu_vm/slice.sh", command, "mask-1", *arguments, **options)

    return run


def _life(states: str, training: str = "running") -> dict[str, list[str]]:
    return {"states": states.split(), "training": training.split(", ")}


def _verbs(fakes) -> list[str]:
    """What was done, without the looks."""
    verbs = []
    for argv in fakes.argvs("gcloud"):
        text = " ".join(argv)
        for verb in ("create", "install", "start", "delete"):
            if re.search(rf"queued-resources {verb}|host\.sh {verb}", text):
                verbs.append(verb)
    return verbs


# ---- Single commands -----------------------------------------------------------------------------
def test_create_waits_until_the_slice_is_there(keep, fakes):
    fakes.plan(lives=[_life("WAITING_FOR_RESOURCES PROVISIONING ACTIVE")])
    done = keep("create")
    expected = ["compute", "tpus", "queued-resources", "create", "mask-1", *PLACE]
    expected += ["--node-id=mask-1", "--accelerator-type=v5litepod-8"]
    expected += ["--runtime-version=v2-alpha-tpuv5-lite", "--spot"]
    assert fakes.argvs("gcloud")[0] == expected
    states = re.findall(r"mask-1: (\w+)", done.stdout)
    assert states == ["WAITING_FOR_RESOURCES", "PROVISIONING", "ACTIVE"]


def test_create_with_all_options(keep, fakes):
    fakes.plan(lives=[_life("ACTIVE")])
    options = {"SPOT": "0", "SERVICE_ACCOUNT": "s@p", "INTERNAL_IPS": "1", "VALID_UNTIL": "6h"}
    keep("create", ACCELERATOR_TYPE="v4-8", **options)
    assert fakes.argvs("gcloud")[0][5:] == [
        *PLACE,
        "--node-id=mask-1",
        "--accelerator-type=v4-8",
        "--runtime-version=tpu-ubuntu2204-base",
        "--service-account=s@p",
        "--internal-ips",
        "--valid-until-duration=6h",
    ]


def test_a_request_that_fails_is_told_with_the_way_out(keep, fakes):
    fakes.plan(lives=[_life("WAITING_FOR_RESOURCES FAILED")])
    error = keep("create", code=2).stderr
    assert "mask-1: the request ended as FAILED" in error
    assert "delete mask-1" in error


def test_a_refused_request_shows_what_gcloud_said(keep, fakes):
    fakes.plan(lives=[], fail=[["queued-resources create", "ERROR: quota exceeded", -1]])
    assert "quota exceeded" in keep("create", code=1).stderr
    assert len(fakes.calls()) == 1


def test_setup_copies_package_and_constraints_and_installs(keep, fakes):
    fakes.plan(lives=[_life("ACTIVE")])
    keep("create")
    keep("setup")
    scp = next(argv for argv in fakes.argvs("gcloud") if "scp" in argv)
    names = [word.rpartition("/")[2] for word in scp if word.startswith("/")]
    files = ["constraints.txt", "constraints-tpu.txt", "host.sh", "tensorflow_stub"]
    assert names == ["maskconver_tf-1-py3-none-any.whl", *files]
    assert scp[-3:] == ["mask-1:maskconver/", *PLACE]
    assert fakes.argvs("gcloud")[-1][-1] == "--command=bash maskconver/host.sh install"


def test_setup_stops_where_a_copy_fails(keep, fakes):
    fakes.plan(lives=[_life("ACTIVE")], fail=[["scp", "no space", -1]])
    keep("create")
    assert "no space" in keep("setup", code=1).stderr
    assert "install" not in _verbs(fakes)


def test_train_starts_it_on_the_host_and_quotes_survive_two_shells(keep, fakes, tmp_path):
    fakes.plan(lives=[_life("ACTIVE")])
    keep("create")
    keep("train", "--", "--gin.X='a b'", 'say "hi" $HOME')
    (command,) = [w for argv in fakes.argvs("gcloud") for w in argv if "host.sh start" in w]
    remote = command.removeprefix("--command=").replace("bash maskconver/host.sh", "printf '%s\\n'")
    words = subprocess.run(["bash", "-c", remote], capture_output=True, text=True).stdout
    assert words.splitlines()[-3:] == [
        "--gin.train.strategy='tpu'",
        "--gin.X='a b'",
        'say "hi" $HOME',
    ]


@pytest.mark.parametrize(
    "command, end",
    [
        ("watch", "--command=bash maskconver/host.sh log; bash maskconver/host.sh status"),
        ("stop", "--command=bash maskconver/host.sh stop"),
        ("delete", "--quiet"),
    ],
)
def test_the_others(keep, fakes, command, end):
    fakes.plan(lives=[_life("ACTIVE")])
    keep("create")
    keep("setup")
    keep(command)
    assert fakes.argvs("gcloud")[-1][-1] == end


def test_delete_names_the_slice(keep, fakes):
    fakes.plan(lives=[_life("ACTIVE")])
    keep("create")
    keep("delete")
    delete = ["compute", "tpus", "queued-resources", "delete", "mask-1", *PLACE]
    assert fakes.argvs("gcloud")[-1] == [*delete, "--force", "--quiet"]


@pytest.mark.parametrize("command", ["create", "setup", "train", "watch", "stop", "delete", "keep"])
def test_a_dry_run_calls_nothing_and_shows_what_it_would(keep, fakes, command):
    done = keep(command, "--dry-run")
    assert fakes.calls() == []
    assert "$ gcloud compute tpus" in done.stdout
    assert "mask-1 --project=p --zone=z" in done.stdout


# ---- keep ----------------------------------------------------------------------------------------
def test_a_lost_slice_is_made_again_and_training_goes_on_in_the_same_folder(keep, fakes):
    fakes.plan(
        lives=[
            _life("WAITING_FOR_RESOURCES PROVISIONING" + " ACTIVE" * 6 + " SUSPENDING SUSPENDED"),
            _life("CREATING ACTIVE ACTIVE ACTIVE ACTIVE SUSPENDED"),
            _life("ACTIVE", "running, running, exit 0"),
        ]
    )
    done = keep("keep")
    once = ["create", "install", "start", "delete"]
    assert _verbs(fakes) == once * 3
    starts = [w for argv in fakes.argvs("gcloud") for w in argv if "host.sh start" in w]
    assert starts == ["--command=" + START] * 3
    assert "training is done" in done.stdout
    deleted = [argv[4] for argv in fakes.argvs("gcloud") if argv[3] == "delete"]
    assert deleted == ["mask-1"] * 3


def test_keep_started_again_goes_on_with_the_slice_that_is_there(keep, fakes):
    fakes.plan(lives=[_life("ACTIVE", "running, running, exit 0")])
    keep("create")
    keep("setup")
    keep("train")
    keep("keep")
    assert _verbs(fakes) == ["create", "install", "start", "delete"]


def test_training_that_saved_and_ended_is_started_again(keep, fakes):
    fakes.plan(lives=[_life("ACTIVE", "running, exit 75, running, exit 0")])
    keep("keep")
    assert _verbs(fakes) == ["create", "install", "start", "start", "delete"]


def test_a_host_that_was_restarted_trains_on(keep, fakes):
    fakes.plan(lives=[_life("ACTIVE", "running, gone, running, exit 0")])
    assert "the host was restarted" in keep("keep").stdout
    assert _verbs(fakes) == ["create", "install", "start", "start", "delete"]


def test_training_that_failed_stops_it_and_the_slice_stays(keep, fakes):
    fakes.plan(lives=[_life("ACTIVE", "running, exit 2")])
    error = keep("keep", code=2).stderr
    assert "maskconver train ended with 2. The slice stays, and costs" in error
    assert _verbs(fakes) == ["create", "install", "start"]


def test_a_request_that_is_refused_for_a_while_is_made_again(keep, fakes):
    fakes.plan(
        lives=[_life("ACTIVE", "exit 0")],
        fail=[["queued-resources create", "ERROR: stockout", 3]],
    )
    keep("keep")
    assert _verbs(fakes) == ["create"] * 4 + ["install", "start", "delete"]


def test_a_request_that_is_always_refused_ends_it(keep, fakes):
    fakes.plan(lives=[], fail=[["queued-resources create", "ERROR: no permission", -1]])
    error = keep("keep", code=2).stderr
    assert "no permission" in error
    assert "the request for mask-1 was refused 10 times in a row" in error
    assert _verbs(fakes) == ["create"] * 10


def test_a_slice_that_is_not_deleted_in_the_end_is_named(keep, fakes):
    fakes.plan(
        lives=[_life("ACTIVE", "exit 0")],
        fail=[["queued-resources delete", "ERROR: unavailable", -1]],
    )
    assert "mask-1 was not deleted (why: above) and costs" in keep("keep", code=2).stderr


def test_a_host_that_refuses_ssh_at_first_is_set_up_later(keep, fakes):
    fakes.plan(lives=[_life("ACTIVE", "exit 0")], fail=[["mkdir -p", "Connection refused", 2]])
    keep("keep")
    assert _verbs(fakes) == ["create", "install", "start", "delete"]


def test_a_set_up_that_never_works_ends_with_the_slice_named(keep, fakes):
    fakes.plan(lives=[_life("ACTIVE")], fail=[["host.sh install", "no such package", -1]])
    error = keep("keep", code=2).stderr
    assert "setting mask-1 up failed" in error
    assert _verbs(fakes) == ["create"] + ["install"] * 5


def test_a_slice_lost_while_it_was_set_up_is_made_again(keep, fakes):
    fakes.plan(
        lives=[_life("ACTIVE SUSPENDED"), _life("ACTIVE", "exit 0")],
        fail=[["host.sh install", "Connection closed", 1]],
    )
    keep("keep")
    verbs = ["create", "install", "delete", "create", "install", "start", "delete"]
    assert _verbs(fakes) == verbs


def test_a_short_silence_is_no_loss_and_a_long_one_ends_it(keep, fakes):
    fakes.plan(
        lives=[_life("ACTIVE", "running, running, exit 0")],
        fail=[["host.sh status", "Connection timed out", 4]],
    )
    keep("keep")
    assert _verbs(fakes) == ["create", "install", "start", "delete"]


def test_without_credentials_it_ends_soon_and_says_what_gcloud_said(keep, fakes):
    fakes.plan(lives=[], fail=[["describe", "ERROR: You do not have an active account", -1]])
    error = keep("keep", code=2).stderr
    assert "You do not have an active account" in error
    assert "failed 10 times in a row" in error
    assert _verbs(fakes) == []


def test_it_does_not_make_slices_for_ever(keep, fakes):
    fakes.plan(lives=[_life("FAILED")] * 9)
    error = keep("keep", code=2, MAX_RECREATIONS="2").stderr
    assert "mask-1 was made 3 times; MAX_RECREATIONS allows no more" in error
    assert _verbs(fakes) == ["create", "delete"] * 3


# ---- Mistakes ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "settings, message",
    [
        ({"PROJECT": ""}, "PROJECT is not set: the Google Cloud project"),
        ({"ZONE": ""}, "ZONE is not set"),
        ({"MODEL_DIR": "runs/x"}, "MODEL_DIR=runs/x: expected gs://BUCKET/..."),
        ({"MODEL_DIR": "gs://"}, "MODEL_DIR=gs://: expected gs://BUCKET/..."),
        ({"TRAIN_DATA": "data/t"}, "TRAIN_DATA=data/t: expected gs://BUCKET/..."),
        ({"ACCELERATOR_TYPE": "v5litepod-16"}, "v5litepod-16: expected a slice of one host"),
        ({"WHEEL": "no.whl"}, "WHEEL=no.whl: no such file; make it with 'make package'"),
        ({"SPOT": "yes"}, "SPOT=yes: expected 1 or 0"),
        ({"INTERNAL_IPS": "yes"}, "INTERNAL_IPS=yes: expected 1 or 0"),
        ({"POLL_SECONDS": "1m"}, "POLL_SECONDS=1m: expected a whole number from 0"),
        ({"MAX_RECREATIONS": "many"}, "MAX_RECREATIONS=many: expected a whole number from 0"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_made(keep, fakes, settings, message):
    fakes.plan(lives=[])
    assert message in keep("keep", code=2, **settings).stderr
    assert "create" not in _verbs(fakes)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["delete"], "expected COMMAND NAME, found 'delete'"),
        (["delete", "a", "b"], "expected COMMAND NAME, found 'delete a b'"),
        (["delete", "A*"], "'A*' is no name for a resource"),
        (["destroy", "a"], "expected create, setup, train, watch, stop, delete or keep, found"),
    ],
)
def test_a_wrong_call_is_named(launch, fakes, arguments, message):
    assert message in launch("tpu_vm/slice.sh", *arguments, code=2, **SETTINGS).stderr
    assert fakes.calls() == []


def test_a_missing_gcloud_is_named(keep, fakes):
    fakes.remove("gcloud")
    done = keep("delete", code=2)
    assert "no gcloud here; install the Google Cloud CLI" in done.stderr


# ---- On the host ---------------------------------------------------------------------------------
@pytest.fixture
def host(tmp_path):
    """`host("status")`: host.sh in a folder of its own, with this `maskconver`."""
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
    assert "training runs already" in host("start", "train", code=2)
    (host.folder / "done").write_text("3")
    _wait_for(host, "exit 3")
    assert host("log") == "train|--gin.X='a b'|"
    assert "no training is running" in host("stop", code=2)


def test_stop_lets_training_save(host):
    host("start", "train")
    while not (host.folder / "log").read_text():  # until the stand-in has its trap
        time.sleep(0.02)
    host("stop")
    _wait_for(host, "exit 75")
    assert host("log").endswith("saved")
    (host.folder / "done").write_text("0")
    host("start", "train")
    _wait_for(host, "exit 0")


def test_training_that_was_killed_is_no_success(host):
    host("start", "train")
    os.kill(int((host.folder / "pid").read_text()), 9)
    _wait_for(host, "exit 137")
    assert host("status") == "exit 137"


def test_after_a_reboot_another_process_with_the_number_is_not_taken_for_training(host):
    (host.folder / "pid").write_text(str(os.getpid()))
    assert host("status") == "gone"
    host("start", "train")
    assert host("status") == "running"


# ---- Versions ------------------------------------------------------------------------------------
def test_plain_tensorflow_is_never_what_pip_takes(tmp_path):
    """With the constraints, `tensorflow` is the empty stand-in that asks for tensorflow-tpu."""
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
