"""Single commands of slice.sh, and how it names mistakes."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.unit.launch.tpu_vm.conftest import PLACE, SETTINGS, actions, slice_life


def test_create_waits_until_the_slice_is_there(slice_command, fakes):
    fakes.plan(lives=[slice_life("WAITING_FOR_RESOURCES PROVISIONING ACTIVE")])
    done = slice_command("create")
    expected = ["compute", "tpus", "queued-resources", "create", "mask-1", *PLACE]
    expected += ["--node-id=mask-1", "--accelerator-type=v5litepod-8"]
    expected += ["--runtime-version=v2-alpha-tpuv5-lite", "--spot"]
    assert fakes.argvs("gcloud")[0] == expected
    states = re.findall(r"mask-1: (\w+)", done.stdout)
    assert states == ["WAITING_FOR_RESOURCES", "PROVISIONING", "ACTIVE"]


def test_create_with_all_options(slice_command, fakes):
    fakes.plan(lives=[slice_life("ACTIVE")])
    options = {"SPOT": "0", "SERVICE_ACCOUNT": "s@p", "INTERNAL_IPS": "1", "VALID_UNTIL": "6h"}
    slice_command("create", ACCELERATOR_TYPE="v4-8", **options)
    assert fakes.argvs("gcloud")[0][5:] == [
        *PLACE,
        "--node-id=mask-1",
        "--accelerator-type=v4-8",
        "--runtime-version=tpu-ubuntu2204-base",
        "--service-account=s@p",
        "--internal-ips",
        "--valid-until-duration=6h",
    ]


def test_a_failed_request_names_the_way_out(slice_command, fakes):
    fakes.plan(lives=[slice_life("WAITING_FOR_RESOURCES FAILED")])
    error = slice_command("create", code=2).stderr
    assert "mask-1: the request ended as FAILED" in error
    assert "delete mask-1" in error


def test_a_refused_request_shows_what_gcloud_said(slice_command, fakes):
    fakes.plan(lives=[], fail=[["queued-resources create", "ERROR: quota exceeded", -1]])
    assert "quota exceeded" in slice_command("create", code=1).stderr
    assert len(fakes.calls()) == 1


def test_setup_copies_package_and_constraints_and_installs(slice_command, fakes):
    fakes.plan(lives=[slice_life("ACTIVE")])
    slice_command("create")
    slice_command("setup")
    scp = next(argv for argv in fakes.argvs("gcloud") if "scp" in argv)
    names = [word.rpartition("/")[2] for word in scp if word.startswith("/")]
    files = ["constraints.txt", "constraints-tpu.txt", "host.sh", "tensorflow_stub"]
    assert names == ["maskconver_tf-1-py3-none-any.whl", *files]
    assert scp[-3:] == ["mask-1:maskconver/", *PLACE]
    assert fakes.argvs("gcloud")[-1][-1] == "--command=bash maskconver/host.sh install"


def test_setup_stops_where_a_copy_fails(slice_command, fakes):
    fakes.plan(lives=[slice_life("ACTIVE")], fail=[["scp", "no space", -1]])
    slice_command("create")
    assert "no space" in slice_command("setup", code=1).stderr
    assert "install" not in actions(fakes)


def test_train_starts_training_and_quotes_survive_two_shells(slice_command, fakes, tmp_path):
    fakes.plan(lives=[slice_life("ACTIVE")])
    slice_command("create")
    slice_command("train", "--", "--gin.X='a b'", 'say "hi" $HOME')
    (command,) = [w for argv in fakes.argvs("gcloud") for w in argv if "host.sh start" in w]
    remote = command.removeprefix("--command=").replace("bash maskconver/host.sh", "printf '%s\\n'")
    words = subprocess.run(["bash", "-c", remote], capture_output=True, text=True).stdout
    assert words.splitlines()[-3:] == [
        "--gin.Compute.strategy='tpu'",
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
def test_watch_stop_and_delete(slice_command, fakes, command, end):
    fakes.plan(lives=[slice_life("ACTIVE")])
    slice_command("create")
    slice_command("setup")
    slice_command(command)
    assert fakes.argvs("gcloud")[-1][-1] == end


def test_delete_names_the_slice(slice_command, fakes):
    fakes.plan(lives=[slice_life("ACTIVE")])
    slice_command("create")
    slice_command("delete")
    delete = ["compute", "tpus", "queued-resources", "delete", "mask-1", *PLACE]
    assert fakes.argvs("gcloud")[-1] == [*delete, "--force", "--quiet"]


@pytest.mark.parametrize("command", ["create", "setup", "train", "watch", "stop", "delete", "keep"])
def test_a_dry_run_calls_nothing_and_prints_each_call(slice_command, fakes, command):
    done = slice_command(command, "--dry-run")
    assert fakes.calls() == []
    assert "$ gcloud compute tpus" in done.stdout
    assert "mask-1 --project=p --zone=z" in done.stdout


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
        ({"WHEEL": "no.whl"}, "WHEEL=no.whl: no such file; build it with 'make package'"),
        ({"SPOT": "yes"}, "SPOT=yes: expected 1 or 0"),
        ({"INTERNAL_IPS": "yes"}, "INTERNAL_IPS=yes: expected 1 or 0"),
        ({"POLL_SECONDS": "1m"}, "POLL_SECONDS=1m: expected a whole number from 0"),
        ({"MAX_RECREATIONS": "many"}, "MAX_RECREATIONS=many: expected a whole number from 0"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_created(
    slice_command, fakes, settings, message
):
    fakes.plan(lives=[])
    assert message in slice_command("keep", code=2, **settings).stderr
    assert "create" not in actions(fakes)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["delete"], "expected COMMAND NAME, found 'delete'"),
        (["delete", "a", "b"], "expected COMMAND NAME, found 'delete a b'"),
        (["delete", "A*"], "'A*' is not a valid name"),
        (["destroy", "a"], "expected create, setup, train, watch, stop, delete or keep, found"),
    ],
)
def test_a_wrong_call_is_named(launch, fakes, arguments, message):
    assert message in launch("tpu_vm/slice.sh", *arguments, code=2, **SETTINGS).stderr
    assert fakes.calls() == []


def test_a_missing_gcloud_is_named(slice_command, fakes):
    fakes.remove("gcloud")
    done = slice_command("delete", code=2)
    assert "found no program gcloud; install the Google Cloud CLI" in done.stderr
