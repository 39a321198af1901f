"""The files that TensorFlow Serving reads: its protos parse them, and the values fit the export."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from maskconver_tf.export.served_model.warmup import write_batching_parameters
from tests.unit.launch.serving.config_messages import parse
from tests.unit.launch.serving.conftest import SETTINGS, only


@pytest.fixture
def files(manifests):
    """`files(VERSIONS="all")`: name -> text of the files in the ConfigMap."""

    def read(**settings: str) -> dict[str, str]:
        return only(manifests("kubernetes", **settings), "ConfigMap")["data"]

    return read


def _model(text: str):
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    return model


def test_the_model_config(files):
    model = _model(files()["models.config"])
    assert (model.name, model.base_path) == ("pets", "gs://b/exported")
    assert model.model_platform == "tensorflow"
    assert model.model_version_policy.latest.num_versions == 1


@pytest.mark.parametrize(
    "versions, policy",
    [
        ("latest:3", "latest { num_versions: 3 }"),
        ("all", "all {}"),
        ("7", "specific { versions: 7 }"),
        ("3,12", "specific { versions: 3 versions: 12 }"),
    ],
)
def test_version_policies(files, versions, policy):
    found = _model(files(VERSIONS=versions)["models.config"]).model_version_policy
    assert found == text_format.Parse(policy, type(found)())


def test_version_labels(files):
    labels = files(VERSIONS="3,4", LABELS="stable:3,canary:4")["models.config"]
    assert dict(_model(labels).version_labels) == {"stable": 3, "canary": 4}


def test_monitoring(files, manifests):
    config = parse("MonitoringConfig", files()["monitoring.config"]).prometheus_config
    pod = only(manifests("kubernetes"), "Deployment")["spec"]["template"]["metadata"]
    assert config.enable
    assert pod["annotations"]["prometheus.io/path"] == config.path


@pytest.mark.parametrize("sizes", [(1,), (1, 8), (2, 4, 16)])
def test_batching_is_that_of_an_export(files, tmp_path, sizes):
    text = files(BATCH_SIZES=",".join(map(str, sizes)))["batching_parameters.txt"]
    write_batching_parameters(tmp_path, sizes)
    assert text == (tmp_path / "assets.extra/batching_parameters.txt").read_text()
    parameters = parse("BatchingParameters", text)
    assert tuple(parameters.allowed_batch_sizes) == sizes
    assert parameters.max_batch_size.value == sizes[-1]


def test_the_messages_are_strict():
    with pytest.raises(text_format.ParseError):
        parse("BatchingParameters", "max_batch_sizes { value: 1 }")


def test_batch_sizes_come_from_the_newest_version(files, export):
    text = files(EXPORT=str(export))["batching_parameters.txt"]
    assert list(parse("BatchingParameters", text).allowed_batch_sizes) == [1, 2, 8]
    assert files(EXPORT=str(export), BATCH_SIZES="1,2,8")["batching_parameters.txt"] == text


def test_batch_sizes_of_another_warm_up_are_refused(launch, export):
    settings = SETTINGS | {"EXPORT": str(export), "BATCH_SIZES": "1,4"}
    done = launch("serving/server.sh", "--dry-run", "kubernetes", "pets", code=2, **settings)
    assert "my exports/10 was warmed up for 1,2,8" in done.stderr
    assert "maskconver export --batch_sizes 1,4" in done.stderr


def test_an_export_without_parameters_has_batches_of_one(files, export):
    (export / "11").mkdir()
    assert "allowed_batch_sizes: 1\n" in files(EXPORT=str(export))["batching_parameters.txt"]


def test_the_server_reads_the_files_that_are_there(manifests):
    for command, kind in (("kubernetes", "Deployment"), ("kserve", "ServingRuntime")):
        documents = manifests(command)
        spec = only(documents, kind)["spec"]
        pod = spec["template"]["spec"] if kind == "Deployment" else spec
        container = pod["containers"][0]
        (config,) = (volume for volume in pod["volumes"] if volume["name"] == "config")
        folder = only(documents, "ConfigMap")
        assert config["configMap"]["name"] == folder["metadata"]["name"]
        (mount,) = (m for m in container["volumeMounts"] if m["name"] == "config")
        read = [word for word in " ".join(container["args"]).split("=") if "/config/" in word]
        read = {word.split()[0] for word in read} | {
            container["startupProbe"]["exec"]["command"][1]
        }
        assert read == {f"{mount['mountPath']}/{name}" for name in folder["data"]}
