"""Clips from a real Ray cluster of two nodes, one of which dies; and the daemon, too."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from faults_processes import Afterframe, clips_in, hidden_in, python_path, until

from factories import make_photo_file
from photometa import read_sidecar

NODES = Path(__file__).with_name("ray_nodes.py")
WAITING = Path(__file__).parents[2] / "scripts" / "waiting"
LONG = bool(os.environ.get("AFTERFRAME_LONG"))
CLIPS = 20 if LONG else 6
"""The long form is run by hand: AFTERFRAME_LONG=1."""
TOKEN = "0123456789abcdef" * 4


class Cluster:
    """Two nodes with a processor each."""

    def __init__(self, folder: Path, wait_s: float, auth_mode: str = "token") -> None:
        # Ray's sockets have no room for pytest's long paths.
        self._sessions = tempfile.mkdtemp(prefix="ray-")
        self.token_file = folder / "ray token"
        self.token_file.write_text(TOKEN)
        self.environment = {"PYTHONPATH": python_path(WAITING), "RAY_USAGE_STATS_ENABLED": "0"}
        secret = {"RAY_AUTH_MODE": auth_mode, "RAY_AUTH_TOKEN_PATH": str(self.token_file)}
        self._log = (folder / "ray.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, NODES],
            env={
                **os.environ,
                **self.environment,
                **secret,
                "AFTERFRAME_WAIT_S": str(wait_s),
                "RAY_TMPDIR": self._sessions,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().decode().strip()
        if not self.address:
            self.end()
            pytest.fail((folder / "ray.log").read_text())

    def kill_second_node(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"kill\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"killed\n"

    def end(self) -> None:
        members = self._members()
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        _, alive = psutil.wait_procs(members, timeout=10)
        for process in alive:
            process.kill()
        self._log.close()
        shutil.rmtree(self._sessions, ignore_errors=True)

    def _members(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []


@pytest.fixture
def cluster(afterframe: Afterframe, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, wait_s=1.5)
    afterframe.environment |= made.environment
    afterframe.settings(
        render={"preset": "ultrafast", "generator": "ray"},
        cluster={
            "address": made.address,
            "slots": 2,
            "generator": "waiting",
            "token_file": str(made.token_file),
        },
    )
    yield made
    for daemon in afterframe.daemons:
        daemon.end()
    made.end()


def post(afterframe: Afterframe, path: str) -> None:
    url = json.loads((afterframe.home / "daemon.json").read_text())["url"]
    token = (afterframe.home / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url + path, b"{}", headers), timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_cluster_makes_every_clip_once_though_a_node_and_the_daemon_die(
    afterframe: Afterframe, folder: Path, cluster: Cluster
) -> None:
    """One test of several steps: starting a cluster takes longer than all of them."""
    it_tells_what_it_is(afterframe)
    first = afterframe.serve(folder)
    it_stops_when_asked_and_stays_warm(afterframe, folder)
    for number in range(CLIPS):
        make_photo_file(folder / f"DSC_{number:04}.jpg", seed=number)

    def done() -> int:
        return afterframe.states().get("done", 0)

    until(lambda: done() >= 2 and afterframe.states().get("running") == 2, "both nodes to be at work", 120)
    cluster.kill_second_node()
    lived = done()
    until(lambda: done() >= lived + 2, "the other node to go on", 120)
    assert afterframe.rows("SELECT id FROM jobs WHERE strikes > 0") == []
    first.signal(signal.SIGKILL)
    first.process.wait()
    afterframe.serve(folder)
    until(lambda: afterframe.states() == {"done": CLIPS + 1}, "all clips", 200)

    assert clips_in(folder) == [*(f"DSC_{number:04}_motion.mp4" for number in range(CLIPS)), "Straße 1_motion.mp4"]
    assert hidden_in(folder) == []
    assert afterframe.rows("SELECT id FROM jobs WHERE strikes > 0") == []
    said = read_sidecar(folder / "Straße 1_motion.mp4.xmp")
    assert (said["afterframe:generator"], said["afterframe:generatorVersion"]) == ("ray", "waiting 1")
    assert all(TOKEN not in log.read_text() for log in (afterframe.home / "logs").iterdir())
    it_lets_nobody_in_without_its_token(afterframe, cluster)


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="a second cluster takes long to start: AFTERFRAME_LONG=1")
def test_a_cluster_that_lets_anybody_in_is_used_only_where_that_is_allowed(
    afterframe: Afterframe, tmp_path: Path
) -> None:
    made = Cluster(tmp_path, wait_s=0.0, auth_mode="disabled")
    try:
        settings = {"address": made.address, "token_file": str(made.token_file)}
        afterframe.settings(cluster=settings)
        assert "asks for no token" in afterframe.ask("cluster", "status")["error"]["message"]
        afterframe.settings(cluster={**settings, "open": True})
        assert afterframe.ask("cluster", "status")["room"] == 2
    finally:
        made.end()


def it_tells_what_it_is(afterframe: Afterframe) -> None:
    found = afterframe.ask("cluster", "status")
    assert (found["renders_on"], found["room"], found["slots"], len(found["nodes"])) == ("CPU", 2, 2, 2)


def it_stops_when_asked_and_stays_warm(afterframe: Afterframe, folder: Path) -> None:
    make_photo_file(folder / "Straße 1.jpg", seed=99)
    until(lambda: any(row["progress"] > 0.2 for row in afterframe.rows("SELECT progress FROM jobs")), "progress", 60)
    (job,) = afterframe.rows("SELECT id FROM jobs")
    post(afterframe, f"/api/renders/{job['id']}/cancel")
    until(lambda: afterframe.states() == {"cancelled": 1}, "the render to stop")
    post(afterframe, f"/api/renders/{job['id']}/retry")
    until(lambda: afterframe.states() == {"done": 1}, "the clip")


def it_lets_nobody_in_without_its_token(afterframe: Afterframe, cluster: Cluster) -> None:
    cluster.token_file.write_text("f" * 64)
    refused = afterframe.ask("cluster", "status")
    assert refused["error"]["code"] == "unavailable", refused
    assert "does not let this machine in" in refused["error"]["message"]
    assert "token" in refused["error"]["hint"]
