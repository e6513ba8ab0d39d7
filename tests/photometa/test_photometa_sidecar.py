"""Sidecars on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from photometa_seeds import JPEG, photo

import photometa
from photometa import MetadataError, Struct, atomic, sidecar
from photometa.sidecar import read_sidecar, sidecar_paths, wait_for_quiet, write_sidecar

FOREIGN = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>\r\n"
    b" <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\r\n"
    b"  <rdf:Description rdf:about='' xmlns:u='http://unknown.example/' u:a='1'><!--k--></rdf:Description>"
    b"\r\n </rdf:RDF>\r\n</x:xmpmeta>"
)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    path = tmp_path / "IMG.xmp"
    path.write_bytes(FOREIGN)
    return path


def files(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_a_missing_sidecar_is_made(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4.xmp"
    photometa.write_sidecar(path, {"afterframe:clip": "é & <b>", "xmpMM:DerivedFrom": Struct({"stRef:filePath": "a"})})
    assert photometa.read_sidecar(path) == {
        "afterframe:clip": "é & <b>",
        "xmpMM:DerivedFrom": Struct({"stRef:filePath": "a"}),
    }
    assert files(tmp_path) == {"clip.mp4.xmp"}


def test_merging_keeps_every_other_byte(foreign: Path) -> None:
    write_sidecar(foreign, {"afterframe:clip": "a.mp4"})
    after = foreign.read_bytes()
    at = after.index(b'<rdf:Description rdf:about="" xmlns:afterframe')
    assert after[:at] + after[at + len(after) - len(FOREIGN) :] == FOREIGN


def test_writing_the_same_again_does_not_touch_the_file(foreign: Path) -> None:
    write_sidecar(foreign, {"afterframe:clip": "a.mp4"})
    before = foreign.stat()
    write_sidecar(foreign, {"afterframe:clip": "a.mp4"})
    assert foreign.stat() == before


def test_removing_what_was_added_gives_the_original_bytes(foreign: Path) -> None:
    write_sidecar(foreign, {"afterframe:clip": "a.mp4"})
    write_sidecar(foreign, {"afterframe:clip": None})
    assert foreign.read_bytes() == FOREIGN


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no xml",
        FOREIGN[:-40],
        b"<!DOCTYPE x>" + FOREIGN,
        b"<both>" + FOREIGN + FOREIGN + b"</both>",
        FOREIGN.replace(b"rdf:about=''", b"rdf:about='a'").replace(
            b" </rdf:RDF>", b"<rdf:Description rdf:about='b'/></rdf:RDF>"
        ),
    ],
    ids=["empty", "no xml", "cut off", "doctype", "two packets", "two subjects"],
)
def test_what_must_not_be_merged_is_refused_and_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "IMG.xmp"
    path.write_bytes(data)
    with pytest.raises(MetadataError) as caught:
        write_sidecar(path, {"afterframe:clip": "a.mp4"})
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert path.read_bytes() == data
    assert files(tmp_path) == {"IMG.xmp"}


@pytest.mark.parametrize("name", ["clip", "nobody:clip", "afterframe:no name", "afterframe:"])
def test_a_property_without_a_known_name_is_refused(foreign: Path, name: str) -> None:
    with pytest.raises(MetadataError):
        write_sidecar(foreign, {name: "a"})
    assert foreign.read_bytes() == FOREIGN


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_the_mode_is_kept(foreign: Path) -> None:
    foreign.chmod(0o640)
    write_sidecar(foreign, {"afterframe:clip": "a.mp4"})
    assert foreign.stat().st_mode & 0o777 == 0o640


def test_a_write_protected_sidecar_is_left_alone(foreign: Path) -> None:
    foreign.chmod(0o444)
    with pytest.raises(MetadataError, match="write-protected"):
        write_sidecar(foreign, {"afterframe:clip": "a.mp4"})
    assert foreign.read_bytes() == FOREIGN


def test_the_old_bytes_are_kept_as_a_backup(foreign: Path, tmp_path: Path) -> None:
    write_sidecar(foreign, {"afterframe:clip": "a.mp4"}, backup_dir=tmp_path / "backup")
    assert [p.read_bytes() for p in (tmp_path / "backup").iterdir()] == [FOREIGN]


def test_a_link_stays_a_link(foreign: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.xmp"
    try:
        link.symlink_to(foreign)
    except OSError:
        pytest.skip("links are not allowed here")
    write_sidecar(link, {"afterframe:clip": "a.mp4"})
    assert link.is_symlink()
    assert read_sidecar(foreign)["afterframe:clip"] == "a.mp4"


def test_a_change_by_another_program_in_between_is_merged_too(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = sidecar.merge, []

    def merge_while_another_program_writes(data: bytes, *rest: object) -> bytes:
        calls.append(data)
        if len(calls) == 1:
            foreign.write_bytes(FOREIGN.replace(b"u:a='1'", b"u:a='2'"))
        return real(data, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sidecar, "merge", merge_while_another_program_writes)
    write_sidecar(foreign, {"afterframe:clip": "a.mp4"})
    assert b"u:a='2'" in foreign.read_bytes()
    assert read_sidecar(foreign)["afterframe:clip"] == "a.mp4"


def test_a_sidecar_that_never_rests_is_refused(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = sidecar.merge, []

    def merge_while_another_program_writes(data: bytes, *rest: object) -> bytes:
        calls.append(data)
        foreign.write_bytes(FOREIGN.replace(b"u:a='1'", b"u:a='%d'" % len(calls)))
        return real(data, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sidecar, "merge", merge_while_another_program_writes)
    with pytest.raises(MetadataError) as caught:
        write_sidecar(foreign, {"afterframe:clip": "a.mp4"})
    assert caught.value.code == "busy"
    assert b"afterframe" not in foreign.read_bytes()


def test_a_failing_rename_leaves_the_sidecar_and_no_litter(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_rename(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "exchange", no_rename)
    with pytest.raises(MetadataError, match="No space left"):
        write_sidecar(foreign, {"afterframe:clip": "a.mp4"})
    assert foreign.read_bytes() == FOREIGN
    assert files(foreign.parent) == {"IMG.xmp"}


def test_a_sidecar_made_by_another_program_in_between_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "IMG.xmp"
    real = sidecar.packet

    def packet_while_another_program_creates(properties: object) -> bytes:
        path.write_bytes(FOREIGN)
        return real(properties)  # type: ignore[arg-type]

    monkeypatch.setattr(sidecar, "packet", packet_while_another_program_creates)
    write_sidecar(path, {"afterframe:clip": "a.mp4"})
    assert b"u:a='1'" in path.read_bytes()
    assert read_sidecar(path)["afterframe:clip"] == "a.mp4"


class Clock:
    """Time that passes only by sleeping; each sleep may be used by another program to write."""

    def __init__(self, start: float, writes: list[Path]) -> None:
        self.time, self.writes, self.slept = start, writes, 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept += seconds
        if self.writes:
            path = self.writes.pop()
            path.write_bytes(FOREIGN)
            os.utime(path, (self.time, self.time))


def test_a_quiet_file_is_not_waited_for(foreign: Path) -> None:
    os.utime(foreign, (1000, 1000))
    clock = Clock(1020, [])
    wait_for_quiet(foreign, 10, clock.now, clock.sleep)
    assert clock.slept == 0


def test_quiet_is_waited_for_from_the_last_change(foreign: Path) -> None:
    os.utime(foreign, (1000, 1000))
    clock = Clock(1004, [foreign] * 3)
    wait_for_quiet(foreign, 10, clock.now, clock.sleep)
    assert clock.slept == pytest.approx(13)


def test_waiting_for_quiet_ends(foreign: Path) -> None:
    os.utime(foreign, (1000, 1000))
    clock = Clock(1000, [foreign] * 1000)
    with pytest.raises(MetadataError) as caught:
        wait_for_quiet(foreign, 10, clock.now, clock.sleep)
    assert caught.value.code == "busy"


def test_a_change_time_in_the_future_does_not_hold_it_up_for_ever(foreign: Path) -> None:
    os.utime(foreign, (9000, 9000))
    clock = Clock(1000, [])
    wait_for_quiet(foreign, 10, clock.now, clock.sleep)
    assert clock.slept == pytest.approx(10)


def test_the_longer_sidecar_name_comes_first() -> None:
    names = ["IMG.jpg.xmp", "IMG.jpg.XMP", "IMG.xmp", "IMG.XMP"]
    assert [Path(p) for p in sidecar_paths("a/IMG.jpg")] == [Path("a") / name for name in names]


@pytest.mark.parametrize("name", ["IMG.XMP", "IMG.JPG.XMP", "IMG.JPG.xmp", "IMG.xmp"])
def test_a_sidecar_in_capital_letters_is_the_photo_s_own(tmp_path: Path, name: str) -> None:
    (tmp_path / "IMG.JPG").write_bytes(photo(JPEG, xmp=b""))
    write_sidecar(tmp_path / name, {"xmp:Rating": "2"})
    facts = photometa.read(tmp_path / "IMG.JPG")
    assert (facts.rating, facts.sources["rating"].lower()) == (2, f"{name} xmp:rating".lower())


def test_a_folder_is_no_sidecar(tmp_path: Path) -> None:
    with pytest.raises(MetadataError):
        read_sidecar(tmp_path)
    with pytest.raises(MetadataError):
        write_sidecar(tmp_path, {"afterframe:clip": "a"})


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="nowhere"):
        write_sidecar(tmp_path / "nowhere" / "a.xmp", {"afterframe:clip": "a"})
