"""vertex/job.sh: valid custom jobs, and the calls of gcloud."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.unit.launch.conftest import defaults

SCHEMA = json.loads(Path(__file__).with_name("custom_job_schema.json").read_text())
KINDS = ("gpu", "workers", "tpu")


SETTINGS = defaults("vertex") | {
    "PROJECT": "p",
    "REGION": "r",
    "IMAGE": "i",
    "MODEL_DIR": "gs://b/run",
}
PLACE = ["--project=p", "--region=r"]


@pytest.fixture
def submit(launch, fakes):
    """`submit("gpu")`: submits a job; returns the call of gcloud and the job in it."""

    def run(kind: str, *arguments: str, **settings: str) -> tuple[list[str], dict]:
        launch("vertex/job.sh", kind, "mask-1", *arguments, **SETTINGS | settings)
        call = fakes.calls("gcloud")[-1]
        return call["argv"], yaml.safe_load(call["config"])

    return run


@pytest.mark.parametrize("spot", ["0", "1"])
@pytest.mark.parametrize("kind", KINDS)
def test_jobs_are_valid(submit, kind, spot):
    argv, spec = submit(kind, SPOT=spot)
    jsonschema.validate(spec, SCHEMA)
    assert argv[:4] == ["ai", "custom-jobs", "create", "--display-name=mask-1"]
    assert argv[-2:] == PLACE
    assert spec["scheduling"].get("strategy") == ("SPOT" if spot == "1" else None)
    assert spec["scheduling"]["timeout"] == "604800s"


def test_the_schema_finds_mistakes(submit):
    _, spec = submit("gpu")
    for path, value in [
        (("workerPoolSpecs", 0, "machineSpec", "acceleratorCount"), "1"),
        (("workerPoolSpecs", 0, "machineSpec", "acceleratorType"), "nvidia-l4"),
        (("workerPoolSpecs", 0, "machineSpec", "topology"), "2x2"),
        (("workerPoolSpecs", 0, "containerSpec", "args"), "train"),
        (("scheduling", "timeout"), 604800),
        (("scheduling", "spot"), True),
    ]:
        spoilt = copy.deepcopy(spec)
        *way, last = path
        place = spoilt
        for step in way:
            place = place[step]
        place[last] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(spoilt, SCHEMA)


@pytest.mark.parametrize(
    "kind, settings, strategy",
    [
        ("gpu", {}, "gpu"),
        ("gpu", {"GPU_COUNT": "4"}, "mirrored"),
        ("workers", {}, "multi_worker"),
        ("tpu", {}, "tpu"),
    ],
)
def test_the_command(submit, kind, settings, strategy):
    _, spec = submit(kind, "--", "--gin.X='a: b'", **settings)
    args = ["train", "--gin_file", "experiments/demo.gin", "--model_dir", "gs://b/run"]
    for pool in spec["workerPoolSpecs"]:
        strategy_ = f"--gin.Compute.strategy='{strategy}'"
        assert pool["containerSpec"]["args"] == [*args, strategy_, "--gin.X='a: b'"]


def test_workers_are_one_chief_and_the_others(submit):
    _, spec = submit("workers", WORKERS="5")
    assert [pool["replicaCount"] for pool in spec["workerPoolSpecs"]] == [1, 4]
    assert spec["scheduling"]["restartJobOnWorkerRestart"] is True


def test_the_service_account_is_passed_on(submit):
    assert "--service-account=a@p" in submit("gpu", SERVICE_ACCOUNT="a@p")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_run_prints_the_job_and_creates_none(launch, fakes, submit, kind):
    done = launch("vertex/job.sh", "--dry-run", kind, "mask-1", **SETTINGS)
    assert fakes.calls() == []
    *shown, command = done.stdout.splitlines()
    assert command.startswith("$ gcloud ai custom-jobs create --display-name=mask-1 --config=")
    text = "\n".join(line.removeprefix("# ") for line in shown)
    assert yaml.safe_load(text) == submit(kind)[1]


def test_watch_follows_the_newest_job(launch, fakes):
    fakes.plan(answers=[["custom-jobs list", "projects/1/locations/r/customJobs/7"]])
    launch("vertex/job.sh", "watch", "mask-1", **SETTINGS)
    look, state, logs = fakes.argvs("gcloud")
    assert {"--filter=displayName=mask-1", "--sort-by=~createTime", "--limit=1"} <= set(look)
    assert state[2:4] == ["describe", "projects/1/locations/r/customJobs/7"]
    assert logs[2:] == ["stream-logs", "projects/1/locations/r/customJobs/7", *PLACE]


def test_cancel_ends_all_waiting_and_running_jobs_of_the_name(launch, fakes):
    fakes.plan(answers=[["custom-jobs list", "j/7\nj/8"]])
    launch("vertex/job.sh", "cancel", "mask-1", **SETTINGS)
    look, *cancels = fakes.argvs("gcloud")
    assert any("displayName=mask-1 AND state:(" in word for word in look)
    assert [argv[2:4] for argv in cancels] == [["cancel", "j/7"], ["cancel", "j/8"]]


@pytest.mark.parametrize("command", ["watch", "cancel"])
def test_a_name_without_a_job(launch, fakes, command):
    done = launch("vertex/job.sh", command, "mask-1", code=2, **SETTINGS)
    assert "job named mask-1" in done.stderr
    assert len(fakes.calls()) == 1
    launch("vertex/job.sh", "--dry-run", command, "mask-1", **SETTINGS)
    assert len(fakes.calls()) == 1


def test_a_refused_job_is_shown_and_leaves_no_file(launch, fakes, tmp_path):
    fakes.plan(fail=[["create", "ERROR: quota", -1]])
    done = launch("vertex/job.sh", "gpu", "m", code=1, **SETTINGS, TMPDIR=str(tmp_path))
    assert "quota" in done.stderr
    assert list(tmp_path.glob("*.yaml")) == []


@pytest.mark.parametrize(
    "arguments, settings, message",
    [
        (["gpu", "m"], {"REGION": ""}, "REGION is not set"),
        (["gpu", "m"], {"MODEL_DIR": "runs"}, "MODEL_DIR=runs: expected gs://BUCKET/"),
        (["gpu", "m"], {"MACHINE_TYPE": ""}, "MACHINE_TYPE is not set"),
        (["gpu", "m"], {"DISK_GB": "100G"}, "DISK_GB=100G: expected a whole number from 1"),
        (["gpu", "m"], {"HOURS": "1.5"}, "HOURS=1.5: expected a whole number"),
        (["workers", "m"], {"WORKERS": "1"}, "WORKERS=1: expected 2 or more"),
        (["cancel"], {}, "expected COMMAND NAME"),
        (["delete", "m"], {}, "expected gpu, workers, tpu, watch or cancel, found 'delete'"),
    ],
)
def test_a_mistake_is_named(launch, fakes, arguments, settings, message):
    done = launch("vertex/job.sh", *arguments, code=2, **SETTINGS | settings)
    assert message in done.stderr
    assert fakes.calls() == []
