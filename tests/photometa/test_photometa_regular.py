"""Whatever has the name of a file: only regular files are opened, and nothing is waited for."""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import photometa
from photometa import MetadataError
from photometa.containers.mp4 import read_xmp
from photometa.regular import NotRegular, open_regular
from photometa.sidecar import MAX_BYTES

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of this kind are POSIX's")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # their names are short


def a_folder(path: Path) -> None:
    path.mkdir()


def a_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.fixture(params=[a_pipe, a_socket, a_folder, a_link_to_a_device], ids=lambda make: make.__name__)
def oddity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.mp4.xmp"
    request.param(path)
    return path


READERS: list[Callable[[Path], object]] = [
    photometa.read,
    photometa.read_sidecar,
    lambda path: photometa.write_sidecar(path, {"xmp:Rating": "3"}),
    read_xmp,
]


@pytest.mark.parametrize("read", READERS, ids=["photo", "sidecar", "merge", "movie"])
def test_what_is_no_file_is_refused_and_not_waited_for(oddity: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(MetadataError) as caught:
        read(oddity)
    assert caught.value.code == "not_a_file"


def test_a_pipe_that_took_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xmp"
    path.write_bytes(b"here a moment ago")
    before = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr("photometa.regular.os.stat", lambda name: before)
    with pytest.raises(NotRegular) as caught:
        open_regular(path)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_sidecar_that_is_too_large_is_neither_read_nor_written(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    photometa.write_sidecar(path, {"dc:description": "word " * (MAX_BYTES // 5)})
    with pytest.raises(MetadataError, match=r"a\.xmp is larger than 4 MiB"):
        photometa.read_sidecar(path)
    with pytest.raises(MetadataError, match=r"a\.xmp is larger than 4 MiB"):
        photometa.write_sidecar(path, {"xmp:Rating": "3"})
