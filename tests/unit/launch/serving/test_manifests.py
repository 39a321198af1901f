"""The Kubernetes and KServe manifests of launch/serving."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest

from tests.unit.launch.serving.conftest import SETTINGS, only
from tests.unit.launch.test_gke import VERSIONS

KSERVE = json.loads(Path(__file__).with_name("kserve_schema.json").read_text(encoding="utf-8"))
GPU = {"GPU": "1", "IMAGE": "tensorflow/serving:2.20.0-gpu"}
VOLUME = {"VOLUME_CLAIM": "models", "MODEL_PATH": ""}


def _check_kserve(document: dict) -> None:
    """Checks the parts of KServe by a schema, and those of Kubernetes as parts of a Pod."""
    jsonschema.validate(document, KSERVE[document["kind"]])
    if document["kind"] == "ServingRuntime":
        parts = {name: document["spec"][name] for name in ("containers", "volumes")}
    else:
        predictor = document["spec"]["predictor"]
        names = ("serviceAccountName", "nodeSelector", "tolerations")
        parts = {name: predictor[name] for name in names if name in predictor}
        resources = predictor["model"]["resources"]
        parts["containers"] = [{"name": "c", "image": "i", "resources": resources}]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": parts}
    kubernetes_validate.validate(pod, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("settings", [{}, GPU, VOLUME, GPU | VOLUME], ids=lambda s: "-".join(s))
def test_kubernetes_manifests_are_valid(manifests, settings):
    documents = manifests("kubernetes", **settings)
    kinds = "ConfigMap Deployment Service HorizontalPodAutoscaler PodDisruptionBudget"
    assert [document["kind"] for document in documents] == kinds.split()
    for document in documents:
        for version in VERSIONS if not settings else VERSIONS[-1:]:
            kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("settings", [{}, GPU], ids=["cpu", "gpu"])
def test_kserve_manifests_are_valid(manifests, settings):
    config, *others = manifests("kserve", **settings)
    kubernetes_validate.validate(config, VERSIONS[-1], strict=True)
    assert [document["kind"] for document in others] == ["ServingRuntime", "InferenceService"]
    for document in others:
        _check_kserve(document)


def test_the_checks_of_kserve_find_mistakes(manifests):
    _, runtime, service = manifests("kserve")
    for document, path, value in [
        (runtime, ("spec", "containers", 0, "readinesProbe"), {}),
        (runtime, ("spec", "protocolVersions"), ["v3"]),
        (runtime, ("spec", "supportedModelFormat"), []),
        (service, ("spec", "predictor", "maxReplica"), 2),
        (service, ("spec", "predictor", "model", "storageUri"), "exported"),
        (service, ("spec", "predictor", "model", "resources", "limit"), {}),
    ]:
        spoilt = copy.deepcopy(document)
        place = spoilt
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
            _check_kserve(spoilt)


@pytest.mark.parametrize("command", ["kubernetes", "kserve"])
def test_everything_has_the_label_of_the_server(manifests, command):
    for document in manifests(command, NAMESPACE="team"):
        assert document["metadata"]["namespace"] == "team"
        assert document["metadata"]["labels"] == {"maskconver-server": "pets"}


def test_the_parts_find_each_other(manifests):
    documents = manifests("kubernetes")
    deployment = only(documents, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    ports = {p["name"] for p in _server(deployment)["ports"]}
    service = only(documents, "Service")["spec"]
    assert service["selector"].items() <= labels.items()
    assert {port["targetPort"] for port in service["ports"]} == ports
    scaled = only(documents, "HorizontalPodAutoscaler")["spec"]
    assert scaled["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert (scaled["minReplicas"], scaled["maxReplicas"]) == (2, 6)
    assert "replicas" not in deployment["spec"]  # or each `apply` would undo the autoscaler
    budget = only(documents, "PodDisruptionBudget")["spec"]
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    _, runtime, service = manifests("kserve")
    assert service["spec"]["predictor"]["model"]["runtime"] == runtime["metadata"]["name"]


def _server(deployment: dict) -> dict:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container


@pytest.mark.parametrize(
    "command, kind", [("kubernetes", "Deployment"), ("kserve", "ServingRuntime")]
)
def test_all_probes_read_the_state_of_this_model(manifests, command, kind):
    document = only(manifests(command, START_SECONDS="601"), kind)
    container = _server(document) if kind == "Deployment" else document["spec"]["containers"][0]
    for probe, question in (("startup", "ready"), ("readiness", "ready"), ("liveness", "alive")):
        command = container[f"{probe}Probe"]["exec"]["command"]
        assert command == ["bash", "/config/probe.sh", question, "pets"]
    startup = container["startupProbe"]
    assert 601 <= startup["failureThreshold"] * startup["periodSeconds"] <= 605


def test_a_pod_ends_after_its_last_request(manifests):
    deployment = only(manifests("kubernetes", TIMEOUT_SECONDS="90"), "Deployment")
    assert "--rest_api_timeout_in_ms=90000" in _server(deployment)["args"]
    (_, drain) = _server(deployment)["lifecycle"]["preStop"]["exec"]["command"]
    assert 90 < int(drain) < deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]


def test_the_gpu_variant(manifests):
    for settings in ({}, GPU):
        deployment = only(manifests("kubernetes", **settings), "Deployment")
        pod = deployment["spec"]["template"]["spec"]
        resources = _server(deployment)["resources"]
        has_gpu = settings == GPU
        assert ("nvidia.com/gpu" in resources["limits"]) == has_gpu
        assert ("nvidia.com/gpu" in resources["requests"]) == has_gpu
        assert ("nodeSelector" in pod) == ("tolerations" in pod) == has_gpu


def test_a_volume_is_mounted_where_the_server_looks(manifests):
    documents = manifests("kubernetes", **VOLUME)
    deployment = only(documents, "Deployment")
    (volume,) = (
        v for v in deployment["spec"]["template"]["spec"]["volumes"] if v["name"] == "models"
    )
    assert volume["persistentVolumeClaim"] == {"claimName": "models", "readOnly": True}
    (mount,) = (m for m in _server(deployment)["volumeMounts"] if m["name"] == "models")
    models = only(documents, "ConfigMap")["data"]["models.config"]
    assert f'base_path: "{mount["mountPath"]}"' in models


def test_other_files_start_other_pods(manifests):
    def sum_(**settings: str) -> str:
        pod = only(manifests("kubernetes", **settings), "Deployment")["spec"]["template"]
        return pod["metadata"]["annotations"]["maskconver/config"]

    assert sum_() == sum_()
    assert sum_() != sum_(VERSIONS="all")


# ---- Calls ---------------------------------------------------------------------------------------
PLACE = ["--context=c", "--namespace=default"]


@pytest.mark.parametrize("command", ["kubernetes", "kserve"])
def test_apply_sends_what_the_dry_run_prints(launch, fakes, command):
    shown = launch("serving/server.sh", "--dry-run", command, "pets", **SETTINGS).stdout
    assert fakes.calls() == []
    launch("serving/server.sh", command, "pets", **SETTINGS)
    (call,) = fakes.calls("kubectl")
    assert call["argv"] == [*PLACE, "apply", "--filename=-"]
    assert call["stdin"] == shown


def test_watch_and_delete_select_the_server(launch, fakes):
    launch("serving/server.sh", "--dry-run", "delete", "pets", **SETTINGS)
    assert fakes.calls() == []
    launch("serving/server.sh", "watch", "pets", **SETTINGS)
    launch("serving/server.sh", "delete", "pets", **SETTINGS)
    assert [argv[2] for argv in fakes.argvs("kubectl")] == ["get", "logs", "delete", "delete"]
    for argv in fakes.argvs("kubectl"):
        assert argv[:2] == PLACE
        assert "--selector=maskconver-server=pets" in argv


def test_a_cluster_without_kserve_can_delete(launch, fakes):
    fakes.plan(fail=[["inferenceservices", "error: the server doesn't have a resource type", -1]])
    done = launch("serving/server.sh", "delete", "pets", **SETTINGS)
    assert "has no KServe" in done.stderr


@pytest.mark.parametrize(
    "command, settings, message",
    [
        ("kubernetes", {"KUBE_CONTEXT": ""}, "KUBE_CONTEXT is not set"),
        ("kubernetes", {"MODEL_PATH": ""}, "MODEL_PATH is not set: the folder of versions"),
        ("kubernetes", {"MODEL_PATH": "/m"}, "MODEL_PATH=/m: expected gs://BUCKET/"),
        ("kubernetes", {"VOLUME_CLAIM": "x"}, "VOLUME_CLAIM is set, too"),
        ("kserve", {"MODEL_PATH": "exported"}, "MODEL_PATH=exported: expected gs://BUCKET/"),
        ("kubernetes", {"IMAGE": ""}, "IMAGE is not set: the image of TensorFlow Serving"),
        ("kubernetes", {"IMAGE": "tensorflow/serving:2.19.1"}, "expected 2.20 or later"),
        ("kubernetes", {"IMAGE": "r:5000/serving:1.15-gpu"}, "expected 2.20 or later"),
        ("kserve", {"GPU": "1"}, "expected an image for GPUs with GPU=1"),
        ("kubernetes", {"GPU": "yes"}, "GPU=yes: expected 1 or 0"),
        ("kubernetes", {"VERSIONS": "newest"}, "VERSIONS=newest: expected latest, latest:N, all"),
        ("kubernetes", {"VERSIONS": "latest:0"}, "VERSIONS=latest:0: expected latest:N"),
        ("kubernetes", {"VERSIONS": "3,"}, "VERSIONS=3,: expected"),
        ("kubernetes", {"LABELS": "stable:3"}, "LABELS=stable:3: expected LABEL:VERSION"),
        ("kubernetes", {"LABELS": "3", "VERSIONS": "3"}, "LABELS=3: expected LABEL:VERSION"),
        ("kubernetes", {"BATCH_SIZES": "8,1"}, "BATCH_SIZES=8,1: expected increasing"),
        ("kubernetes", {"BATCH_SIZES": "1,,8"}, "BATCH_SIZES=1,,8: expected"),
        ("kubernetes", {"MEMORY": "8G"}, "MEMORY=8G: expected a whole number with Mi or Gi"),
        ("kubernetes", {"CPUS": "0.5"}, "CPUS=0.5: expected a whole number from 1"),
        ("kubernetes", {"MAX_REPLICAS": "1"}, "MAX_REPLICAS=1: expected at least MIN_REPLICAS"),
        ("serve", {}, "expected compose, down, kubernetes, kserve, watch or delete"),
    ],
)
def test_a_mistake_is_named(launch, fakes, command, settings, message):
    done = launch("serving/server.sh", command, "pets", code=2, **SETTINGS | settings)
    assert message in done.stderr
    assert fakes.calls() == []


@pytest.mark.parametrize(
    "image", ["mine", "r:5000/a/serving", "tensorflow/serving:2.21.0-rc1", "a:3.0"]
)
def test_other_images_are_taken(manifests, image):
    deployment = only(manifests("kubernetes", IMAGE=image), "Deployment")
    assert _server(deployment)["image"] == image
