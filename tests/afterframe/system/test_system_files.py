from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from afterframe.system.files import FileCache, prune, replacing, write_file

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions, and links need a right")

root_only = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root may give files away")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_made_and_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_file(file, b"one")
    write_file(file, b"two")
    assert file.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_is_as_it_was_when_its_replacement_fails(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"old")
    with pytest.raises(ValueError, match="no"), replacing(file) as part:
        part.write_bytes(b"half")
        raise ValueError("no")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"old")
    with replacing(file) as part:
        part.write_bytes(b"new")
        assert part.suffix == ".jpg"
        assert part.name.startswith(".")
        assert file.read_bytes() == b"old"
    assert file.read_bytes() == b"new"


def test_a_replacement_that_was_never_written_leaves_a_missing_file_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_file(tmp_path / "no" / "a", b"")


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666])
def test_permissions_are_kept_and_hold_while_it_is_written(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "config.toml"
    file.touch()
    file.chmod(mode)
    with replacing(file) as part:
        assert mode_of(part) == mode
        part.write_text("api_key = 1")
    assert mode_of(file) == mode


@root_only
@pytest.mark.parametrize("linked", [False, True])
def test_another_owners_file_stays_theirs(tmp_path: Path, *, linked: bool) -> None:
    file, link = tmp_path / "config.toml", tmp_path / "link.toml"
    file.write_text("old")
    file.chmod(0o640)
    os.chown(file, 12_345, 23_456)
    link.symlink_to(file)
    write_file(link if linked else file, b"new")
    assert file.read_text() == "new"
    assert (file.stat().st_uid, file.stat().st_gid, mode_of(file)) == (12_345, 23_456, 0o640)


@posix_only
@pytest.mark.parametrize("exists", [True, False])
def test_a_private_file_is_the_user_s_alone(tmp_path: Path, *, exists: bool) -> None:
    file = tmp_path / "token"
    if exists:
        file.touch()
        file.chmod(0o644)
    write_file(file, b"secret", private=True)
    assert mode_of(file) == 0o600


@posix_only
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real, link = tmp_path / "dotfiles" / "config.toml", tmp_path / "config.toml"
    link.symlink_to(Path("dotfiles", "config.toml"))
    for data in (b"made", b"replaced"):
        write_file(link, data)
        assert link.is_symlink()
        assert real.read_bytes() == data
    assert [path.name for path in real.parent.iterdir()] == ["config.toml"]


def make(part: Path) -> None:
    part.write_bytes(part.suffix.encode())


def test_a_cached_file_is_made_once_under_a_hidden_name(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache" / "posters")
    made: list[Path] = []

    def counted(part: Path) -> None:
        made.append(part)
        make(part)

    file = cache.get("a.jpg", counted)
    assert file == cache.get("a.jpg", counted) == cache.path("a.jpg")
    assert file.read_bytes() == b".jpg"
    assert file.name == ".a.jpg"
    assert len(made) == 1
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_could_not_be_made_is_not_kept(tmp_path: Path) -> None:
    def fails(part: Path) -> None:
        part.write_bytes(b"half")
        raise ValueError("no")

    cache = FileCache(tmp_path)
    with pytest.raises(ValueError, match="no"):
        cache.get("a.jpg", fails)
    assert not list(tmp_path.iterdir())


def test_a_file_that_somebody_else_made_meanwhile_stays(tmp_path: Path) -> None:
    cache = FileCache(tmp_path)

    def slow(part: Path) -> None:
        cache.path("a.jpg").write_bytes(b"theirs")
        make(part)

    assert cache.get("a.jpg", slow).read_bytes() == b"theirs"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_was_made_while_its_turn_was_awaited_is_not_made_again(tmp_path: Path) -> None:
    cache = FileCache(tmp_path)

    @contextlib.contextmanager
    def turn() -> Iterator[None]:
        cache.path("a.jpg").write_bytes(b"theirs")
        yield

    assert cache.get("a.jpg", lambda part: pytest.fail(f"{part} was made"), turn()).read_bytes() == b"theirs"


def test_a_cache_keeps_its_newest_files(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, keep=2)
    for number in range(5):
        os.utime(cache.get(f"{number}.jpg", make), (number, number))
    assert sorted(file.name for file in tmp_path.iterdir()) == [".3.jpg", ".4.jpg"]


def test_the_newest_files_of_a_folder_stay(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / str(number)).write_bytes(b"")
        os.utime(tmp_path / str(number), (number, number))
    prune(tmp_path, 20)
    assert {int(file.name) for file in tmp_path.iterdir()} == set(range(10, 30))
