"""server.sh compose: Docker Compose itself reads the file, and the calls of docker."""

from __future__ import annotations

import json

import pytest

from tests.unit.launch.serving.conftest import SETTINGS

FILES = {
    "models.config",
    "batching_parameters.txt",
    "monitoring.config",
    "probe.sh",
    "compose.yaml",
}


@pytest.fixture
def read(launch, tool, tmp_path, export):
    """`read(GPU="1")`: the server as Docker Compose understands it."""

    def read_(**settings: str) -> dict:
        settings = SETTINGS | {"EXPORT": str(export)} | settings
        launch("serving/server.sh", "compose", "pets", **settings)
        file = tmp_path / "work" / settings["CONFIG_DIR"] / "pets/compose.yaml"
        done = tool("docker-compose", "-p", "pets", "-f", str(file), "config", "--format", "json")
        assert done.stdout, done.stderr  # The program ends with 0 even if a file is wrong.
        return json.loads(done.stdout)["services"]["server"]

    return read_


def test_compose_reads_the_file(read, export, tmp_path):
    server = read(REST_PORT="9501")
    ports = {(p["host_ip"], p["published"], p["target"]) for p in server["ports"]}
    assert ports == {("127.0.0.1", "8500", 8500), ("127.0.0.1", "9501", 8501)}
    mounts = {v["target"]: v["source"] for v in server["volumes"]}
    config = tmp_path / "work/runs/serving/pets"
    assert mounts == {"/models/pets": str(export), "/config": str(config)}
    assert all(volume["read_only"] for volume in server["volumes"])
    test = server["healthcheck"]["test"]
    assert test == ["CMD", "bash", "/config/probe.sh", "ready", "pets"]
    assert "devices" not in json.dumps(server["deploy"])
    assert {path.name for path in config.iterdir()} == FILES
    models = (config / "models.config").read_text()
    assert 'base_path: "/models/pets"' in models
    assert "allowed_batch_sizes: 8\n" in (config / "batching_parameters.txt").read_text()


def test_compose_with_a_gpu(read):
    server = read(GPU="1", IMAGE="tensorflow/serving:2.20.0-gpu")
    (device,) = server["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}


def test_compose_takes_any_folder(read, export, tmp_path):
    odd = export.rename(tmp_path / 'a $HOME "b" \\ c')
    server = read(EXPORT=str(odd))
    (volume,) = (v for v in server["volumes"] if v["target"] == "/models/pets")
    # The printed form doubles the dollar again, so that it can be read once more.
    assert volume["source"].replace("$$", "$") == str(odd)


def test_compose_finds_mistakes(tool, tmp_path):
    (tmp_path / "compose.yaml").write_text("services:\n  a:\n    image: b\n    helthcheck: {}\n")
    done = tool("docker-compose", "-f", str(tmp_path / "compose.yaml"), "config")
    assert "helthcheck" in done.stderr


def test_the_calls_of_docker(launch, fakes, export):
    settings = SETTINGS | {"EXPORT": str(export)}
    launch("serving/server.sh", "compose", "pets", **settings)
    launch("serving/server.sh", "down", "pets", **settings)
    file = ["--project-name", "pets", "--file", "runs/serving/pets/compose.yaml"]
    assert fakes.argvs("docker") == [
        ["compose", *file, "up", "--detach", "--wait"],
        ["compose", *file, "down"],
    ]


def test_a_dry_run_writes_and_runs_nothing(launch, fakes, export, tmp_path):
    settings = SETTINGS | {"EXPORT": str(export)}
    done = launch("serving/server.sh", "--dry-run", "compose", "pets", **settings)
    for name in FILES:
        assert f"# runs/serving/pets/{name}\n" in done.stdout
    assert "$ docker compose --project-name pets" in done.stdout
    assert fakes.calls() == []
    assert not (tmp_path / "work/runs").exists()


def test_settings_that_nobody_sets_have_the_values_of_the_example(launch, fakes, export):
    command = ("serving/server.sh", "--dry-run", "compose", "pets")
    done = launch(*command, EXPORT=str(export))
    assert done.stdout == launch(*command, **SETTINGS | {"EXPORT": str(export)}).stdout
    refused = launch(*command, code=2, EXPORT=str(export), GPU="1").stderr
    assert "write IMAGE=... with another value before the command" in refused
    assert "env.example" not in refused


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"EXPORT": ""}, "EXPORT is not set: the folder that 'maskconver export' wrote"),
        ({"EXPORT": "nowhere"}, "EXPORT=nowhere: no such folder"),
        ({"EXPORT": "."}, "EXPORT=.: expected a folder with numbered versions"),
        ({"REST_PORT": "web"}, "REST_PORT=web: expected a whole number"),
        ({"ADDRESS": ""}, "ADDRESS is not set"),
    ],
)
def test_a_mistake_is_named(launch, fakes, export, settings, message):
    settings = SETTINGS | {"EXPORT": str(export)} | settings
    assert message in launch("serving/server.sh", "compose", "pets", code=2, **settings).stderr
    assert fakes.calls() == []
