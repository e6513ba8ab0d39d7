"""Joining a Ray cluster as its client, and what it consists of.

Ray's drivers run beside a node of their cluster: this machine joins with ``ray start --address=HEAD:PORT
--num-cpus=0``, and makes nothing itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afterframe.config import ClusterConfig
from afterframe.errors import ConfigError, GenerateError, Unavailable

NAMESPACE = "afterframe"
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_NUM_REDIS_GET_RETRIES": "4",  # the head's port has answered; Ray's own 20 tries take 20 s
}
REACH_S = 3.0
"""The head must take a connection within this, seconds; Ray itself would try for a minute."""


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the cluster."""

    id: str
    host: str
    alive: bool
    gpus: float
    cpus: float


def connect(config: ClusterConfig) -> Any:
    """Join the cluster, unless that is done.

    Returns:
        The ``ray`` module.
    Raises:
        ConfigError: no cluster is named.
        GenerateError: Ray is not installed.
        Unavailable: the cluster is not there, or does not let us in.
    """
    if not config.address:
        raise ConfigError(
            "config.toml names no cluster.", "Write its address under [cluster]; docs/studio.md shows how."
        )
    _reach(config.address)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if config.token_file:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(Path(config.token_file).expanduser())
    try:
        import ray  # the settings above must stand before
    except ImportError as error:
        raise GenerateError(
            "The generator ray needs the package ray.", "Install Afterframe with the extra “cluster”.", code="no_ray"
        ) from error
    if not ray.is_initialized():
        with _signals_kept():
            _join(ray, config.address)
    return ray


def _reach(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"The cluster's address cannot be “{address}”.", "Write host and port: gpu1:6379.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_S).close()
    except OSError as error:
        raise Unavailable(
            f"The cluster's head does not answer at {address}.", f"Start it there: `ray start --head --port={port}`."
        ) from error


def _join(ray: Any, address: str) -> None:
    try:
        ray.init(
            address=address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False, logging_level="ERROR"
        )
    except (ConnectionError, ray.exceptions.AuthenticationError) as error:
        raise Unavailable(
            f"The cluster at {address} does not let this machine in.",
            "Its token is probably another one: put the head's ~/.ray/auth_token onto this machine and name that file "
            "as cluster.token_file.",
        ) from error
    except (RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise Unavailable(
            f"This machine is not in the cluster at {address}.",
            f"Let it join: `ray start --address={address} --num-cpus=0`.",
        ) from error


@contextlib.contextmanager
def _signals_kept() -> Any:
    """Ray puts handlers of its own on SIGTERM; ours stay."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # not in the main thread: nothing was changed either
            signal.signal(signal.SIGTERM, before)


def nodes(ray: Any) -> list[Node]:
    """The machines of the cluster, those that left too."""
    return [
        Node(
            id=node["NodeID"],
            host=node["NodeManagerHostname"],
            alive=node["Alive"],
            gpus=node["Resources"].get("GPU", 0.0),
            cpus=node["Resources"].get("CPU", 0.0),
        )
        for node in ray.nodes()
    ]


def cluster_status(config: ClusterConfig) -> dict[str, Any]:
    """What the cluster consists of, for `afterframe cluster status`.

    Raises:
        AfterframeError: as :func:`connect`.
    """
    with contextlib.redirect_stdout(sys.stderr):  # where Ray's own messages do no harm
        ray = connect(config)
        try:
            free = ray.available_resources()
            found = [node for node in nodes(ray) if node.alive]
        finally:
            ray.shutdown()
    gpus, cpus = sum(node.gpus for node in found), sum(node.cpus for node in found)
    return {
        "address": config.address,
        "ray": ray.__version__,
        "slots": config.slots,
        "renders_on": "GPU" if gpus else "CPU",
        "room": int(gpus or cpus),
        "free": int(free.get("GPU" if gpus else "CPU", 0)),
        "nodes": [{"host": node.host, "id": node.id, "gpus": node.gpus, "cpus": node.cpus} for node in found],
    }
