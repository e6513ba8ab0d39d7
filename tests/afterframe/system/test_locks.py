from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from afterframe.errors import AlreadyRunning
from afterframe.system.locks import DaemonLock, Owner, is_alive, sweep_owners
from markers import real_locks

HOLD = """
import sys
from pathlib import Path
from afterframe.system.locks import Owner
with Owner(Path(sys.argv[1]), "daemon") as owner:
    print(owner.id, flush=True)
    sys.stdin.read()
"""


def test_only_one_daemon_holds_a_home(tmp_path: Path) -> None:
    first, second = DaemonLock(tmp_path), DaemonLock(tmp_path)
    first.acquire()
    with pytest.raises(AlreadyRunning, match="already running"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_an_owner_lives_while_it_holds_its_lock(tmp_path: Path) -> None:
    with Owner(tmp_path, "daemon") as owner:
        assert is_alive(tmp_path, owner.id)
    assert not is_alive(tmp_path, owner.id)
    assert list(tmp_path.iterdir()) == []


def test_an_owner_that_was_killed_is_dead_at_once(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        assert is_alive(tmp_path, owner)
        process.kill()
        process.wait()
    assert not is_alive(tmp_path, owner)


def test_nobody_is_not_alive(tmp_path: Path) -> None:
    assert not is_alive(tmp_path, "daemon-1-ffff")


@real_locks
def test_lock_files_of_dead_processes_are_swept_and_no_others(tmp_path: Path) -> None:
    dead, new = tmp_path / "daemon-1-a.lock", tmp_path / "daemon-2-b.lock"
    for path in (dead, new):
        path.touch()
    os.utime(dead, (0, 0))
    with Owner(tmp_path, "daemon") as owner:
        os.utime(tmp_path / f"{owner.id}.lock", (0, 0))
        sweep_owners(tmp_path, new.stat().st_mtime)
        assert is_alive(tmp_path, owner.id)
    assert not dead.exists()
    assert new.exists()
