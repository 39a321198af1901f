"""docker/image.sh: the calls of docker."""

from __future__ import annotations

import pytest

from tests.unit.launch.conftest import ROOT


@pytest.mark.parametrize("kind", ["cpu", "gpu", "tpu"])
def test_build_and_push(launch, fakes, kind):
    launch("docker/image.sh", "build", kind, IMAGE="host:5000/a/b")
    launch("docker/image.sh", "push", kind, IMAGE="host:5000/a/b")
    file = ["--file", f"{ROOT}/launch/docker/Dockerfile"]
    assert fakes.argvs("docker") == [
        ["build", *file, "--target", kind, "--tag", f"host:5000/a/b:{kind}", str(ROOT)],
        ["push", f"host:5000/a/b:{kind}"],
    ]


def test_a_dry_run_builds_nothing(launch, fakes):
    done = launch("docker/image.sh", "--dry-run", "build", "cpu", IMAGE="a")
    assert "docker build --file" in done.stdout
    assert fakes.calls() == []


@pytest.mark.parametrize(
    "arguments, settings, message",
    [
        (["build", "rocm"], {"IMAGE": "a"}, "expected cpu, gpu or tpu, found 'rocm'"),
        (["build", "cpu"], {}, "IMAGE is not set: the image's name without a tag"),
        (["build", "cpu"], {"IMAGE": "a:1"}, "IMAGE=a:1: expected a name without a tag"),
        (["make", "cpu"], {"IMAGE": "a"}, "expected build or push, found 'make'"),
        (["build"], {"IMAGE": "a"}, "expected build or push, then cpu, gpu or tpu"),
    ],
)
def test_a_mistake_is_named(launch, fakes, arguments, settings, message):
    assert message in launch("docker/image.sh", *arguments, code=2, **settings).stderr
    assert fakes.calls() == []
