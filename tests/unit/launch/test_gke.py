"""gke/job.sh: valid manifests, and the calls of kubectl."""

from __future__ import annotations

import kubernetes_validate
import pytest
import yaml

from maskconver_tf.training.machines.cluster import read_cluster
from tests.unit.launch.conftest import defaults

VERSIONS = ("1.31", "1.34", "1.37")
"""Versions of Kubernetes. podFailurePolicy left beta in the first one."""

TRAINERS = ("gpu", "workers", "tpu")
KINDS = (*TRAINERS, "data")


SETTINGS = defaults("gke") | {"KUBE_CONTEXT": "c", "IMAGE": "r/i:t", "MODEL_DIR": "gs://b/run"}


@pytest.fixture
def manifests(launch):
    """`manifests("gpu", SPOT="1")`: the documents that a dry run prints."""

    def render(kind: str, *arguments: str, **settings: str) -> list[dict]:
        done = launch("gke/job.sh", "--dry-run", kind, "mask-1", *arguments, **SETTINGS | settings)
        return list(yaml.safe_load_all(done.stdout))

    return render


def _pod(document: dict) -> dict:
    return document["spec"]["template"]["spec"]


def _train(documents: list[dict]) -> dict:
    return documents[-1]["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("spot", ["0", "1"])
@pytest.mark.parametrize("kind", KINDS)
def test_manifests_are_valid(manifests, kind, spot):
    documents = manifests(kind, SPOT=spot)
    assert documents
    for document in documents:
        for version in VERSIONS:
            kubernetes_validate.validate(document, version, strict=True)


def test_validation_is_strict(manifests):
    (job,) = manifests("gpu")
    _pod(job)["containers"][0]["imagePulPolicy"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_has_the_name_and_label_of_the_run(manifests, kind):
    for document in manifests(kind, NAMESPACE="team"):
        assert document["metadata"]["name"].startswith("mask-1")
        assert document["metadata"]["namespace"] == "team"
        assert document["metadata"]["labels"]["maskconver-run"] == "mask-1"
        if document["kind"] != "Service":
            labels = document["spec"]["template"]["metadata"]["labels"]
            assert labels["maskconver-run"] == "mask-1"
            wanted = document["spec"].get("selector", {}).get("matchLabels", {})
            assert wanted.items() <= labels.items()


@pytest.mark.parametrize("kind", KINDS)
def test_spot_nodes_are_selected_and_tolerated_or_neither(manifests, kind):
    toleration = {
        "key": "cloud.google.com/gke-spot",
        "operator": "Equal",
        "value": "true",
        "effect": "NoSchedule",
    }
    for spot in ("0", "1"):
        pod = _pod(manifests(kind, SPOT=spot)[-1])
        assert (pod.get("nodeSelector", {}).get("cloud.google.com/gke-spot") == "true") == (
            spot == "1"
        )
        assert (toleration in pod.get("tolerations", [])) == (spot == "1")


@pytest.mark.parametrize(
    "kind, settings, strategy",
    [
        ("gpu", {}, "gpu"),
        ("gpu", {"GPU_COUNT": "4"}, "mirrored"),
        ("workers", {}, "multi_worker"),
        ("tpu", {}, "tpu"),
    ],
)
def test_the_command(manifests, kind, settings, strategy):
    documents = manifests(kind, "--", "--gin.X=\"a\\b 'c'\"", **settings)
    args = ["train", "--gin_file", "experiments/demo.gin", "--model_dir", "gs://b/run"]
    args += [f"--gin.Compute.strategy='{strategy}'", "--gin.X=\"a\\b 'c'\""]
    assert _train(documents)["args"] == args


@pytest.mark.parametrize("kind", TRAINERS)
def test_a_lost_pod_does_not_count_and_a_mistake_is_not_repeated(manifests, kind):
    job = manifests(kind)[-1]["spec"]
    mistake, again, lost = job["podFailurePolicy"]["rules"]
    assert (mistake["action"], mistake["onExitCodes"]["values"]) == ("FailJob", [2])
    assert (again["action"], again["onExitCodes"]["values"]) == ("Ignore", [75])
    for rule in (mistake, again):
        assert (
            rule["onExitCodes"]["containerName"]
            == _pod(manifests(kind)[-1])["containers"][0]["name"]
        )
    assert lost == {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }
    assert job["template"]["spec"]["restartPolicy"] == "Never"  # podFailurePolicy needs it


def test_accelerators(manifests):
    gpu = manifests("gpu", GPU_COUNT="2")
    assert _pod(gpu[-1])["nodeSelector"]["cloud.google.com/gke-accelerator"] == "nvidia-l4"
    assert _train(gpu)["resources"]["limits"]["nvidia.com/gpu"] == "2"
    tpu = manifests("tpu")
    selector = _pod(tpu[-1])["nodeSelector"]
    assert selector["cloud.google.com/gke-tpu-accelerator"] == "tpu-v5-lite-podslice"
    assert selector["cloud.google.com/gke-tpu-topology"] == "2x4"
    resources = _train(tpu)["resources"]
    assert resources["requests"] == resources["limits"] == {"google.com/tpu": "8"}


def test_each_worker_finds_its_place_in_the_list(manifests):
    service, job = manifests("workers", WORKERS="3")
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == 3
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": "mask-1"}
    assert service["metadata"]["name"] == _pod(job)["subdomain"]
    env = {entry["name"]: entry["value"] for entry in _train([job])["env"]}
    port = _train([job])["ports"][0]["containerPort"]
    for index in range(3):
        cluster = read_cluster(env | {"JOB_COMPLETION_INDEX": str(index)})
        # The host name that Kubernetes gives the pod: job-index.subdomain.
        assert cluster.hosts["worker"][cluster.index] == f"mask-1-{index}.mask-1:{port}"
        assert cluster.num_workers == 3


def test_data_workers_find_the_dispatcher(manifests):
    service, dispatcher, workers = manifests("data")
    labels = dispatcher["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert not (
        service["spec"]["selector"].items()
        <= workers["spec"]["template"]["metadata"]["labels"].items()
    )
    env = {entry["name"]: entry.get("value") for entry in _train([workers])["env"]}
    port = service["spec"]["ports"][0]["port"]
    assert env["DISPATCHER"] == f"{service['metadata']['name']}:{port}"
    program = _train([dispatcher])["args"][0]
    assert f"port={port}" in program
    for document in (dispatcher, workers):
        compile(_train([document])["args"][0], document["metadata"]["name"], "exec")


# ---- Calls ---------------------------------------------------------------------------------------
PLACE = ["--context=c", "--namespace=default"]


@pytest.mark.parametrize("kind", KINDS)
def test_apply_sends_what_the_dry_run_prints(launch, fakes, kind):
    shown = launch("gke/job.sh", "--dry-run", kind, "mask-1", **SETTINGS).stdout
    assert fakes.calls() == []
    launch("gke/job.sh", kind, "mask-1", **SETTINGS)
    (call,) = fakes.calls("kubectl")
    assert call["argv"] == [*PLACE, "apply", "--filename=-"]
    assert call["stdin"] == shown


def test_watch_and_delete_select_the_run(launch, fakes):
    launch("gke/job.sh", "watch", "mask-1", **SETTINGS)
    launch("gke/job.sh", "delete", "mask-1", **SETTINGS)
    assert [argv[2] for argv in fakes.argvs("kubectl")] == ["get", "logs", "delete"]
    for argv in fakes.argvs("kubectl"):
        assert argv[:2] == PLACE
        assert "--selector=maskconver-run=mask-1" in argv


def test_a_dry_run_deletes_nothing(launch, fakes):
    done = launch("gke/job.sh", "--dry-run", "delete", "mask-1", **SETTINGS)
    assert "kubectl --context=c --namespace=default delete" in done.stdout
    assert fakes.calls() == []


def test_a_refused_manifest_is_shown(launch, fakes):
    fakes.plan(fail=[["apply", "error: forbidden", -1]])
    assert "forbidden" in launch("gke/job.sh", "gpu", "mask-1", code=1, **SETTINGS).stderr


@pytest.mark.parametrize(
    "arguments, settings, message",
    [
        (["gpu", "mask-1"], {"KUBE_CONTEXT": ""}, "KUBE_CONTEXT is not set: the cluster"),
        (["gpu", "mask-1"], {"IMAGE": ""}, "IMAGE is not set: the container image"),
        (["gpu", "mask-1"], {"GPU_COUNT": "none"}, "GPU_COUNT=none: expected a whole number"),
        (["gpu", "mask-1"], {"RETRIES": "few"}, "RETRIES=few: expected a whole number from 0"),
        (["gpu", "mask-1"], {"GPU_TYPE": ""}, "GPU_TYPE is not set"),
        (["workers", "mask-1"], {"WORKERS": "1"}, "WORKERS=1: expected 2 or more"),
        (["tpu", "mask-1"], {"MODEL_DIR": "/runs"}, "MODEL_DIR=/runs: expected gs://BUCKET/"),
        (["delete", ""], {}, "'' is not a valid name"),
        (["delete"], {}, "expected COMMAND NAME, found 'delete'"),
        (["cpu", "mask-1"], {}, "expected gpu, workers, tpu, data, watch or delete, found 'cpu'"),
    ],
)
def test_a_mistake_is_named(launch, fakes, arguments, settings, message):
    done = launch("gke/job.sh", *arguments, code=2, **SETTINGS | settings)
    assert message in done.stderr
    assert fakes.calls() == []
