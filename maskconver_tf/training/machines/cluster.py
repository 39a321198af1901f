"""Which processes train together, and which of them this one is: read from the environment.

TensorFlow takes both from the variable TF_CONFIG, a JSON object, which it reads late and whose
mistakes it reports as a hang or from deep inside. Here it is read first and checked. Where a
scheduler numbers the processes but knows no TF_CONFIG, as a Kubernetes job with
`completionMode: Indexed` does, it is made from

    MASKCONVER_WORKERS        host:port,host:port,... of all workers, the same for each
    JOB_COMPLETION_INDEX      this one's place in the list, from 0; set by Kubernetes
    MASKCONVER_WORKER_INDEX   the same, for schedulers that set no JOB_COMPLETION_INDEX

The format: https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from maskconver_tf.errors import UserError

_ROLES = ("chief", "worker")
"""Of processes that compute gradients; without a chief, worker 0 is it."""

_EXAMPLE = '{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclasses.dataclass(frozen=True)
class Cluster:
    """All processes of a run, and this one's place among them.

    Attributes:
      hosts: role -> host:port of each process that has it.
      role: this process's, "chief" or "worker".
      index: its place among those of its role, from 0.
    """

    hosts: Mapping[str, tuple[str, ...]]
    role: str
    index: int

    @property
    def num_workers(self) -> int:
        """Processes that compute gradients."""
        return sum(len(hosts) for hosts in self.hosts.values())

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the checkpoints, summaries and results."""
        return self.role == "chief" or ("chief" not in self.hosts and self.index == 0)

    def to_tf_config(self) -> str:
        """What TensorFlow expects in TF_CONFIG."""
        cluster = {role: list(hosts) for role, hosts in self.hosts.items()}
        task = {"type": self.role, "index": self.index}
        return json.dumps({"cluster": cluster, "task": task})


def read_cluster(environ: Mapping[str, str]) -> Cluster:
    """The cluster that the environment describes; TF_CONFIG goes before MASKCONVER_WORKERS.

    Args:
      environ: `os.environ`.

    Raises:
      UserError: it describes none, or not a proper one.
    """
    if environ.get("TF_CONFIG"):
        return _from_tf_config(environ["TF_CONFIG"])
    if environ.get("MASKCONVER_WORKERS"):
        return _from_worker_list(environ)
    raise UserError(
        'strategy "multi_worker": neither TF_CONFIG nor MASKCONVER_WORKERS is set, so this process '
        f"knows no others; set TF_CONFIG={_EXAMPLE} on each with its own index, start it by "
        'launch/local/worker.sh, or use strategy "mirrored" on one machine'
    )


# ---- TF_CONFIG -----------------------------------------------------------------------------------
def _from_tf_config(text: str) -> Cluster:
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"TF_CONFIG is no JSON ({error}): {text}; expected {_EXAMPLE}") from error
    cluster = _member(config, "cluster", "TF_CONFIG")
    if not isinstance(cluster, dict) or not cluster:
        raise UserError(f'TF_CONFIG "cluster": expected roles and hosts, found {cluster!r}')
    hosts = {role: _hosts(cluster[role], role) for role in cluster}
    task = _member(config, "task", "TF_CONFIG")
    role = _member(task, "type", 'TF_CONFIG "task"')
    if not isinstance(role, str) or role not in hosts:
        raise UserError(
            f'TF_CONFIG "task" is of type {role!r}, and "cluster" has only {", ".join(hosts)}; '
            "name one of those"
        )
    index = _index(_member(task, "index", 'TF_CONFIG "task"'), 'TF_CONFIG "task" index')
    return _checked(Cluster(hosts, role, index), 'TF_CONFIG "task" index')


def _member(config: Any, key: str, where: str) -> Any:
    if not isinstance(config, dict) or key not in config:
        raise UserError(f'{where} has no "{key}": found {config!r}, expected {_EXAMPLE}')
    return config[key]


def _hosts(hosts: Any, role: str) -> tuple[str, ...]:
    if role not in _ROLES:
        raise UserError(
            f'TF_CONFIG "cluster" has {role!r}: training knows chief and worker only; remove it'
        )
    if not isinstance(hosts, list) or not hosts:
        raise UserError(f'TF_CONFIG "cluster" {role!r}: expected a list of hosts, found {hosts!r}')
    if role == "chief" and len(hosts) > 1:
        raise UserError(f"TF_CONFIG names {len(hosts)} chiefs, {hosts}; there is one at most")
    return tuple(hosts)


# ---- MASKCONVER_WORKERS --------------------------------------------------------------------------
def _from_worker_list(environ: Mapping[str, str]) -> Cluster:
    hosts = tuple(host.strip() for host in environ["MASKCONVER_WORKERS"].split(","))
    for name in ("MASKCONVER_WORKER_INDEX", "JOB_COMPLETION_INDEX"):
        if environ.get(name):
            return _checked(Cluster({"worker": hosts}, "worker", _index(environ[name], name)), name)
    raise UserError(
        f"MASKCONVER_WORKERS names {len(hosts)} worker(s) and nothing says which of them this is; "
        "set MASKCONVER_WORKER_INDEX, or run as a Kubernetes job with completionMode: Indexed, "
        "which sets JOB_COMPLETION_INDEX"
    )


# ---- Both ----------------------------------------------------------------------------------------
def _index(value: Any, where: str) -> int:
    if isinstance(value, bool) or not str(value).isdecimal():
        raise UserError(f"{where} = {value!r}: expected a whole number from 0")
    return int(value)


def _checked(cluster: Cluster, index_name: str) -> Cluster:
    peers = cluster.hosts[cluster.role]
    if cluster.index >= len(peers):
        raise UserError(
            f"{index_name} = {cluster.index}, and there are {len(peers)} of type {cluster.role} "
            f"({', '.join(map(str, peers))}); expected 0 to {len(peers) - 1}"
        )
    hosts = [host for group in cluster.hosts.values() for host in group]
    for host in hosts:
        name, _, port = str(host).rpartition(":")
        if not isinstance(host, str) or not name or not port.isdecimal() or int(port) > 65535:
            raise UserError(f"worker {host!r}: expected host:port, such as 10.0.0.2:2222")
        if hosts.count(host) > 1:
            raise UserError(f"worker {host} is named twice; each needs a host:port of its own")
    return cluster
