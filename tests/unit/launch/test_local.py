"""Training on this machine and on several: the calls of `maskconver`."""

from __future__ import annotations

import os

import pytest

from maskconver_tf.training.machines.cluster import Cluster, read_cluster

SETTINGS = {"GIN_FILE": "experiments/demo.gin", "MODEL_DIR": "run"}
TRAIN = ["train", "--gin_file", "experiments/demo.gin", "--model_dir", "run"]
TWO_GPUS = [["nvidia-smi -L", "GPU 0: A (UUID: x)\nGPU 1: B (UUID: y)"]]


@pytest.mark.parametrize(
    "argument, strategy, devices",
    [
        ("all", "mirrored", "0,1"),
        ("2", "mirrored", "0,1"),
        ("1", "gpu", "0"),
        ("cpu", "cpu", ""),
    ],
)
def test_gpus(launch, fakes, argument, strategy, devices):
    fakes.plan(answers=TWO_GPUS)
    launch("local/train.sh", argument, "--", "--total_steps", "9", "a b", **SETTINGS)
    (call,) = fakes.calls("maskconver")
    options = [f"--gin.Compute.strategy='{strategy}'", "--total_steps", "9", "a b"]
    assert call["argv"] == TRAIN + options
    assert call["env"]["CUDA_VISIBLE_DEVICES"] == devices


def test_without_gpus_all_means_the_cpu(launch, fakes):
    fakes.remove("nvidia-smi")
    launch("local/train.sh", **SETTINGS, TRAIN_DATA="d/t", EVAL_DATA="d/v")
    data = ["--train_data", "d/t", "--eval_data", "d/v"]
    assert fakes.argvs("maskconver") == [[*TRAIN, *data, "--gin.Compute.strategy='cpu'"]]


def test_assigned_gpus_stay(launch, fakes):
    fakes.plan(answers=TWO_GPUS)
    launch("local/train.sh", "1", **SETTINGS, CUDA_VISIBLE_DEVICES="1")
    assert fakes.calls("maskconver")[0]["env"]["CUDA_VISIBLE_DEVICES"] == "1"


def test_the_exit_code_is_that_of_training(launch, fakes):
    fakes.plan(fail=[["maskconver train", "no", -1]])
    launch("local/train.sh", "cpu", code=1, **SETTINGS)
    assert len(fakes.calls("maskconver")) == 1


@pytest.mark.parametrize(
    "arguments, settings, message",
    [
        (["3"], SETTINGS, "GPUS=3, but nvidia-smi lists 2 GPU(s)"),
        (["two"], SETTINGS, "GPUS: expected all, cpu or a number, found 'two'"),
        (["1", "2"], SETTINGS, "expected one argument, GPUS, found: 1 2"),
        (["--gpus"], SETTINGS, "unknown option --gpus; see train.sh --help"),
        ([], {"GIN_FILE": "a"}, "MODEL_DIR is not set: the run's folder"),
        ([], {"MODEL_DIR": "a"}, "GIN_FILE is not set: the experiment"),
    ],
)
def test_a_mistake_is_one_message(launch, fakes, arguments, settings, message):
    fakes.plan(answers=TWO_GPUS)
    done = launch("local/train.sh", *arguments, code=2, **settings)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert fakes.calls("maskconver") == []


def test_a_missing_command_is_named(launch, fakes):
    fakes.remove("maskconver")
    assert (
        "found no program maskconver" in launch("local/train.sh", "cpu", code=2, **SETTINGS).stderr
    )


def test_a_missing_settings_file_is_named(launch):
    done = launch("local/train.sh", "cpu", env_file="none", code=2, **SETTINGS)
    assert "--env none: no such file" in done.stderr


@pytest.mark.parametrize("script, arguments", [("train", ["2"]), ("worker", ["a:1,b:2", "1"])])
def test_a_dry_run_runs_nothing(launch, fakes, script, arguments):
    done = launch(f"local/{script}.sh", "--dry-run", *arguments, **SETTINGS)
    assert "maskconver train --gin_file experiments/demo.gin" in done.stdout
    assert fakes.calls() == []


# ---- Several machines ----------------------------------------------------------------------------
def test_one_of_several_machines(launch, fakes):
    launch("local/worker.sh", "a:1,b:2", "1", **SETTINGS)
    (call,) = fakes.calls("maskconver")
    assert call["argv"] == [*TRAIN, "--gin.Compute.strategy='multi_worker'"]
    assert read_cluster(call["env"]) == Cluster({"worker": ("a:1", "b:2")}, "worker", 1)


