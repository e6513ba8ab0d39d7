"""The lock among writers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from photometa import MetadataError, lock, sidecar
from photometa.lock import LockedError, locked

HOLD = """
import sys, tempfile
from photometa.lock import locked
tempfile.tempdir = sys.argv[1]
with locked(sys.argv[2], 5):
    print("held", flush=True)
    sys.stdin.readline()
"""


def has_file_locks() -> bool:
    try:
        import fcntl  # noqa: F401
    except ImportError:
        return sys.platform == "win32"
    return True


@pytest.fixture(autouse=True)
def lock_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def other_process(lock_folder: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of IMG.xmp until it is told a line."""
    if not has_file_locks():
        pytest.skip("this system locks no files")
    command = [sys.executable, "-c", HOLD, str(lock_folder), str(tmp_path / "IMG.xmp")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.communicate()


def test_another_process_is_waited_for(other_process: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(LockedError), locked(str(tmp_path / "IMG.xmp"), 0):
        pass
    assert other_process.stdin is not None
    other_process.stdin.write("\n")
    other_process.stdin.flush()
    with locked(str(tmp_path / "IMG.xmp"), 30):
        pass


def test_the_lock_of_a_killed_process_is_free(other_process: subprocess.Popen[str], tmp_path: Path) -> None:
    other_process.kill()
    other_process.wait()
    with locked(str(tmp_path / "IMG.xmp"), 30):
        pass


def test_other_sidecars_are_not_locked(other_process: subprocess.Popen[str], tmp_path: Path) -> None:
    with locked(str(tmp_path / "other.xmp"), 0):
        pass


def test_a_sidecar_that_stays_locked_is_left_alone(
    other_process: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecar, "LOCK_TIMEOUT_S", 0.0)
    with pytest.raises(MetadataError) as caught:
        sidecar.write_sidecar(tmp_path / "IMG.xmp", {"afterframe:clip": "a.mp4"})
    assert caught.value.code == "busy"
    assert not (tmp_path / "IMG.xmp").exists()


def test_threads_exclude_each_other() -> None:
    inside, worst = [], []

    def enter() -> None:
        for _ in range(50):
            with locked("IMG.xmp", 30):
                inside.append(1)
                worst.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(worst) == 1


def test_a_relative_and_an_absolute_path_are_the_same_sidecar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with locked("IMG.xmp", 0), pytest.raises(LockedError), locked(str(tmp_path / "IMG.xmp"), 0):
        pass


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_a_cleaned_temporary_folder_gets_a_new_lock_file(lock_folder: Path, tmp_path: Path) -> None:
    with locked("IMG.xmp", 0):
        (file,) = lock_folder.rglob("*.lock")
    file.unlink()
    file.parent.rmdir()
    with locked("IMG.xmp", 0):
        assert file.exists()


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_the_lock_file_is_for_its_user_alone(lock_folder: Path) -> None:
    with locked("IMG.xmp", 0):
        (file,) = lock_folder.rglob("*.lock")
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_forked_child_takes_no_thread_s_lock_with_it() -> None:
    with locked("IMG.xmp", 0):
        lock._forget()
        assert not lock._threads
