"""Reads from the environment which processes train together, and which of them this one is.

TensorFlow reads both from the variable TF_CONFIG, a JSON object. It reads TF_CONFIG late. A mistake
there makes it wait forever, or raises an error deep inside TensorFlow. Therefore this module reads
and checks TF_CONFIG first.

Some schedulers number the processes but do not set TF_CONFIG, for example a Kubernetes job with
`completionMode: Indexed`. For these schedulers this module makes TF_CONFIG from

    MASKCONVER_WORKERS        host:port,host:port,... of all workers, the same for each worker
    MASKCONVER_WORKER_INDEX   number of this worker in the list, from 0
    JOB_COMPLETION_INDEX      the same, set by Kubernetes; MASKCONVER_WORKER_INDEX overrides it

Format of TF_CONFIG:
https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from maskconver_tf.errors import UserError, typed_repr

_ROLES = ("chief", "worker")
"""Roles of processes that compute gradients. Without a chief, worker 0 is the chief."""

_EXAMPLE = '{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclasses.dataclass(frozen=True)
class Cluster:
    """All processes of a run, and which of them this one is.

    Attributes:
      hosts: role -> host:port of each process with this role.
      role: role of this process, "chief" or "worker".
      index: number of this process among those with its role, from 0.
    """

    hosts: Mapping[str, tuple[str, ...]]
    role: str
    index: int

    @property
    def num_workers(self) -> int:
        """Number of processes that compute gradients."""
        return sum(len(hosts) for hosts in self.hosts.values())

    @property
    def is_chief(self) -> bool:
        """Whether this process writes checkpoints, summaries and results."""
        return self.role == "chief" or ("chief" not in self.hosts and self.index == 0)

    def to_tf_config(self) -> str:
        """Returns the value that TensorFlow expects in TF_CONFIG."""
        cluster = {role: list(hosts) for role, hosts in self.hosts.items()}
        task = {"type": self.role, "index": self.index}
        return json.dumps({"cluster": cluster, "task": task})


def read_cluster(environ: Mapping[str, str]) -> Cluster:
    """Reads the cluster from TF_CONFIG, or from MASKCONVER_WORKERS if TF_CONFIG is not set.

    Args:
      environ: `os.environ`.

    Raises:
      UserError: neither variable is set, or the variables contain a mistake.
    """
    if environ.get("TF_CONFIG"):
        return _from_tf_config(environ["TF_CONFIG"])
    if environ.get("MASKCONVER_WORKERS"):
        return _from_worker_list(environ)
    raise UserError(
        'strategy "multi_worker": neither TF_CONFIG nor MASKCONVER_WORKERS is set, so this process '
        f"does not know the other workers. Set TF_CONFIG={_EXAMPLE} for each worker, with its own "
        'index; or start the workers with launch/local/worker.sh; or use strategy "mirrored" on '
        "one machine"
    )


# ---- TF_CONFIG -----------------------------------------------------------------------------------
def _from_tf_config(text: str) -> Cluster:
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(
            f"TF_CONFIG is not JSON ({error}): found {text}, expected {_EXAMPLE}"
        ) from error
    cluster = _value_of(config, "cluster", "TF_CONFIG")
    if not isinstance(cluster, dict) or not cluster:
        raise UserError(
            f'TF_CONFIG "cluster": found {cluster!r}, expected roles with their hosts, such as '
            f"{_EXAMPLE}"
        )
    hosts = {role: _read_hosts(cluster[role], role) for role in cluster}
    task = _value_of(config, "task", "TF_CONFIG")
    role = _value_of(task, "type", 'TF_CONFIG "task"')
    if not isinstance(role, str) or role not in hosts:
        raise UserError(
            f'TF_CONFIG "task": the type {role!r} is not in "cluster"; expected one of '
            f"{', '.join(hosts)}"
        )
    index = _read_index(_value_of(task, "index", 'TF_CONFIG "task"'), 'TF_CONFIG "task" index')
    return _check(Cluster(hosts, role, index), 'TF_CONFIG "task" index')


def _value_of(config: Any, key: str, where: str) -> Any:
    if not isinstance(config, dict) or key not in config:
        raise UserError(f'{where} has no "{key}": found {config!r}, expected {_EXAMPLE}')
    return config[key]


def _read_hosts(hosts: Any, role: str) -> tuple[str, ...]:
    if role not in _ROLES:
        raise UserError(
            f'TF_CONFIG "cluster": found {role!r}, expected only chief and worker. Remove {role!r}'
        )
    if not isinstance(hosts, list) or not hosts:
        raise UserError(
            f'TF_CONFIG "cluster" {role!r}: found {hosts!r}, expected a list of hosts, such as '
            '["10.0.0.2:2222"]'
        )
    if role == "chief" and len(hosts) > 1:
        raise UserError(
            f"TF_CONFIG: found {len(hosts)} chiefs, {hosts}; expected one. Keep one of them"
        )
    return tuple(hosts)


# ---- MASKCONVER_WORKERS --------------------------------------------------------------------------
def _from_worker_list(environ: Mapping[str, str]) -> Cluster:
    hosts = tuple(host.strip() for host in environ["MASKCONVER_WORKERS"].split(","))
    for name in ("MASKCONVER_WORKER_INDEX", "JOB_COMPLETION_INDEX"):
        if environ.get(name):
            cluster = Cluster({"worker": hosts}, "worker", _read_index(environ[name], name))
            return _check(cluster, name)
    raise UserError(
        f"MASKCONVER_WORKERS names {len(hosts)} worker(s), but no variable says which of them this "
        "process is. Set MASKCONVER_WORKER_INDEX, or run a Kubernetes job with completionMode: "
        "Indexed, which sets JOB_COMPLETION_INDEX"
    )


# ---- Both ----------------------------------------------------------------------------------------
def _read_index(value: Any, where: str) -> int:
    if isinstance(value, bool) or not str(value).isdecimal():
        raise UserError(
            f"{where} = {typed_repr(value)}: expected a whole number from 0; set it to the number "
            "of this process"
        )
    return int(value)


def _check(cluster: Cluster, index_name: str) -> Cluster:
    """Returns the cluster; raises `UserError` if its index or one of its hosts is wrong."""
    peers = cluster.hosts[cluster.role]
    if cluster.index >= len(peers):
        raise UserError(
            f"{index_name} = {cluster.index}: expected 0 to {len(peers) - 1}, because there are "
            f"{len(peers)} of type {cluster.role} ({', '.join(map(str, peers))})"
        )
    hosts = [host for group in cluster.hosts.values() for host in group]
    for host in hosts:
        name, _, port = str(host).rpartition(":")
        if not isinstance(host, str) or not name or not port.isdecimal() or int(port) > 65535:
            raise UserError(f"worker {host!r}: expected host:port, such as 10.0.0.2:2222")
        if hosts.count(host) > 1:
            raise UserError(f"worker {host} is named twice; give each worker its own host:port")
    return cluster