def test_loopback(launch, fakes, tmp_path):
    launch("local/worker.sh", "loopback", "3", **SETTINGS, PORT="700")
    clusters = [read_cluster(call["env"]) for call in fakes.calls("maskconver")]
    hosts = ("localhost:700", "localhost:701", "localhost:702")
    assert sorted(cluster.index for cluster in clusters) == [0, 1, 2]
    assert {cluster.hosts["worker"] for cluster in clusters} == {hosts}
    logs = sorted(path.name for path in (tmp_path / "work/run-logs").iterdir())
    assert logs == ["worker-0.log", "worker-1.log", "worker-2.log"]


def test_loopback_ends_the_others_when_one_fails(launch, fakes, tmp_path):
    # Real workers would wait for the failed one for ever. These sleep beyond the test's time limit.
    program = fakes.folder / "bin/maskconver"
    pids = fakes.folder / "pids"
    pids.touch()
    program.write_text(
        "#!/bin/bash\n"
        f"[[ $TF_CONFIG == *'\"index\": 1'* ]] || {{ echo $$ >>{pids}; exec sleep 600; }}\n"
        f"until [[ $(grep -c . {pids}) == 2 ]]; do sleep 0.02; done\n"
        "echo no space left >&2; exit 7\n"
    )
    done = launch("local/worker.sh", "loopback", "3", code=7, **SETTINGS)
    assert "no space left" in done.stderr
    for pid in pids.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["a:1"], "expected HOSTS INDEX, or loopback COUNT"),
        (["a:1", "0"], "HOSTS: expected two or more of host:port, found 'a:1'"),
        (["a:1,b", "0"], "HOSTS: expected host:port, found 'b' in 'a:1,b'"),
        (["a:1,b:1", "2"], "INDEX: expected 0 to 1, the place in 'a:1,b:1', found '2'"),
        (["a:1,b:1", "x"], "INDEX: expected 0 to 1"),
        (["loopback", "0"], "COUNT=0: expected a whole number from 1"),
    ],
)
def test_a_wrong_cluster_is_named(launch, fakes, arguments, message):
    assert message in launch("local/worker.sh", *arguments, code=2, **SETTINGS).stderr
    assert fakes.calls() == []


def test_a_dry_run_of_the_demo_prints_its_commands(launch, fakes):
    done = launch("local/demo.sh", "--dry-run")
    assert "$ maskconver train --gin_file experiments/demo.gin --model_dir runs/demo/model" in (
        done.stdout
    )
    assert "found: now" in launch("local/demo.sh", "now", code=2).stderr
    assert not fakes.calls()


def test_crowds_are_scored_at_several_sizes(launch, fakes):
    launch("local/crowd.sh")
    calls = fakes.argvs("maskconver")
    assert calls[0][:4] == ["data", "synth", "--kind", "crowd"]
    assert [argv[0] for argv in calls[3:]] == ["train"] + ["evaluate"] * 5
    assert calls[4][-3:] == ["--gin.INPUT_SIZE=(128, 128)", "--out", "runs/crowd/model/at_128"]
    assert "found: now" in launch("local/crowd.sh", "now", code=2).stderr


def test_camvid_trains_and_scores_both_parts(launch, fakes, tmp_path):
    launch("local/camvid.sh", str(tmp_path), "pretrained")
    calls = [argv for argv in fakes.argvs("maskconver") if argv[0] != "data"]
    run = "runs/camvid/pretrained"
    experiment = "experiments/camvid_pretrained.gin"
    assert calls[0] == ["train", "--gin_file", experiment, "--model_dir", run]
    assert [argv[-3:] for argv in calls[1:]] == [
        [f"runs/camvid/data/{split}", "--out", f"{run}/{split}"] for split in ("val", "test")
    ]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "expected DATA_DIR [START]"),
        ([".", "sometimes"], "START: expected scratch or pretrained, found 'sometimes'"),
        (["nowhere"], "DATA_DIR: found no folder nowhere; give the folder"),
    ],
)
def test_a_wrong_call_of_camvid_is_named(launch, fakes, arguments, message):
    assert message in launch("local/camvid.sh", *arguments, code=2).stderr
    assert not fakes.argvs("maskconver")
