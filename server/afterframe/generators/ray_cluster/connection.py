"""Joining a Ray cluster as its client, and its machines.

A Ray driver runs on a node of its cluster: this machine joins with ``ray start --address=HEAD:PORT --num-cpus=0``, and
renders nothing itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
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
"""The head must accept a connection, and answer in HTTP/2, within this time, seconds; Ray would try for minutes."""
OPEN_CHECK_TIMEOUT_S = 10.0
"""How long a cluster is asked whether it lets anybody in, seconds."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""A client's connection preface with empty SETTINGS (RFC 9113, sections 3.4 and 6.5)."""
SETTINGS = 4
"""The type of the frame that a server of HTTP/2, so of gRPC, sends first."""


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
    check_reachable(config)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if config.token_file:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(_token_file(config))
    try:
        import ray  # it reads the variables above when it is imported
    except ImportError as error:
        raise GenerateError(
            "The generator ray needs the package ray.", "Install Afterframe with the extra “cluster”.", code="no_ray"
        ) from error
    if not ray.is_initialized():
        _check_closed(config)
        logging.getLogger("ray").setLevel(logging.ERROR)
        with _own_sigterm_handler():
            _join(ray, config)
    return ray


def check_reachable(config: ClusterConfig) -> None:
    """Look whether a cluster's head is there, within seconds.

    Raises:
        ConfigError: the address is none.
        Unavailable: nothing answers there, or something that is no head.
    """
    host, _, port = config.address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"The cluster's address cannot be “{config.address}”.", "Write host and port: gpu1:6379.")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_S) as connection:
            connection.settimeout(CONNECT_TIMEOUT_S)
            is_head = _speaks_http2(connection)
    except OSError as error:
        raise Unavailable(
            f"The head of the cluster does not answer at {config.address}.",
            f"Start it there: `{_ray_start(config)} --head --port={port}`.",
        ) from error
    if not is_head:
        raise Unavailable(
            f"What answers at {config.address} is no head of a Ray cluster.",
            "Write the --port that the head was started with into cluster.address.",
        )


def _speaks_http2(connection: socket.socket) -> bool:
    """Whether the other side sends SETTINGS first, as every server of HTTP/2 must (RFC 9113, section 3.4)."""
    head = b""
    try:
        connection.sendall(PREFACE)
        while len(head) < 4 and (more := connection.recv(16)):
            head += more
    except OSError:  # it waits for something else, or hung up
        return False
    return head[3:4] == bytes((SETTINGS,))


def _token_file(config: ClusterConfig) -> Path:
    path = Path(config.token_file).expanduser()
    if not path.is_file():
        raise Unavailable(
            f"The cluster's token file {path} is not there.",
            "Copy the head's ~/.ray/auth_token to this machine and name the copy as cluster.token_file.",
        )
    return path


def _ray_start(config: ClusterConfig) -> str:
    """How `ray start` is called, so that the cluster asks for a token unless it need not."""
    return "ray start" if config.open else "RAY_AUTH_MODE=token ray start"


def _check_closed(config: ClusterConfig) -> None:
    """Refuse a cluster that lets anybody in: who reaches it can run anything on its machines, and read every photo."""
    if config.open:
        return
    ask = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", config.address]
    environ = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(ask, env=environ, capture_output=True, timeout=OPEN_CHECK_TIMEOUT_S, check=False)
        if done.returncode == 0:
            raise Unavailable(
                f"The cluster at {config.address} asks for no token: it lets anybody in.",
                "Start it with RAY_AUTH_MODE=token (docs/studio.md), or allow it: open = true under [cluster].",
            )


def _join(ray: Any, config: ClusterConfig) -> None:
    address = config.address
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
            f"Join it: `{_ray_start(config)} --address={address} --num-cpus=0 --num-gpus=0`.",
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
