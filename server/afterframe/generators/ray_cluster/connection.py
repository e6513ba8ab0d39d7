"""Joining a Ray cluster as its client, and its machines.

A Ray driver runs on a node of its cluster: this machine joins with ``ray start --address=HEAD:PORT --num-cpus=0``, and
renders nothing itself.
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
    "RAY_NUM_REDIS_GET_RETRIES": "4",  # the head has answered already; Ray's own 20 retries take 20 s
}
CONNECT_TIMEOUT_S = 3.0
"""The head must accept a connection within this time, seconds; Ray itself would try for a minute."""


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the cluster."""

    id: str
    host: str
    alive: bool
    gpus: float
    cpus: float


def connect(config: ClusterConfig) -> Any:
    """Join the cluster, unless this process has done so.

    Returns:
        The ``ray`` module.
    Raises:
        ConfigError: config.toml names no cluster.
        GenerateError: Ray is not installed.
        Unavailable: the cluster does not answer, or does not let us in.
    """
    if not config.address:
        raise ConfigError(
            "config.toml names no cluster.", "Write its address under [cluster]; docs/studio.md shows how."
        )
    _check_reachable(config.address)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if config.token_file:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(Path(config.token_file).expanduser())
    try:
        import ray  # it reads the variables above when it is imported
    except ImportError as error:
        raise GenerateError(
            "The generator ray needs the package ray.", "Install Afterframe with the extra “cluster”.", code="no_ray"
        ) from error
    if not ray.is_initialized():
        with _own_sigterm_handler():
            _join(ray, config.address)
    return ray


def _check_reachable(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"The cluster's address cannot be “{address}”.", "Write host and port: gpu1:6379.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise Unavailable(
            f"The head of the cluster does not answer at {address}.",
            f"Start it there: `ray start --head --port={port}`.",
        ) from error


def _join(ray: Any, address: str) -> None:
    try:
        ray.init(
            address=address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False, logging_level="ERROR"
        )
    except (ConnectionError, ray.exceptions.AuthenticationError) as error:
        raise Unavailable(
            f"The cluster at {address} does not let this machine in.",
            "The tokens probably differ: copy the head's ~/.ray/auth_token to this machine and name that file as "
            "cluster.token_file.",
        ) from error
    except (RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise Unavailable(
            f"This machine is not in the cluster at {address}.",
            f"Join it: `ray start --address={address} --num-cpus=0`.",
        ) from error


@contextlib.contextmanager
def _own_sigterm_handler() -> Any:
    """Ray installs a handler for SIGTERM; ours is restored."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # not in the main thread, where Ray changes nothing either
            signal.signal(signal.SIGTERM, before)


def nodes(ray: Any) -> list[Node]:
    """The machines of the cluster, also those that have left it."""
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
    """The cluster's machines and free resources, for `afterframe cluster status`.

    Raises:
        AfterframeError: as :func:`connect`.
    """
    with contextlib.redirect_stdout(sys.stderr):  # Ray's own messages must not mix with JSON
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
