"""The fault tests' own fixtures: a home with its commands, and small disks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # faults_processes and faults_photos
sys.path.append(str(Path(__file__).parents[1] / "afterframe"))  # video_servers
sys.path.append(str(Path(__file__).parents[2] / "scripts"))  # the rig

from faults_processes import Afterframe

if os.name != "posix":
    collect_ignore_glob = ["test_*.py"]  # process groups and mounts are POSIX's


@pytest.fixture
def afterframe(home_of_its_own: Path) -> Iterator[Afterframe]:
    """Commands on a home of their own, set to tiny clips; every daemon is ended."""
    made = Afterframe(home_of_its_own)
    made.settings()
    yield made
    for daemon in made.daemons:
        daemon.end()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the photos of a test are."""
    made = tmp_path / "photos"
    made.mkdir()
    return made


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts small file systems in memory; needs root."""
    mounted: list[Path] = []

    def _mount(name: str, options: str) -> Path:
        if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
            pytest.skip("only root on Linux can mount a small disk")
        at = tmp_path / name
        at.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", at], capture_output=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"mount is not allowed here: {done.stderr.decode().strip()}")
        mounted.append(at)
        return at

    yield _mount
    for at in mounted:
        subprocess.run(["umount", "--lazy", at], check=True)
