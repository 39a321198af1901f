"""Reading the cluster from the environment, without TensorFlow."""

from __future__ import annotations

import json

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.training.machines.cluster import Cluster, read_cluster

TWO = ["a:1", "b:2"]


def _tf_config(cluster, role="worker", index=0) -> dict[str, str]:
    task = {"type": role, "index": index}
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


def test_tf_config_is_read_and_written_back():
    environ = _tf_config({"worker": TWO}, index=1)
    cluster = read_cluster(environ)
    assert cluster == Cluster({"worker": ("a:1", "b:2")}, "worker", 1)
    assert cluster.num_workers == 2
    assert json.loads(cluster.to_tf_config()) == json.loads(environ["TF_CONFIG"])


@pytest.mark.parametrize(
    "cluster, role, index, is_chief",
    [
        ({"worker": TWO}, "worker", 0, True),
        ({"worker": TWO}, "worker", 1, False),
        ({"chief": ["c:1"], "worker": TWO}, "worker", 0, False),
        ({"chief": ["c:1"], "worker": TWO}, "chief", 0, True),
    ],
)
def test_who_writes_the_checkpoints(cluster, role, index, is_chief):
    read = read_cluster(_tf_config(cluster, role, index))
    assert read.is_chief == is_chief
    assert read.num_workers == sum(map(len, cluster.values()))


def test_unknown_members_and_a_number_in_quotes_are_accepted():
    config = json.loads(_tf_config({"worker": TWO}, index="1")["TF_CONFIG"])
    config |= {"environment": "cloud", "job": "{}"}
    config["task"]["trial"] = "7"
    assert read_cluster({"TF_CONFIG": json.dumps(config)}).index == 1


@pytest.mark.parametrize("name", ["JOB_COMPLETION_INDEX", "MASKCONVER_WORKER_INDEX"])
def test_the_index_of_a_job_is_read(name):
    cluster = read_cluster({"MASKCONVER_WORKERS": "run-0.run:2222, run-1.run:2222", name: "1"})
    assert cluster == Cluster({"worker": ("run-0.run:2222", "run-1.run:2222")}, "worker", 1)


def test_tf_config_overrides_the_worker_list():
    environ = {"MASKCONVER_WORKERS": "x:1,y:1", "JOB_COMPLETION_INDEX": "1"}
    assert read_cluster(environ | _tf_config({"worker": TWO})).hosts == {"worker": tuple(TWO)}


@pytest.mark.parametrize(
    "environ, message",
    [
        ({}, "neither TF_CONFIG nor MASKCONVER_WORKERS is set"),
        ({"TF_CONFIG": ""}, "neither TF_CONFIG nor MASKCONVER_WORKERS is set"),
        ({"TF_CONFIG": "{'cluster': 1}"}, "TF_CONFIG is not JSON"),
        ({"TF_CONFIG": "[]"}, 'TF_CONFIG has no "cluster"'),
        ({"TF_CONFIG": '{"task": {}}'}, 'TF_CONFIG has no "cluster"'),
        (
            {"TF_CONFIG": '{"cluster": {}}'},
            'TF_CONFIG "cluster": found {}, expected roles with their hosts',
        ),
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:1"]}}'}, 'TF_CONFIG has no "task"'),
        (
            {"TF_CONFIG": '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}'},
            'TF_CONFIG "task" has no "index"',
        ),
        (_tf_config({"worker": "a:1"}), "'worker': found 'a:1', expected a list of hosts"),
        (_tf_config({"worker": []}), "found [], expected a list of hosts"),
        (
            _tf_config({"worker": TWO, "ps": ["p:1"]}),
            "found 'ps', expected only chief and worker. Remove 'ps'",
        ),
        (_tf_config({"chief": TWO}, "chief"), "found 2 chiefs"),
        (
            _tf_config({"worker": TWO}, "chief"),
            "the type 'chief' is not in \"cluster\"; expected one of worker",
        ),
        (
            _tf_config({"worker": TWO}, ["worker"]),
            "the type ['worker'] is not in \"cluster\"; expected one of",
        ),
        (_tf_config({"worker": ["a:1", "b:65536"]}), "worker 'b:65536': expected host:port"),
        (
            _tf_config({"worker": TWO}, index=2),
            "index = 2: expected 0 to 1, because there are 2 of type worker",
        ),
        (
            _tf_config({"worker": TWO}, index=-1),
            "index = -1 (a whole number): expected a whole number",
        ),
        (
            _tf_config({"worker": TWO}, index=True),
            "index = True (true or false): expected a whole number",
        ),
        (_tf_config({"worker": ["a:1", "b"]}), "worker 'b': expected host:port"),
        (_tf_config({"worker": ["a:1", 7]}), "worker 7: expected host:port"),
        (_tf_config({"worker": ["a:1", "a:1"]}), "worker a:1 is named twice"),
        ({"MASKCONVER_WORKERS": "a:1,b:1"}, "no variable says which of them this process is"),
        (
            {"MASKCONVER_WORKERS": "a:1,b:1", "JOB_COMPLETION_INDEX": "2"},
            "JOB_COMPLETION_INDEX = 2: expected 0 to 1, because there are 2 of type worker (a:1",
        ),
        (
            {"MASKCONVER_WORKERS": "a:1,b:1", "JOB_COMPLETION_INDEX": "one"},
            "JOB_COMPLETION_INDEX = 'one' (text): expected a whole number",
        ),
        ({"MASKCONVER_WORKERS": "a:1,", "JOB_COMPLETION_INDEX": "0"}, "worker '': expected host"),
    ],
)
def test_a_mistake_is_named(environ, message):
    with pytest.raises(UserError) as caught:
        read_cluster(environ)
    assert message in str(caught.value)
